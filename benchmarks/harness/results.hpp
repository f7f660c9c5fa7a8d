// Collects what Google Benchmark measures: one value per row, counter and repetition.
#pragma once

#include <benchmark/benchmark.h>  // for BenchmarkReporter

#include <cstdint>      // for uint64_t
#include <functional>   // for less
#include <map>          // for map
#include <optional>     // for optional
#include <string>       // for string
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace bench {

/// The time of a row, in nanoseconds per item; every row has it.
inline constexpr std::string_view time_ns = "ns";

/// Allocations per item.
inline constexpr std::string_view allocations_per_item = "allocations";

/// Payload copies in user space, per item.
inline constexpr std::string_view copies_per_item = "copies";

/// Steps of the scheduler, per item.
inline constexpr std::string_view steps_per_item = "steps";

/// Bytes of memory in use, per item.
inline constexpr std::string_view bytes_per_item = "bytes";

/// Prints each row when its last repetition is done, and keeps its medians for the gates.
class results : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& repetitions) override;

  /// The median of a row's counter over all repetitions, or nothing when it was not measured.
  [[nodiscard]] std::optional<double> median(std::string_view row, std::string_view counter) const;

 private:
  using counters = std::map<std::string, double, std::less<>>;
  std::map<std::string, counters, std::less<>> medians_;
};

/// Tells the time and the allocations of a row: `items` were handled over all its iterations, and
/// memory was `allocated` so many times.
void report_items(benchmark::State& state, std::uint64_t items, std::uint64_t allocated);

}  // namespace bench

// Collects what Google Benchmark measures: one value per row, counter and pass.
#pragma once

#include <benchmark/benchmark.h>  // for BenchmarkReporter, JSONReporter

#include <cstdint>      // for uint64_t
#include <fstream>      // for ofstream
#include <functional>   // for less
#include <map>          // for map
#include <optional>     // for optional
#include <span>         // for span
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

/// Collects every row of every pass, and gives the gates medians over the passes.
class results : public benchmark::BenchmarkReporter {
 public:
  using combination = double (*)(std::span<const double>);

  /// Writes everything to the file `json` as well, unless that is empty.
  /// Errors: throws when the file cannot be written.
  explicit results(const std::string& json);

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& rows) override;

  /// Ends the file, and prints the medians of each row.
  /// Errors: throws when not all could be written.
  void finish();

  /// The median of a row's counter, or nothing when it was not measured.
  [[nodiscard]] std::optional<double> median(std::string_view row, std::string_view counter) const;

  /// The largest value of a row's counter in any pass, or nothing when it was not measured.
  [[nodiscard]] std::optional<double> largest(std::string_view row, std::string_view counter) const;

  /// The median of what `combine` makes of several rows' counters in each pass, in which they are
  /// measured one soon after the other: what disturbs the machine meanwhile disturbs all.
  [[nodiscard]] std::optional<double> combined_median(const std::vector<std::string>& rows,
                                                      std::string_view counter,
                                                      combination combine) const;

 private:
  using counters = std::map<std::string, std::vector<double>, std::less<>>;

  /// Null when it was not measured.
  [[nodiscard]] const std::vector<double>* find(std::string_view row,
                                                std::string_view counter) const;

  std::map<std::string, counters, std::less<>> measured_;
  std::ofstream file_;
  benchmark::JSONReporter json_;
  bool file_begun_ = false;
};

/// Tells the time and the allocations of a row: `items` were handled over all its iterations, and
/// memory was `allocated` so many times.
void report_items(benchmark::State& state, std::uint64_t items, std::uint64_t allocated);

}  // namespace bench

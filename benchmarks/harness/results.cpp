// See results.hpp.
#include "results.hpp"

#include <algorithm>  // for nth_element
#include <cstdio>     // for printf
#include <iterator>   // for next

namespace bench {

namespace {

/// The row's name without what Google Benchmark appends about how it was run.
std::string row_name(const benchmark::BenchmarkReporter::Run& run) {
  const auto& name = run.run_name;
  return name.args.empty() ? name.function_name : name.function_name + '/' + name.args;
}

double middle(std::vector<double> values) {
  const auto at = std::next(values.begin(), static_cast<std::ptrdiff_t>(values.size() / 2));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

void results::ReportRuns(const std::vector<Run>& repetitions) {
  if (repetitions.front().run_type == Run::RT_Aggregate)
    return;  // the medians are taken here, where smoke runs have them too
  std::map<std::string, std::vector<double>> measured;
  for (const Run& run : repetitions)
    for (const auto& [counter, value] : run.counters) measured[counter].push_back(value.value);
  const std::string row = row_name(repetitions.front());
  counters& kept = medians_[row];
  for (const auto& [counter, values] : measured) kept[counter] = middle(values);

  std::printf("%-58s", row.c_str());
  for (const auto& [counter, value] : kept) std::printf("  %s %.4g", counter.c_str(), value);
  std::printf("\n");
  std::fflush(stdout);
}

std::optional<double> results::median(std::string_view row, std::string_view counter) const {
  const auto found = medians_.find(row);
  if (found == medians_.end()) return std::nullopt;
  const auto value = found->second.find(counter);
  if (value == found->second.end()) return std::nullopt;
  return value->second;
}

void report_items(benchmark::State& state, std::uint64_t items, std::uint64_t allocated) {
  using benchmark::Counter;
  const auto count = static_cast<double>(items);
  // An inverted rate is the row's time divided by this number.
  state.counters[std::string(time_ns)] = Counter(count * 1e-9, Counter::kIsRate | Counter::kInvert);
  state.counters[std::string(allocations_per_item)] = static_cast<double>(allocated) / count;
}

}  // namespace bench

// See results.hpp.
#include "results.hpp"

#include <algorithm>  // for max_element, nth_element
#include <cstdio>     // for printf
#include <iterator>   // for next
#include <stdexcept>  // for runtime_error
#include <utility>    // for exchange

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

results::results(const std::string& json) {
  if (json.empty()) return;
  file_.open(json);
  if (!file_) throw std::runtime_error("cannot write " + json);
  json_.SetOutputStream(&file_);
}

bool results::ReportContext(const Context& context) {
  if (file_.is_open() && !std::exchange(file_begun_, true)) json_.ReportContext(context);
  return true;
}

void results::ReportRuns(const std::vector<Run>& rows) {
  if (file_.is_open()) json_.ReportRuns(rows);
  if (rows.front().run_type == Run::RT_Aggregate) return;  // the medians are taken here
  for (const Run& run : rows)
    for (const auto& [counter, value] : run.counters)
      measured_[row_name(run)][counter].push_back(value.value);
}

void results::finish() {
  if (file_begun_) json_.Finalize();
  if (file_.is_open() && !file_.flush())
    throw std::runtime_error("cannot write all of the file for --json");
  for (const auto& [row, all] : measured_) {
    std::printf("%-58s", row.c_str());
    for (const auto& [counter, values] : all)
      std::printf("  %s %.4g", counter.c_str(), middle(values));
    std::printf("\n");
  }
  std::fflush(stdout);
}

const std::vector<double>* results::find(std::string_view row, std::string_view counter) const {
  const auto found = measured_.find(row);
  if (found == measured_.end()) return nullptr;
  const auto values = found->second.find(counter);
  return values == found->second.end() ? nullptr : &values->second;
}

std::optional<double> results::median(std::string_view row, std::string_view counter) const {
  const std::vector<double>* const values = find(row, counter);
  if (!values) return std::nullopt;
  return middle(*values);
}

std::optional<double> results::largest(std::string_view row, std::string_view counter) const {
  const std::vector<double>* const values = find(row, counter);
  if (!values) return std::nullopt;
  return *std::max_element(values->begin(), values->end());
}

std::optional<double> results::combined_median(const std::vector<std::string>& rows,
                                               std::string_view counter,
                                               combination combine) const {
  std::vector<const std::vector<double>*> measured;
  for (const std::string& row : rows) {
    measured.push_back(find(row, counter));
    if (!measured.back() || measured.back()->size() != measured.front()->size())
      return std::nullopt;
  }
  std::vector<double> combined, in_pass(rows.size());
  for (std::size_t pass = 0; pass < measured.front()->size(); ++pass) {
    for (std::size_t i = 0; i < rows.size(); ++i) in_pass[i] = (*measured[i])[pass];
    combined.push_back(combine(in_pass));
  }
  return middle(combined);
}

void report_items(benchmark::State& state, std::uint64_t items, std::uint64_t allocated) {
  using benchmark::Counter;
  const auto count = static_cast<double>(items);
  // An inverted rate is the row's time divided by this number.
  state.counters[std::string(time_ns)] = Counter(count * 1e-9, Counter::kIsRate | Counter::kInvert);
  state.counters[std::string(allocations_per_item)] = static_cast<double>(allocated) / count;
}

}  // namespace bench

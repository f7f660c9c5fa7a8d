// See gate.hpp.
#include "gate.hpp"

#include <algorithm>  // for max
#include <cstdio>     // for printf, snprintf
#include <span>       // for span
#include <utility>    // for move
#include <vector>     // for vector

namespace bench {

namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string text(const limit& allowed) {
  switch (allowed.bound) {
    case limit::side::at_most: return "<= " + number(allowed.value);
    case limit::side::at_least: return ">= " + number(allowed.value);
    case limit::side::reported: break;
  }
  return "reported";
}

}  // namespace

bool limit::permits(double measured) const {
  switch (bound) {
    case side::at_most: return measured <= value;
    case side::at_least: return measured >= value;
    case side::reported: break;
  }
  return true;
}

figure ratio(std::string measured, std::string reference) {
  return counter_ratio(std::move(measured), std::move(reference), time_ns);
}

figure added(std::string measured, std::string without, std::string reference) {
  return [rows = std::vector{std::move(measured), std::move(without), std::move(reference)}](
             const results& run) {
    return run.combined_median(
        rows, time_ns, [](std::span<const double> each) { return (each[0] - each[1]) / each[2]; });
  };
}

figure counter_ratio(std::string measured, std::string reference, std::string_view counter) {
  return
      [rows = std::vector{std::move(measured), std::move(reference)}, counter](const results& run) {
        return run.combined_median(rows, counter,
                                   [](std::span<const double> each) { return each[0] / each[1]; });
      };
}

figure value(std::string row, std::string_view counter) {
  return [row = std::move(row), counter](const results& run) { return run.median(row, counter); };
}

figure worst(std::string row, std::string_view counter) {
  return [row = std::move(row), counter](const results& run) { return run.largest(row, counter); };
}

bool print_table(const std::vector<gate>& all, const results& run, bool chosen_rows) {
  std::size_t longest = 4;
  for (const gate& g : all) longest = std::max(longest, g.name.size());
  const int width = static_cast<int>(longest);

  std::printf("\n%-*s | measured | limit    | ok\n", width, "gate");
  std::printf("%s-|----------|----------|---\n", std::string(longest, '-').c_str());
  bool kept = true;
  for (const gate& g : all) {
    const auto measured = g.measured(run);
    if (!measured && chosen_rows) continue;
    const bool ok = measured && g.allowed.permits(*measured);
    kept = kept && ok;
    std::printf("%-*s | %8s | %-8s | %s\n", width, g.name.c_str(),
                measured ? number(*measured).c_str() : "missing", text(g.allowed).c_str(),
                ok ? "ok" : "NO");
  }
  return kept;
}

}  // namespace bench

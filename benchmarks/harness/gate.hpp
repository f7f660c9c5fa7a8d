// What a gate is: a figure taken from one run, and the limit it must keep.
#pragma once

#include "results.hpp"  // for results, time_ns

#include <functional>  // for function
#include <optional>    // for optional
#include <string>      // for string
#include <vector>      // for vector

namespace bench {

/// A figure computed from the run, or nothing when a row it needs was not measured.
using figure = std::function<std::optional<double>(const results&)>;

/// One row's time as a multiple of another's.
figure ratio(std::string measured, std::string reference);

/// How much longer one row takes than another `without` what it adds, as a multiple of a third row.
figure added(std::string measured, std::string without, std::string reference);

/// One row's counter as a multiple of another's.
figure counter_ratio(std::string measured, std::string reference, std::string_view counter);

/// The median of one row's counter.
figure value(std::string row, std::string_view counter);

/// One row's counter in the pass where it was largest: for what must never happen.
figure worst(std::string row, std::string_view counter);

struct limit {
  enum class side { at_most, at_least, reported } bound;
  double value;

  [[nodiscard]] bool permits(double measured) const;
};

inline limit at_most(double value) {
  return {limit::side::at_most, value};
}
inline limit at_least(double value) {
  return {limit::side::at_least, value};
}

/// No gate: the figure is told, and must have been measured.
inline limit reported() {
  return {limit::side::reported, 0};
}

struct gate {
  std::string name;
  figure measured;
  limit allowed;
};

/// Every gate of the project, in the order of the table. Defined in gates.cpp and nowhere else.
std::vector<gate> gates();

/// Prints `gate | measured | limit | ok` and returns whether every gate was measured and kept. Of a
/// run of `chosen_rows`, gates that need others are left out.
bool print_table(const std::vector<gate>& all, const results& run, bool chosen_rows);

}  // namespace bench

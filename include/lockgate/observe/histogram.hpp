// How often something took how long, in a fixed set of buckets.
#pragma once

#include "lockgate/base/clock.hpp"  // for duration

#include <array>    // for array
#include <chrono>   // for milliseconds, seconds
#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t

namespace lockgate::inline v0 {

/// Counts durations. The bounds reach from a call within a machine to the longest row timeout that
/// makes sense.
class duration_histogram {
 public:
  static constexpr std::array<duration, 9> bounds{
      std::chrono::milliseconds(1),   std::chrono::milliseconds(5),   std::chrono::milliseconds(25),
      std::chrono::milliseconds(100), std::chrono::milliseconds(500), std::chrono::seconds(2),
      std::chrono::seconds(10),       std::chrono::seconds(30),       std::chrono::seconds(120)};

  /// Counts one that took `length`.
  void add(duration length) noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds.size() && length > bounds[bucket]) ++bucket;
    ++counts_[bucket];
    sum_ += length;
  }
  /// Those that took at most `bounds[bucket]`.
  [[nodiscard]] std::uint64_t at_most(std::size_t bucket) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i <= bucket; ++i) sum += counts_[i];
    return sum;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return at_most(bounds.size()); }
  [[nodiscard]] duration sum() const noexcept { return sum_; }

 private:
  std::array<std::uint64_t, bounds.size() + 1> counts_{};
  duration sum_{};
};

}  // namespace lockgate::inline v0

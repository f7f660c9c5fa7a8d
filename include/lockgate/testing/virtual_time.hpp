// A clock that moves when it is told to, and random bytes that follow from a seed.
#pragma once

#include "lockgate/base/clock.hpp"         // for time_source, time_point, duration
#include "lockgate/base/random.hpp"        // for random_source
#include "lockgate/testing/split_mix.hpp"  // for split_mix

#include <chrono>   // for hours
#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint64_t
#include <cstring>  // for memcpy
#include <span>     // for span

namespace lockgate::inline v0::testing {

/// Time as a test sets it. It starts an hour after the epoch, so that earlier times exist.
class virtual_time final : public time_source {
 public:
  [[nodiscard]] time_point now() noexcept override { return now_; }
  /// Moves on to `at`; never goes back.
  void advance_to(time_point at) noexcept {
    if (at > now_) now_ = at;
  }
  /// Lets time pass. Requires: `by` is not negative.
  void advance(duration by) noexcept { advance_to(saturating_add(now_, by)); }

 private:
  time_point now_ = time_point(std::chrono::hours(1));
};

/// Random bytes that anybody can predict.
class seeded_random final : public random_source {
 public:
  explicit seeded_random(std::uint64_t seed) noexcept : numbers_(seed) {}
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const std::uint64_t word = numbers_.next();
      const std::size_t n = out.size() < sizeof word ? out.size() : sizeof word;
      std::memcpy(out.data(), &word, n);
      out = out.subspan(n);
    }
  }

 private:
  split_mix numbers_;
};

}  // namespace lockgate::inline v0::testing

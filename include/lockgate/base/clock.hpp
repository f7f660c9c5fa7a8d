// Time as the library counts it: steady nanoseconds from a source that the host supplies.
#pragma once

#include <chrono>   // for nanoseconds, time_point
#include <cstdint>  // for int64_t

namespace lockgate::inline v0 {

/// The library's time line. It has no `now()`: time comes from a `time_source`, so that tests own
/// it.
struct timeline_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<timeline_clock>;
  static constexpr bool is_steady = true;
};

using duration = timeline_clock::duration;
using time_point = timeline_clock::time_point;

/// The end of time: a deadline that never comes.
inline constexpr time_point never = time_point::max();

/// `from + by`, stopping at `never` instead of overflowing.
[[nodiscard]] constexpr time_point saturating_add(time_point from, duration by) noexcept {
  if (by > duration::zero() && from > never - by) return never;
  return from + by;
}

/// Where time comes from.
class time_source {
 public:
  /// Guarantees: never goes back.
  [[nodiscard]] virtual time_point now() noexcept = 0;

 protected:
  ~time_source() = default;
};

/// The system's steady clock (wall-clock jumps have no effect).
class steady_time final : public time_source {
 public:
  [[nodiscard]] time_point now() noexcept override {
    return time_point(
        std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }
};

}  // namespace lockgate::inline v0

// When to say something again that nobody has answered yet.
#pragma once

#include "lockgate/base/clock.hpp"  // for time_point, duration, saturating_add

#include <algorithm>  // for min

namespace lockgate::inline v0 {

/// One thing to say over a way that loses messages: at once, then again after pauses that double.
///
/// Whoever says it waits until `due()`, with `wait_until`, so that an answer or its own end wakes
/// it too.
class exchange {
 public:
  explicit exchange(duration first_pause, duration longest_pause = duration::max()) noexcept
      : pause_(std::min(first_pause, longest_pause)), longest_pause_(longest_pause) {}

  /// Whether it is to be said now.
  [[nodiscard]] bool is_due(time_point now) const noexcept { return now >= due_; }
  /// When it is to be said next; the beginning of time until it has been said once.
  [[nodiscard]] time_point due() const noexcept { return due_; }
  /// It has been said.
  void said(time_point now) noexcept {
    due_ = saturating_add(now, pause_);
    pause_ = pause_ > longest_pause_ / 2 ? longest_pause_ : pause_ * 2;
  }
  /// It has been answered: all that is left is to say it every longest pause, to keep it alive.
  void heard() noexcept { pause_ = longest_pause_; }

 private:
  time_point due_ = time_point::min();
  duration pause_;
  duration longest_pause_;
};

}  // namespace lockgate::inline v0

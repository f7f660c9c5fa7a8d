// When to let datagrams gather before they are taken: interrupt moderation for a socket.
#pragma once

#include "lockgate/base/clock.hpp"  // for time_point, duration

#include <algorithm>  // for min
#include <cstddef>    // for size_t
#include <utility>    // for exchange

namespace lockgate::inline v0::detail {

/// Decides between waiting for the next datagram and letting datagrams gather.
///
/// To be woken costs several times what a datagram does. Once datagrams have come one by one, and
/// closer together than `gather`, each wake-up is followed by a pause of that length, whose
/// datagrams are then taken together. Nobody who waits for an answer is made to wait here: a send
/// starts the count afresh. A pause that was worth nothing makes the next one need twice as many
/// wake-ups.
class receive_moderation {
 public:
  /// Wake-ups for one datagram each, in a row, before as many are timed; then pauses may begin.
  static constexpr std::size_t shortest_run = 8, longest_run = 1024;

  /// With zero nothing ever gathers.
  explicit receive_moderation(duration gather) noexcept : gather_(gather) {}

  [[nodiscard]] duration gather() const noexcept { return gather_; }
  void sent() noexcept {
    run_ = 0;
    pauses_ = has_paused_ = false;
  }
  void received(std::size_t count) noexcept { came_ += count; }
  /// Whether to pause now that nothing is left to receive. Cost: the clock is seldom read.
  template <class Clock>
  [[nodiscard]] bool should_pause(Clock& clock) noexcept {
    const std::size_t came = std::exchange(came_, 0);
    if (std::exchange(has_paused_, false)) {
      pauses_ = came > 1;
      required_ = came > 1 ? shortest_run : std::min(2 * required_, longest_run);
      run_ = 0;
      return false;
    }
    if (came != 1) run_ = 0;
    else if (!pauses_) count_single(clock);
    return has_paused_ = pauses_ && came == 1;
  }

 private:
  template <class Clock>
  void count_single(Clock& clock) noexcept {
    if (++run_ == required_) begun_ = clock.now();
    if (run_ < 2 * required_) return;
    pauses_ = clock.now() - begun_ < gather_ * required_;
    run_ = 0;
  }

  duration gather_;
  std::size_t came_ = 0;  // since the last answer
  std::size_t run_ = 0, required_ = shortest_run;
  time_point begun_{};
  bool pauses_ = false;
  bool has_paused_ = false;
};

}  // namespace lockgate::inline v0::detail

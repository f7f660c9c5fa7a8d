// Sans-I/O: when to send a request, again, and when to give up (RFC 8489 section 6.2).
#pragma once

#include "lockgate/base/clock.hpp"  // for duration, never, time_point

#include <chrono>   // for milliseconds
#include <cstdint>  // for uint8_t

namespace lockgate::inline v0::stun {

/// How requests travel: a datagram may be lost, a stream delivers or breaks.
enum class transport : std::uint8_t { datagram, stream };

/// The retransmission schedule of RFC 8489 section 6.2.1: sends at 0, 500, 1500, 3500, 7500, 15500
/// and 31500 ms, given up at 39500 ms; over a stream one send and the same end (6.2.2).
struct retransmission {
  duration first_timeout = std::chrono::milliseconds(500);  // RTO; ICE allows none below this
  int sends = 7;                                            // Rc
  int last_wait = 16;                                       // Rm, in units of the first timeout
};

/// What to do next.
enum class transaction_action : std::uint8_t {
  wait,                ///< nothing to do before `deadline()`
  send,                ///< put the request on the wire (again)
  timed_out,           ///< nobody answered
  integrity_violated,  ///< there were answers, but none that could be trusted
};

/// The timing of one transaction.
class transaction {
 public:
  /// Begins a transaction; the first packet is due at once.
  void start(time_point now, transport via, const retransmission& schedule = {}) noexcept {
    schedule_ = schedule;
    via_ = via;
    sent_ = 0;
    discarded_ = false;
    timeout_ = schedule.first_timeout;
    deadline_ = now;
  }

  /// What to do now. Requires: `start` was called.
  [[nodiscard]] transaction_action next(time_point now) noexcept {
    if (now < deadline_) return transaction_action::wait;
    const int sends = via_ == transport::stream ? 1 : schedule_.sends;
    if (sent_ == sends)
      return discarded_ ? transaction_action::integrity_violated : transaction_action::timed_out;
    ++sent_;
    if (via_ == transport::stream) {
      const auto doubled = (1 << (schedule_.sends - 1)) - 1;  // where the last send would have been
      deadline_ = now + schedule_.first_timeout * (doubled + schedule_.last_wait);
    } else {
      deadline_ = now + (sent_ == sends ? schedule_.first_timeout * schedule_.last_wait : timeout_);
      timeout_ *= 2;
    }
    return transaction_action::send;
  }
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  /// Whether the request has been on the wire at least once.
  [[nodiscard]] bool has_sent() const noexcept { return sent_ > 0; }

  /// Notes an answer whose integrity check failed. Over a datagram transport the request goes on
  /// being sent, for the true answer may still come; over a stream nothing better will.
  [[nodiscard]] transaction_action discard() noexcept {
    discarded_ = true;
    return via_ == transport::stream ? transaction_action::integrity_violated
                                     : transaction_action::wait;
  }

 private:
  retransmission schedule_;
  transport via_ = transport::datagram;
  int sent_ = 0;
  bool discarded_ = false;
  duration timeout_{};
  time_point deadline_ = never;
};

}  // namespace lockgate::inline v0::stun

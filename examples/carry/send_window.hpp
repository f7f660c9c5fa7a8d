// Which chunk to send next: a window that grows with what arrives and shrinks with what is lost.
#pragma once

#include "wire.hpp"  // for ack, ack_span

#include "lockgate/base/clock.hpp"   // for time_point, duration
#include "lockgate/buffer/ring.hpp"  // for ring

#include <algorithm>  // for min, max
#include <chrono>     // for milliseconds
#include <cstdint>    // for uint32_t, uint64_t
#include <new>        // for bad_alloc
#include <optional>   // for optional
#include <vector>     // for vector

namespace carry {

/// The sender's view of all chunks.
///
/// Chunks are acknowledged one by one (selective acks). One that is still missing when three sent
/// later have arrived is lost (RFC 9002 6.1.1), and so is everything when nothing is heard for the
/// retransmission time (RFC 6298). A loss halves the window, once per round trip (RFC 5681).
class send_window {
 public:
  send_window(std::uint32_t chunks, std::uint32_t limit)
      : chunks_(chunks), limit_(limit), slots_(ack_span) {}

  [[nodiscard]] bool is_finished() const noexcept { return base_ == chunks_; }
  /// Chunks that have arrived, without those beyond a gap.
  [[nodiscard]] std::uint32_t arrived() const noexcept { return base_; }
  [[nodiscard]] lockgate::duration round_trip() const noexcept { return smoothed_; }
  [[nodiscard]] std::uint64_t transmissions() const noexcept { return next_order_ - 1; }
  [[nodiscard]] std::uint64_t losses() const noexcept { return losses_; }
  [[nodiscard]] std::uint64_t timeouts() const noexcept { return timeouts_; }

  /// The chunk that may be sent now, if any; it counts as sent.
  [[nodiscard]] std::optional<std::uint32_t> next(lockgate::time_point now) {
    if (in_flight_ >= static_cast<std::uint32_t>(window_)) return {};
    std::uint32_t number = 0;
    if (const auto again = next_lost()) number = *again;
    else if (next_ < chunks_ && next_ - base_ < ack_span) number = next_++;
    else return {};
    slots_[number % ack_span] = {next_order_++, true, false};
    if (!sent_.push_back(std::uint32_t{number})) throw std::bad_alloc();
    ++in_flight_;
    if (in_flight_ == 1) heard_at_ = now;  // the clock begins to run
    return number;
  }
  /// When everything in flight is to be given up for lost.
  [[nodiscard]] lockgate::time_point retransmit_at() const noexcept {
    return heard_at_ + std::min(retransmission_time_ * backoff_, longest_wait);
  }

  void acknowledged(const ack& a, lockgate::time_point now) {
    if (a.next > next_) return;  // about chunks that were never sent
    heard_at_ = now;
    backoff_ = 1;
    if (a.echo > 0) measure(now - lockgate::time_point(lockgate::duration(a.echo)));
    std::uint32_t newly = 0;
    for (std::uint32_t number = base_; number < a.next; ++number) newly += mark(number);
    base_ = std::max(base_, a.next);
    for (std::uint32_t i = 0; i < a.later.size() * 8; ++i) {
      const std::uint32_t number = a.next + 1 + i;
      if ((a.later[i / 8] >> (i % 8) & std::byte{1}) == std::byte{0}) continue;
      if (number >= base_ && number < next_) newly += mark(number);
    }
    if (window_ < slow_start_until_) window_ += newly;
    else window_ += newly / window_;
    window_ = std::min(window_, static_cast<double>(limit_));
    if (newest_arrived_ >= reordering) give_up(newest_arrived_ - reordering + 1, ack_span);
  }
  /// Nothing was heard in time: the two oldest go out again, to hear of the others (RFC
  /// 9002 6.2.4); after three times in a row the path is taken for congested, and all of it begins
  /// anew.
  void timed_out(lockgate::time_point now) {
    ++timeouts_;
    heard_at_ = now;
    const bool congested = backoff_ >= 8;
    if (backoff_ < 1024) backoff_ *= 2;  // beyond longest_wait by then
    give_up(next_order_, congested ? ack_span : 2);
    if (congested) window_ = smallest_window;
  }

 private:
  struct slot {
    std::uint64_t order = 0;  // of its latest transmission
    bool in_flight = false;
    bool arrived = false;
  };
  static constexpr double smallest_window = 10;  // RFC 6928's initial window
  static constexpr std::uint64_t reordering = 3;
  static constexpr lockgate::duration shortest_wait =
      std::chrono::milliseconds(1);  // RFC 9002 6.1.2
  static constexpr lockgate::duration longest_wait = std::chrono::seconds(1);

  std::optional<std::uint32_t> next_lost() {
    while (!lost_.empty()) {
      const std::uint32_t number = lost_.pop_front();
      const slot& s = slots_[number % ack_span];
      if (number >= base_ && !s.arrived && !s.in_flight)
        return number;  // or it came late after all
    }
    return {};
  }
  std::uint32_t mark(std::uint32_t number) noexcept {
    slot& s = slots_[number % ack_span];
    if (s.arrived) return 0;
    s.arrived = true;
    if (s.in_flight) --in_flight_;
    s.in_flight = false;
    newest_arrived_ = std::max(newest_arrived_, s.order);
    return 1;
  }
  /// Goes through the transmissions from the oldest to the first whose fate is open, taking up to
  /// `most` of those before the transmission `before` for lost.
  void give_up(std::uint64_t before, std::uint32_t most) {
    for (; !sent_.empty(); ++oldest_order_) {
      const std::uint32_t number = sent_.front();
      slot& s = slots_[number % ack_span];
      const bool open = number >= base_ && s.in_flight && s.order == oldest_order_;
      if (open && (oldest_order_ >= before || most-- == 0)) return;
      static_cast<void>(sent_.pop_front());
      if (!open) continue;
      s.in_flight = false;
      --in_flight_;
      ++losses_;
      if (!lost_.push_back(std::uint32_t{number})) throw std::bad_alloc();
      if (oldest_order_ <= recovery_) continue;
      recovery_ = next_order_ - 1;
      window_ = std::max(window_ / 2, smallest_window);
      slow_start_until_ = window_;
    }
  }
  void measure(lockgate::duration sample) noexcept {
    if (sample < lockgate::duration::zero()) return;
    if (smoothed_ == lockgate::duration::zero()) {
      smoothed_ = sample;
      variation_ = sample / 2;
    } else {
      const auto off = sample > smoothed_ ? sample - smoothed_ : smoothed_ - sample;
      variation_ = (3 * variation_ + off) / 4;
      smoothed_ = (7 * smoothed_ + sample) / 8;
    }
    retransmission_time_ = std::max(smoothed_ + 4 * variation_, shortest_wait);
  }

  std::uint32_t chunks_;
  std::uint32_t limit_;
  std::uint32_t base_ = 0;  // the first chunk that has not arrived
  std::uint32_t next_ = 0;  // the first chunk that was never sent
  std::uint32_t in_flight_ = 0;
  std::vector<slot> slots_;
  lockgate::ring<std::uint32_t> sent_;  // by order of transmission, from oldest_order_
  lockgate::ring<std::uint32_t> lost_;
  std::uint64_t next_order_ = 1;
  std::uint64_t oldest_order_ = 1;
  std::uint64_t newest_arrived_ = 0;
  std::uint64_t recovery_ = 0;  // losses of transmissions up to this one have been answered for
  double window_ = smallest_window;
  double slow_start_until_ = 1e9;
  lockgate::duration smoothed_{};
  lockgate::duration variation_{};
  lockgate::duration retransmission_time_ = std::chrono::milliseconds(200);
  int backoff_ = 1;
  lockgate::time_point heard_at_{};
  std::uint64_t losses_ = 0;
  std::uint64_t timeouts_ = 0;
};

}  // namespace carry

// One end of a simulated TCP connection: sequence numbers, repeats, a window, and both ways to end.
#pragma once

#include "lockgate/base/address.hpp"         // for socket_address
#include "lockgate/base/clock.hpp"           // for duration
#include "lockgate/base/status.hpp"          // for status
#include "lockgate/buffer/chain.hpp"         // for bytes_view
#include "lockgate/coro/scheduler.hpp"       // for scheduler
#include "lockgate/coro/timer.hpp"           // for timer
#include "lockgate/coro/wait_list.hpp"       // for wait_list
#include "lockgate/testing/allocations.hpp"  // for allocations_pause

#include <algorithm>     // for min, max, copy_n
#include <chrono>        // for seconds
#include <cstddef>       // for byte, size_t, ptrdiff_t
#include <cstdint>       // for uint64_t
#include <deque>         // for deque
#include <span>          // for span
#include <string>        // for string
#include <system_error>  // for make_error_code, errc
#include <utility>       // for move
#include <vector>        // for vector

namespace lockgate::inline v0::testing::detail {

/// The header of a TCP segment. Sequence numbers count from 0 and never wrap around.
struct stream_segment {
  stream_segment() = default;
  bool opens = false;         // SYN
  bool acknowledges = false;  // ACK
  bool ends = false;          // FIN, which counts as one byte
  bool resets = false;        // RST
  std::uint64_t sequence = 0;
  std::uint64_t acknowledged = 0;
  std::size_t window = 0;
  std::string name;  // of a SYN: whom TLS is to prove the other end to be; of its answer: who it is
};

/// What takes segments to the other end, if nothing happens to them on the way.
class segment_carrier {
 public:
  virtual void carry(const socket_address& from, const socket_address& to, stream_segment segment,
                     std::vector<std::byte> payload) = 0;
  /// Bytes of payload in one segment.
  [[nodiscard]] virtual std::size_t largest_segment() const noexcept = 0;

 protected:
  ~segment_carrier() = default;
};

/// The connection. It repeats what is not acknowledged, all of it, after one second and then after
/// twice as long each time (RFC 6298 sections 2.1 and 5.5); it neither measures round trips nor
/// avoids congestion.
class stream_connection : timer {
 public:
  stream_connection(scheduler& home, segment_carrier& carrier, const socket_address& local,
                    const socket_address& remote)
      : timer([](ready_item& self) noexcept { static_cast<stream_connection&>(self).repeat(); }),
        local_(local), remote_(remote), home_(home), carrier_(&carrier) {}

  wait_list openers, readers, writers;  // told to look again

  [[nodiscard]] const socket_address& local() const noexcept { return local_; }
  [[nodiscard]] const socket_address& remote() const noexcept { return remote_; }

  /// Asks the other end; with a name, for proof that it has that name.
  void open(std::string name) {
    name_ = std::move(name);
    greet();
  }
  /// Answers the other end's question as one who can prove to have this name.
  void answer(std::string name) {
    name_ = std::move(name);
    phase_ = phase::open;
    greet();
  }

  [[nodiscard]] bool is_opening() const noexcept { return phase_ == phase::opening; }
  [[nodiscard]] bool is_over() const noexcept { return phase_ == phase::over; }
  /// Why it is over, or cannot be used any more.
  [[nodiscard]] status failure() const noexcept {
    return closed_ ? status(errc::closed) : failure_;
  }
  [[nodiscard]] const std::string& peer_name() const noexcept { return peer_name_; }
  /// Why nothing can be written any more.
  [[nodiscard]] status write_failure() const noexcept {
    return ending_ ? status(errc::closed) : failure();
  }
  /// There is something to read, or never will be.
  [[nodiscard]] bool is_readable() const noexcept {
    return closed_ || !incoming_.empty() || peer_ended_ || phase_ == phase::over;
  }
  /// Why there is nothing to read. Requires: `is_readable()`.
  [[nodiscard]] status read_failure() const noexcept {
    if (!closed_ && !incoming_.empty()) return {};
    return peer_ended_ ? status(errc::closed) : failure();
  }
  [[nodiscard]] std::size_t read(std::span<std::byte> into) {
    const allocations_pause pause;
    const std::size_t before = room();
    const std::size_t count = std::min(into.size(), incoming_.size());
    std::copy_n(incoming_.begin(), count, into.begin());
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(count));
    if (phase_ != phase::open) return count;
    const std::size_t segment = carrier_->largest_segment();
    if (before < segment && room() >= segment) transmit(next_, 0, false);  // the window is open
    return count;
  }
  /// Takes over as much as there is room for.
  [[nodiscard]] std::size_t write(bytes_view bytes) {
    const allocations_pause pause;
    const std::size_t count = std::min(bytes.size(), most_bytes - outgoing_.size());
    outgoing_.insert(outgoing_.end(), bytes.begin(),
                     bytes.begin() + static_cast<std::ptrdiff_t>(count));
    end_ += count;
    pump();
    return count;
  }

  /// Nothing more will be written; what has been still arrives.
  void end_sending() {
    const allocations_pause pause;
    ending_ = true;
    pump();
  }
  /// Nobody will read or write any more.
  void close() {
    if (closed_) return;
    closed_ = true;
    wake_all();
    if (phase_ == phase::over) return;
    if (phase_ == phase::opening || !incoming_.empty()) return abort();
    end_sending();
    end_if_done();
  }
  /// Ends both directions at once; the other end is told if the network is up to it.
  void abort() {
    const allocations_pause pause;
    if (phase_ == phase::over) return;
    stream_segment reset;
    reset.resets = true;
    send(std::move(reset), {});
    end(errc::closed);
  }
  /// There is no network any more.
  void lose_carrier() noexcept {
    carrier_ = nullptr;
    end(errc::closed);
  }

  /// A segment has arrived from the other end.
  void take(const stream_segment& s, bytes_view payload) {
    if (phase_ == phase::over) return;
    if (s.resets)
      return end(std::make_error_code(phase_ == phase::opening ? std::errc::connection_refused
                                                               : std::errc::connection_reset));
    if (phase_ == phase::opening) {
      if (!s.opens || !s.acknowledges) return;  // what has overtaken the answer comes again
      phase_ = phase::open;
      peer_name_ = s.name;
      openers.complete_all();
    } else if (s.opens && !s.acknowledges) {
      return greet();  // the answer was lost
    }
    take_acknowledgement(s);
    if (s.opens) return transmit(next_, 0, false);
    if (!payload.empty() || s.ends) take_payload(s, payload);
    end_if_done();
  }

 private:
  enum class phase { opening, open, over };
  static constexpr std::size_t most_bytes = 64 << 10;  // in either direction, as without scaling
  static constexpr int most_repeats = 7;  // two minutes; RFC 1122 4.2.3.5: 100 s or more
  static constexpr duration first_repeat = std::chrono::seconds(1);
  static constexpr duration last_repeat = std::chrono::seconds(60);

  [[nodiscard]] std::size_t room() const noexcept { return most_bytes - incoming_.size(); }

  void greet() {
    const allocations_pause pause;
    stream_segment s;
    s.opens = true;
    s.acknowledges = phase_ == phase::open;
    s.acknowledged = expected_;
    s.window = room();
    s.name = name_;
    send(std::move(s), {});
    if (phase_ == phase::opening) arm_repeat();
  }
  /// Sends what the window admits.
  void pump() {
    if (phase_ != phase::open) return;
    const std::uint64_t limit = std::min(end_, base_ + window_);
    while (next_ < limit) {
      const std::size_t most = carrier_->largest_segment();
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(limit - next_, most));
      transmit(next_, count, false);
      next_ += count;
    }
    if (ending_ && next_ == end_) {
      transmit(next_, 0, true);
      ++next_;
    }
    if (!is_armed() && (base_ < next_ || next_ < end_)) arm_repeat();
  }
  void transmit(std::uint64_t from, std::size_t count, bool ends) {
    stream_segment s;
    s.acknowledges = true;
    s.ends = ends;
    s.sequence = from;
    s.acknowledged = expected_;
    s.window = room();
    std::vector<std::byte> payload(count);
    if (count > 0)
      std::copy_n(outgoing_.begin() + static_cast<std::ptrdiff_t>(from - base_), count,
                  payload.begin());
    send(std::move(s), std::move(payload));
  }
  void send(stream_segment s, std::vector<std::byte> payload) {
    if (carrier_) carrier_->carry(local_, remote_, std::move(s), std::move(payload));
  }

  void arm_repeat() {
    const duration wait = std::min<duration>(first_repeat * (1 << repeats_), last_repeat);
    home_.arm(*this, saturating_add(home_.now(), wait));
  }
  /// Nothing came back for a while.
  void repeat() {
    const allocations_pause pause;
    if (++repeats_ > most_repeats) return end(errc::timed_out);
    if (phase_ == phase::opening) return greet();
    next_ = base_;
    window_ = std::max<std::uint64_t>(window_, 1);  // ask whether a closed window is still closed
    pump();
  }

  void take_acknowledgement(const stream_segment& s) {
    if (s.acknowledged < base_) return;  // overtaken
    window_ = s.window;
    repeats_ = 0;
    if (s.acknowledged > base_) {
      const std::uint64_t count = std::min<std::uint64_t>(s.acknowledged - base_, outgoing_.size());
      outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(count));
      base_ = s.acknowledged;
      next_ = std::max(next_, base_);
      disarm();
      writers.complete_all();
    }
    if (base_ == next_) disarm();
    pump();
  }
  void take_payload(const stream_segment& s, bytes_view payload) {
    const std::uint64_t last = s.sequence + payload.size();
    if (s.sequence <= expected_ && last > expected_) {
      if (closed_) return abort();  // nobody will read it
      const bytes_view fresh = payload.subspan(static_cast<std::size_t>(expected_ - s.sequence));
      const std::size_t count = std::min(fresh.size(), room());
      incoming_.insert(incoming_.end(), fresh.begin(),
                       fresh.begin() + static_cast<std::ptrdiff_t>(count));
      expected_ += count;
      readers.complete_all();
    }
    if (s.ends && last == expected_ && !peer_ended_) {
      peer_ended_ = true;
      ++expected_;
      readers.complete_all();
    }
    transmit(next_, 0, false);
  }

  void end_if_done() {
    const bool all_has_arrived = ending_ && base_ > end_;
    if (all_has_arrived && (peer_ended_ || closed_)) end(errc::closed);
  }
  void end(status why) noexcept {
    if (phase_ == phase::over) return;
    phase_ = phase::over;
    failure_ = why;
    disarm();
    wake_all();
  }
  void wake_all() noexcept {
    openers.complete_all();
    readers.complete_all();
    writers.complete_all();
  }

  socket_address local_, remote_;
  scheduler& home_;
  segment_carrier* carrier_;
  phase phase_ = phase::opening;
  status failure_;
  std::string name_, peer_name_;
  int repeats_ = 0;
  // Sent: all before base_ has arrived, all before next_ is under way, end_ is what was written.
  std::deque<std::byte> outgoing_;  // base_ to end_
  std::uint64_t base_ = 0, next_ = 0, end_ = 0;
  std::uint64_t window_ = 0;
  bool ending_ = false;
  // Received, not yet read; expected_ comes next.
  std::deque<std::byte> incoming_;
  std::uint64_t expected_ = 0;
  bool peer_ended_ = false;
  bool closed_ = false;
};

}  // namespace lockgate::inline v0::testing::detail

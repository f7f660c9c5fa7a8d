// The reading half of a UDP socket in the io_context: who waits, and when to ask for readiness.
#pragma once

#include "lockgate/asio/detail/datagram_transfer.hpp"   // for datagram_transfer
#include "lockgate/asio/detail/handler_memory.hpp"      // for handler_memory, owned_handler
#include "lockgate/asio/detail/io_loop.hpp"             // for io_loop, polled_item
#include "lockgate/asio/detail/native_socket.hpp"       // for native_udp_socket
#include "lockgate/asio/detail/receive_buffers.hpp"     // for receive_outcome, receive_room
#include "lockgate/asio/detail/receive_moderation.hpp"  // for receive_moderation
#include "lockgate/asio/system_error.hpp"               // for from_asio
#include "lockgate/asio/udp_statistics.hpp"             // for udp_statistics, udp_options
#include "lockgate/coro/timer.hpp"                      // for timer
#include "lockgate/coro/wait_list.hpp"                  // for waiter, wait_list

#include <cstddef>       // for size_t
#include <cstdint>       // for uint64_t
#include <system_error>  // for error_code
#include <utility>       // for exchange

namespace lockgate::inline v0::detail {

template <datagram_transfer Transfer>
class udp_channel;

/// A coroutine that waits for datagrams.
struct udp_reader : waiter {
  receive_room room;
  std::size_t count = 0;
};

/// Serves those who wait for datagrams.
///
/// At most one wait for readiness is under way; it is begun when a receive has shown that nothing
/// is there, since every wait costs a system call of its own.
template <datagram_transfer Transfer>
class udp_read_side final : polled_item {
 public:
  udp_read_side(udp_channel<Transfer>& channel, typename Transfer::workspace& shared,
                const udp_options& options) noexcept
      : polled_item(
            [](polled_item& self) noexcept { return static_cast<udp_read_side&>(self).poll(); },
            [](polled_item& self) noexcept { static_cast<udp_read_side&>(self).wait_readable(); }),
        channel_(channel),
        moderation_(options.busy_poll > duration::zero() ? duration::zero() : options.moderation),
        receiver_(shared.receiving, channel.socket(), options, channel.local(),
                  channel.counters()) {}

  void wait(udp_reader& reader) noexcept {
    readers_.push_back(reader);
    arrange_service();
  }
  /// Something was sent: whoever waits for an answer is not made to wait for more.
  void sent() noexcept { moderation_.sent(); }
  /// The socket is to be watched for writing, which takes the reactor. False when it had to close.
  [[nodiscard]] bool end_pause() noexcept {
    if (!pause_.is_under_way()) return true;
    if (!rejoin_reactor()) return false;
    arrange_service();
    return true;
  }
  /// Before the socket closes. Gives the number of datagrams that nobody will receive.
  std::size_t stop() noexcept {
    polled_item::unlink();
    service_.call_off();
    if (pause_.is_under_way()) static_cast<void>(rejoin_reactor());
    return receiver_.discard();
  }
  void refuse_waiters(status why) noexcept { readers_.complete_all(why); }

 private:
  /// Bytes of one turn after which what is made of them is sent before more is received: with what
  /// the kernel needs for as many, they are still in a usual L2 cache then.
  static constexpr std::size_t cache_share = 128 * 1024;

  [[nodiscard]] scheduler& home() const noexcept { return *channel_.loop().home(); }

  receive_outcome receive(const receive_room& room) noexcept {
    const udp_statistics& counters = channel_.counters();
    const std::uint64_t before = counters.datagrams_received;
    const receive_outcome outcome =
        receiver_.receive(room, channel_.options().ancillary ? home().now() : time_point());
    more_ = outcome.more;
    received_ += outcome.bytes;
    moderation_.received(counters.datagrams_received - before);
    return outcome;
  }
  /// Gives the reader who has waited longest what is there. True when there was something.
  bool serve_reader() noexcept {
    if (readers_.empty()) return false;
    auto& reader = static_cast<udp_reader&>(readers_.front());
    const receive_outcome outcome = receive(reader.room);
    reader.count = outcome.count;
    return (!outcome.failure.ok() || outcome.count > 0) && reader.complete(outcome.failure);
  }
  /// Sees to it that waiting readers are served. Where more is likely to be there, that is once
  /// those have run who were handed the last batch.
  void arrange_service() noexcept {
    if (channel_.closed() || readers_.empty() || is_waiting_ || service_.is_arranged()) return;
    const duration busy_poll = channel_.options().busy_poll;
    if (receiver_.has_leftover()) home().schedule(service_);
    else if (more_ && budget_ > 0) arrange_next_batch();
    else if (busy_poll > duration::zero()) channel_.loop().busy_poll(*this, busy_poll);
    else wait_readable();
  }
  /// In this turn while little has come, so that what is gathered for the turn's end forms long
  /// trains; otherwise after it, when the memory is free and still in the cache.
  void arrange_next_batch() noexcept {
    if (received_ < cache_share) home().schedule(service_);
    else home().at_turn_end(service_);
  }
  void serve_next_batch() noexcept {
    if (budget_ > 0) --budget_;
    serve_reader();
    arrange_service();
  }
  void begin_turn() noexcept {
    budget_ = channel_.options().batches_per_turn;
    received_ = 0;
  }
  /// Serves without having waited. True when something had come.
  bool poll() noexcept {
    begin_turn();
    const bool found = serve_reader();
    if (found) arrange_service();
    return found;
  }
  void serve_after_wait() noexcept {
    begin_turn();
    more_ = true;  // should nobody wait, the next receive() finds out
    serve_reader();
    arrange_service();
  }

  void wait_readable() noexcept {
    if (channel_.closed() || is_waiting_ || pause_.is_under_way()) return;
    if (moderation_.should_pause(home()) && !channel_.writing().is_waiting() &&
        receiver_.leave_reactor()) [[unlikely]] {
      ++channel_.counters().pauses;
      home().arm(pause_, home().now() + moderation_.gather());
      return;
    }
    is_waiting_ = true;
    ++channel_.counters().waits;
    channel_.socket().async_wait(
        native_udp_socket::wait_read,
        owned_handler(channel_.shared_from_this(), wait_memory_,
                      [](udp_channel<Transfer>& channel, const std::error_code& error) {
                        channel.reading().readable(error);
                      }));
  }
  void readable(const std::error_code& error) noexcept {
    is_waiting_ = false;
    if (channel_.closed()) return;
    channel_.loop().enter([&] {
      if (error) readers_.complete_all(from_asio(error));
      serve_after_wait();
    });
  }

  /// Lets the socket back into the reactor. When the system has no memory for that, the socket is
  /// of no use any more.
  bool rejoin_reactor() noexcept {
    pause_.disarm();
    const std::error_code error = receiver_.rejoin_reactor();
    if (!error) return true;
    readers_.complete_all(from_asio(error));
    channel_.close();
    return false;
  }
  void pause_over() noexcept {
    if (rejoin_reactor()) serve_after_wait();
  }

  /// The next batch, now or when the turn ends.
  struct service final : ready_item, turn_end_item {
    explicit service(udp_read_side& s) noexcept
        : ready_item(
              [](ready_item& self) noexcept { static_cast<service&>(self).of.serve_next_batch(); }),
          turn_end_item([](turn_end_item& self) noexcept {
            auto& me = static_cast<service&>(self);
            me.of.received_ = 0;
            me.of.home().schedule(me);
          }),
          of(s) {}
    [[nodiscard]] bool is_arranged() const noexcept {
      return ready_item::is_linked() || turn_end_item::is_linked();
    }
    void call_off() noexcept {
      ready_item::unlink();
      turn_end_item::unlink();
    }
    udp_read_side& of;
  };
  /// While datagrams gather.
  struct pause final : timer {
    explicit pause(udp_read_side& s) noexcept
        : timer([](ready_item& self) noexcept { static_cast<pause&>(self).of.pause_over(); }),
          of(s) {}
    [[nodiscard]] bool is_under_way() const noexcept { return is_armed() || is_scheduled(); }
    udp_read_side& of;
  };

  udp_channel<Transfer>& channel_;
  wait_list readers_;
  bool is_waiting_ = false;   // for readiness
  bool more_ = false;         // the last receive left something, or nobody has looked yet
  std::size_t budget_ = 0;    // batches until others get their turn
  std::size_t received_ = 0;  // bytes, since the last readiness or turn end
  receive_moderation moderation_;
  service service_{*this};
  pause pause_{*this};
  handler_memory wait_memory_;
  typename Transfer::receiver receiver_;
};

}  // namespace lockgate::inline v0::detail

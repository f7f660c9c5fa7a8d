// The writing half of a UDP socket in the io_context: what waits until there is room again.
#pragma once

#include "lockgate/asio/detail/datagram_transfer.hpp"  // for datagram_transfer
#include "lockgate/asio/detail/handler_memory.hpp"     // for handler_memory, owned_handler
#include "lockgate/asio/detail/io_loop.hpp"            // for io_loop
#include "lockgate/asio/detail/native_socket.hpp"      // for native_udp_socket
#include "lockgate/asio/system_error.hpp"              // for from_asio
#include "lockgate/asio/udp_statistics.hpp"            // for udp_options
#include "lockgate/base/accepted.hpp"                  // for accepted
#include "lockgate/coro/timer.hpp"                     // for timer
#include "lockgate/coro/wait_list.hpp"                 // for waiter, wait_list
#include "lockgate/net/datagram_socket.hpp"            // for outgoing_datagram

#include <cstddef>       // for size_t
#include <span>          // for span
#include <system_error>  // for error_code
#include <utility>       // for exchange

namespace lockgate::inline v0::detail {

template <datagram_transfer Transfer>
class udp_channel;

/// Sends, and tells those who wait for room.
template <datagram_transfer Transfer>
class udp_write_side final : timer {
 public:
  udp_write_side(udp_channel<Transfer>& channel, typename Transfer::workspace& shared,
                 const udp_options& options) noexcept
      : timer([](ready_item& self) noexcept { static_cast<udp_write_side&>(self).writable(); }),
        channel_(channel),
        sender_(shared.sending, channel.socket(), options, channel.local(), channel.counters()) {}

  accepted send(std::span<const outgoing_datagram> batch) noexcept {
    if (channel_.closed()) [[unlikely]]
      return errc::closed;
    channel_.reading().sent();
    const accepted answer = sender_.send(batch);
    if (sender_.has_held()) [[unlikely]]
      wait_writable();
    return answer;
  }
  void wait(waiter& writer) noexcept {
    writers_.push_back(writer);
    wait_writable();
  }
  [[nodiscard]] bool is_waiting() const noexcept { return is_waiting_; }
  /// Before the socket closes. Gives the number of datagrams that are not sent any more.
  std::size_t stop() noexcept {
    timer::disarm();
    return sender_.discard();
  }
  void refuse_waiters(status why) noexcept { writers_.complete_all(why); }

 private:
  void wait_writable() noexcept {
    if (sender_.needs_pause()) {  // a device queue is full: the socket looks writable all the same
      scheduler& home = *channel_.loop().home();
      if (!timer::is_armed() && !timer::is_scheduled())
        home.arm(*this, home.now() + channel_.options().no_buffer_backoff);
      return;
    }
    if (std::exchange(is_waiting_, true)) return;
    if (!channel_.reading().end_pause()) return;
    ++channel_.counters().waits;
    channel_.socket().async_wait(
        native_udp_socket::wait_write,
        owned_handler(channel_.shared_from_this(), wait_memory_,
                      [](udp_channel<Transfer>& channel, const std::error_code& error) {
                        channel.writing().room_came(error);
                      }));
  }
  void room_came(const std::error_code& error) noexcept {
    is_waiting_ = false;
    if (channel_.closed()) return;
    channel_.loop().enter([&] {
      if (error) writers_.complete_all(from_asio(error));
      else writable();
    });
  }
  void writable() noexcept {
    sender_.send_held();
    if (sender_.has_held()) wait_writable();
    else writers_.complete_all();
  }

  udp_channel<Transfer>& channel_;
  wait_list writers_;
  bool is_waiting_ = false;  // for readiness
  handler_memory wait_memory_;
  typename Transfer::sender sender_;
};

}  // namespace lockgate::inline v0::detail

// A UDP socket in an io_context: lockgate's datagram_socket over Asio.
#pragma once

#include "lockgate/asio/detail/datagram_transfer.hpp"  // for datagram_transfer
#include "lockgate/asio/detail/udp_channel.hpp"        // for udp_channel, udp_reader
#include "lockgate/asio/udp_statistics.hpp"            // for udp_statistics, udp_options
#include "lockgate/base/accepted.hpp"                  // for accepted
#include "lockgate/base/result.hpp"                    // for result
#include "lockgate/base/status.hpp"                    // for status
#include "lockgate/coro/operation.hpp"                 // for task_context
#include "lockgate/net/datagram_socket.hpp"            // for received_datagram, outgoing_datagram

#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <memory>     // for shared_ptr
#include <span>       // for span
#include <utility>    // for move, swap

namespace lockgate::inline v0 {

/// A bound UDP socket; `Transfer` is the way datagrams move between it and the system.
///
/// Errors: see `datagram_socket`. A single datagram that the system refuses for good (too large, no
///         route) ends `try_send` at it, with the system's reason. When later datagrams to other
///         peers have left already, it is dropped and counted instead.
/// Lifetime: closes when destroyed; the network outlives it.
/// Cost: receiving and sending allocate nothing and copy nothing in a steady state.
template <detail::datagram_transfer Transfer>
class basic_udp_socket {
  using channel = detail::udp_channel<Transfer>;

 public:
  explicit basic_udp_socket(std::shared_ptr<channel> opened) noexcept
      : channel_(std::move(opened)) {}
  basic_udp_socket(basic_udp_socket&& other) noexcept = default;
  basic_udp_socket& operator=(basic_udp_socket&& other) noexcept {
    basic_udp_socket taken(std::move(other));
    std::swap(channel_, taken.channel_);
    return *this;
  }
  ~basic_udp_socket() {
    if (channel_) channel_->close();
  }

  [[nodiscard]] socket_address local_address() const noexcept { return channel_->local(); }
  [[nodiscard]] const udp_statistics& statistics() const noexcept { return channel_->counters(); }
  accepted try_send(std::span<const outgoing_datagram> batch) noexcept {
    return channel_->writing().send(batch);
  }

  class writable_operation;
  class receive_operation;
  [[nodiscard]] writable_operation writable() noexcept { return writable_operation(*channel_); }
  /// Completes: when datagrams have come; where more are likely to be there, after those have run
  ///            who were ready before.
  [[nodiscard]] receive_operation receive(std::span<received_datagram> into) noexcept {
    return receive_operation(*channel_, {into, false});
  }
  /// The same, but a train that came as one stays one (`received_datagram::segment_size`).
  [[nodiscard]] receive_operation receive_trains(std::span<received_datagram> into) noexcept
    requires(Transfer::receives_trains)
  {
    return receive_operation(*channel_, {into, true});
  }
  void close() noexcept { channel_->close(); }

 private:
  std::shared_ptr<channel> channel_;
};

template <detail::datagram_transfer Transfer>
class basic_udp_socket<Transfer>::writable_operation {
 public:
  explicit writable_operation(channel& of) noexcept : channel_(of) {}
  class awaiter {
   public:
    awaiter(channel& of, const task_context& context) noexcept : channel_(of), context_(context) {}
    bool await_ready() const noexcept { return channel_.closed(); }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      waited_ = true;
      if (waiter_.suspend(coroutine, context_)) channel_.writing().wait(waiter_);
    }
    status await_resume() const noexcept { return waited_ ? waiter_.outcome() : errc::closed; }

   private:
    channel& channel_;
    const task_context& context_;
    waiter waiter_;
    bool waited_ = false;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(channel_, context); }

 private:
  channel& channel_;
};

template <detail::datagram_transfer Transfer>
class basic_udp_socket<Transfer>::receive_operation {
 public:
  receive_operation(channel& of, const detail::receive_room& room) noexcept
      : channel_(of), room_(room) {}
  class awaiter {
   public:
    awaiter(channel& of, const detail::receive_room& room, const task_context& context) noexcept
        : channel_(of), context_(context) {
      reader_.room = room;
    }
    bool await_ready() const noexcept { return channel_.closed() || reader_.room.into.empty(); }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      waited_ = true;
      if (reader_.suspend(coroutine, context_)) channel_.reading().wait(reader_);
    }
    result<std::size_t> await_resume() noexcept {
      if (!waited_ && channel_.closed()) return errc::closed;
      if (!reader_.outcome().ok()) return reader_.outcome();
      return reader_.count;
    }

   private:
    channel& channel_;
    const task_context& context_;
    detail::udp_reader reader_;
    bool waited_ = false;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(channel_, room_, context); }

 private:
  channel& channel_;
  detail::receive_room room_;
};

}  // namespace lockgate::inline v0

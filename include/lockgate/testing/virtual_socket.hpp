// A UDP socket of the simulated network.
#pragma once

#include "lockgate/base/accepted.hpp"        // for accepted
#include "lockgate/base/address.hpp"         // for socket_address
#include "lockgate/base/result.hpp"          // for result
#include "lockgate/coro/operation.hpp"       // for task_context
#include "lockgate/coro/wait_list.hpp"       // for wait_list, waiter
#include "lockgate/net/datagram_socket.hpp"  // for outgoing_datagram, received_datagram

#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <deque>      // for deque
#include <memory>     // for shared_ptr
#include <span>       // for span
#include <utility>    // for move

namespace lockgate::inline v0::testing {

class virtual_host;

namespace detail {

/// What the handle, its operations and the host share.
struct socket_state {
  virtual_host* host = nullptr;
  socket_address local;
  bool closed = false;
  std::deque<received_datagram> queue;
  wait_list readers;
  wait_list writers;
  static constexpr std::size_t queue_limit = 256;

  void close() noexcept {
    closed = true;
    queue.clear();
    readers.complete_all(errc::closed);
    writers.complete_all(errc::closed);
  }
};

}  // namespace detail

/// A handle of a bound socket; destroying it closes the socket.
class virtual_socket {
 public:
  virtual_socket() noexcept = default;
  explicit virtual_socket(std::shared_ptr<detail::socket_state> state) noexcept
      : state_(std::move(state)) {}
  virtual_socket(virtual_socket&&) noexcept = default;
  virtual_socket& operator=(virtual_socket&& other) noexcept {
    close();
    state_ = std::move(other.state_);
    return *this;
  }
  ~virtual_socket() { close(); }

  [[nodiscard]] socket_address local_address() const noexcept {
    return state_ ? state_->local : socket_address();
  }
  /// Errors: message_too_large for what the host's link does not take, closed, unreachable when the
  ///         host no longer has the socket's address.
  accepted try_send(std::span<const outgoing_datagram> batch);
  void close() noexcept;

  class writable_operation;
  [[nodiscard]] inline writable_operation writable() noexcept;
  class receive_operation;
  [[nodiscard]] inline receive_operation receive(std::span<received_datagram> into) noexcept;

 private:
  std::shared_ptr<detail::socket_state> state_;
};

/// Completes: at once, for the simulated network takes everything; `errc::closed` after `close()`.
class virtual_socket::writable_operation {
 public:
  explicit writable_operation(status outcome) noexcept : outcome_(outcome) {}
  class awaiter {
   public:
    explicit awaiter(status outcome) noexcept : outcome_(outcome) {}
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    status await_resume() const noexcept { return outcome_; }

   private:
    status outcome_;
  };
  awaiter bind(const task_context&) const noexcept { return awaiter(outcome_); }

 private:
  status outcome_;
};

class virtual_socket::receive_operation {
 public:
  receive_operation(std::shared_ptr<detail::socket_state> state,
                    std::span<received_datagram> into) noexcept
      : state_(std::move(state)), into_(into) {}
  class awaiter {
   public:
    awaiter(receive_operation& what, const task_context& context) noexcept
        : what_(what), context_(context) {}
    bool await_ready() const noexcept {
      return !what_.state_ || what_.state_->closed || !what_.state_->queue.empty();
    }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (waiter_.suspend(coroutine, context_)) what_.state_->readers.push_back(waiter_);
    }
    result<std::size_t> await_resume() noexcept {
      if (!waiter_.outcome().ok()) return waiter_.outcome();
      if (!what_.state_ || what_.state_->closed) return errc::closed;
      std::size_t count = 0;
      auto& queue = what_.state_->queue;
      for (; count < what_.into_.size() && !queue.empty(); ++count) {
        what_.into_[count] = std::move(queue.front());
        queue.pop_front();
      }
      return count;
    }

   private:
    receive_operation& what_;
    const task_context& context_;
    waiter waiter_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(*this, context); }

 private:
  std::shared_ptr<detail::socket_state> state_;
  std::span<received_datagram> into_;
};

inline virtual_socket::writable_operation virtual_socket::writable() noexcept {
  return writable_operation(state_ && !state_->closed ? status() : status(errc::closed));
}
inline virtual_socket::receive_operation virtual_socket::receive(
    std::span<received_datagram> into) noexcept {
  return receive_operation(state_, into);
}

}  // namespace lockgate::inline v0::testing

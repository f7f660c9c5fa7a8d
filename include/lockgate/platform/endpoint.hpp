// The application's side: an endpoint with a transport id, sending and receiving messages.
#pragma once

#include "lockgate/base/result.hpp"                 // for result
#include "lockgate/base/sent.hpp"                   // for sent
#include "lockgate/buffer/chain.hpp"                // for chain
#include "lockgate/buffer/shared_lease.hpp"         // for way_home
#include "lockgate/coro/operation.hpp"              // for task_context, resumption
#include "lockgate/coro/task.hpp"                   // for task
#include "lockgate/platform/endpoint_delivery.hpp"  // for endpoint_state
#include "lockgate/platform/path_routing.hpp"       // for path
#include "lockgate/platform/provider_instance.hpp"  // for the session's definitions

#include <algorithm>  // for all_of
#include <array>      // for array
#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <cstdint>    // for uint64_t
#include <optional>   // for optional
#include <span>       // for span
#include <utility>    // for exchange, move

namespace lockgate::inline v0 {

/// One message of a batch: where to, and its bytes, borrowed.
struct message_to {
  transport_id to;
  chain payload;
};

/// An application's end of its paths. Everything happens on the platform's thread.
///
/// Guarantees: messages from one endpoint to one peer are sent in order; boundaries are kept. These
///             are datagrams: nothing is encrypted or acknowledged.
/// Lifetime: closing or destroying it completes what waits on it with `errc::closed`.
class endpoint {
 public:
  endpoint() noexcept = default;
  explicit endpoint(detail::endpoint_state* state) noexcept : state_(state) { attach(); }
  endpoint(endpoint&& other) noexcept : state_(std::exchange(other.state_, nullptr)) { attach(); }
  endpoint& operator=(endpoint&& other) noexcept {
    if (this == &other) return *this;
    close();
    state_ = std::exchange(other.state_, nullptr);
    attach();
    return *this;
  }
  ~endpoint() { close(); }

  class ready_operation;
  class send_operation;
  class receive_operation;
  class receive_many_operation;

  /// Waits until the endpoint has its transport id: an instance has accepted it (U27). Is demand.
  ///
  /// Completes: with a `result<transport_id>`.
  /// Errors: unreachable when every id proposed was refused (G35), duplicate_transport_id when the
  ///         one asked for was, closed, canceled.
  [[nodiscard]] ready_operation ready() noexcept;

  /// Sends one message. Demand: an instance is activated, and the peer reached, if need be (G30).
  ///
  /// Completes: when the provider has put it on the wire or taken it over; at once in a steady
  ///            state.
  /// Errors: message_empty, message_too_large, unreachable, ambiguous, activation_failed,
  ///         activation_delayed, terminated, closed, canceled, or what the provider says. An error
  ///         concerns this message only.
  /// Cancellation: until the message is handed to the provider; after that the row is awaited.
  /// Lifetime: `payload` is borrowed until completion.
  /// Cost: no allocation and no copy; no suspension when the provider answers now.
  [[nodiscard]] send_operation send_to(const transport_id& to, const chain& payload) noexcept;
  /// Sends several messages with as few row calls as possible. Stops at the first that fails.
  ///
  /// Guarantees: in order; while the batch waits, messages sent by others may come between its own.
  /// Completes: with a `sent`: how many were accepted, and why the next one was not.
  /// Lifetime: the list and the payloads are borrowed until completion.
  [[nodiscard]] task<sent> send_to(std::span<const message_to> messages);
  /// Hands a message over without waiting: this turn's messages go to the provider together.
  ///
  /// Guarantees: consumed only on success; a failure that comes later is a counted drop.
  /// Errors: message_empty, message_too_large, queue_full, no_memory, closed.
  status forward(const transport_id& to, lease&& payload) noexcept;
  /// The same for a received message, with its memory. Requires: it has one part.
  status forward(const transport_id& to, incoming&& message) noexcept {
    lease payload = std::move(message).take_lease();
    const status refused = forward(to, std::move(payload));
    // NOLINTNEXTLINE(bugprone-use-after-move): a refusal takes nothing, and the ids stay
    if (refused) message.assign(message.local, message.remote, std::move(payload));
    return refused;
  }
  /// The same, but only if the path is open. Errors: would_block where `send_to` would wait.
  status try_send(const transport_id& to, lease&& payload) noexcept;

  /// Waits for a message. An outstanding receive is demand (U26).
  ///
  /// Completes: with a `result<incoming>`; its bytes are the memory the network wrote into.
  /// Errors: closed, canceled.
  [[nodiscard]] receive_operation receive() noexcept;
  /// Waits for at least one message and takes as many as are there.
  ///
  /// Completes: with a `result<std::size_t>`, the number of messages in `into`.
  /// Cost: one resumption for all messages that arrive in one turn.
  [[nodiscard]] receive_many_operation receive(std::span<incoming> into) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  /// The transport id, or nil before `ready`.
  [[nodiscard]] transport_id id() const noexcept { return state_ ? state_->id() : transport_id(); }
  /// The number that stands for this endpoint in events and in `outgoing`: never reused (U11).
  [[nodiscard]] std::uint64_t luid() const noexcept { return state_ ? state_->luid() : 0; }
  [[nodiscard]] endpoint_statistics statistics() const noexcept {
    return state_ ? state_->statistics() : endpoint_statistics();
  }
  /// The way home for messages that are to be read on another thread (`shared_lease`).
  [[nodiscard]] way_home home() const noexcept;
  /// Gives the transport id back; what waits on the endpoint completes with `errc::closed`.
  void close() noexcept {
    if (detail::endpoint_state* s = std::exchange(state_, nullptr)) s->close();
  }

 private:
  friend class platform;
  void attach() noexcept {
    if (state_) state_->handle = this;
  }
  detail::endpoint_state* state_ = nullptr;
};

namespace detail {

/// Whether a message of this size may be sent.
inline status check_size(const endpoint_state& from, std::size_t size) noexcept {
  if (size == 0) return errc::message_empty;
  if (size > from.platform().options.longest_message) return errc::message_too_large;
  return {};
}

}  // namespace detail

class endpoint::ready_operation {
 public:
  explicit ready_operation(detail::endpoint_state* state) noexcept : state_(state) {}
  class awaiter {
   public:
    awaiter(detail::endpoint_state* state, const task_context& context) noexcept
        : state_(state), context_(context) {}
    bool await_ready() const noexcept { return !state_ || state_->is_ready(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
      suspended_ = true;
      if (!waiter_.suspend(coroutine, context_)) return false;
      state_->wait_for_id(waiter_);
      user_.enter(*state_);
      return true;
    }
    result<transport_id> await_resume() noexcept {
      if (!state_) return errc::closed;
      if (suspended_ && waiter_.outcome()) return waiter_.outcome();
      return state_->id();
    }

   private:
    detail::endpoint_state* state_;
    const task_context& context_;
    detail::endpoint_state::user user_;
    bool suspended_ = false;
    waiter waiter_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(state_, context); }

 private:
  detail::endpoint_state* state_;
};

class endpoint::send_operation {
 public:
  send_operation(detail::endpoint_state* from, const transport_id& to,
                 const chain& payload) noexcept
      : from_(from), to_(to), payload_(payload) {}
  class awaiter {
   public:
    awaiter(const send_operation& send, const task_context& context) noexcept
        : send_(send), context_(context) {}
    awaiter(const awaiter&) = delete;
    ~awaiter() {
      if (waits_for_row_) path_->sender_gone();
    }
    /// The fast lane: an open path, and a row that answers now or completes at once.
    bool await_ready() noexcept {
      if (!send_.from_) return end_with(errc::closed);
      if (const status bad = detail::check_size(*send_.from_, send_.payload_.size()); bad)
        return end_with(bad);
      path_ = send_.from_->find_path(send_.to_);
      if (!path_) return end_with(errc::no_memory);
      if (!path_->lane_is_open()) return false;
      path_->write_message(message_, send_.payload_);
      answer<sent> given = path_->send_now({&message_, 1});
      if (given.is_later()) {
        waits_for_row_ = path_->await_later(std::move(given), resumption_);
        return !waits_for_row_ && end_with(settle(path_->later_answer()));
      }
      if (given.failure()) return end_with(path_->row_threw(given.failure()));
      return end_with(settle(given.now()));
    }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (waits_for_row_) {
        resumption_.suspend(coroutine, *context_.home);
        return true;
      }
      request_.emplace(path_->message_for(send_.payload_));
      if (!request_->suspend(coroutine, context_)) return false;
      path_->enqueue(*request_);
      return true;
    }
    status await_resume() noexcept {
      if (request_) return request_->outcome();
      if (!std::exchange(waits_for_row_, false)) return outcome_;
      return settle(path_->later_answer());
    }

   private:
    status settle(const sent& answer) noexcept {
      return detail::path::settle({&path_, 1}, {&message_, 1}, answer).why;
    }
    bool end_with(status outcome) noexcept {
      outcome_ = outcome;
      return true;
    }

    const send_operation& send_;
    const task_context& context_;
    detail::path* path_ = nullptr;
    outgoing message_;  // a later row reads it until it has completed
    bool waits_for_row_ = false;
    status outcome_;
    std::optional<detail::send_request> request_;
    resumption resumption_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(*this, context); }

 private:
  detail::endpoint_state* from_;
  transport_id to_;
  chain payload_;
};

class endpoint::receive_many_operation {
 public:
  receive_many_operation(detail::endpoint_state* at, std::span<incoming> into) noexcept
      : at_(at), into_(into) {}
  class awaiter {
   public:
    awaiter(detail::endpoint_state* at, std::span<incoming> into,
            const task_context& context) noexcept
        : at_(at), context_(context) {
      request_.into = into;
    }
    awaiter(const awaiter&) = delete;
    ~awaiter() {
      if (waited_) at_->drop(drop_cause::endpoint_closed, request_.count);
      leave();
    }
    bool await_ready() noexcept {
      if (!at_ || request_.into.empty()) return true;
      request_.count = at_->take_queued(request_.into);
      return request_.count > 0;
    }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (!request_.suspend(coroutine, context_)) return false;
      at_->wait_for_message(request_);
      user_.enter(*at_);
      waited_ = true;
      return true;
    }
    result<std::size_t> await_resume() noexcept {
      leave();
      if (!at_) return errc::closed;
      if (request_.into.empty()) return errc::invalid_argument;
      if (request_.count > 0) return request_.count;
      return request_.outcome();
    }

   private:
    void leave() noexcept {
      if (std::exchange(waited_, false)) at_->receiver_resumed(request_);
      user_.leave();
    }
    detail::endpoint_state* at_;
    const task_context& context_;
    bool waited_ = false;
    detail::endpoint_state::user user_;
    detail::receive_request request_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(at_, into_, context); }

 private:
  detail::endpoint_state* at_;
  std::span<incoming> into_;
};

class endpoint::receive_operation {
 public:
  explicit receive_operation(detail::endpoint_state* at) noexcept : at_(at) {}
  class awaiter {
   public:
    awaiter(detail::endpoint_state* at, const task_context& context) noexcept
        : many_(at, {&message_, 1}, context) {}
    bool await_ready() noexcept { return many_.await_ready(); }
    bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
      return many_.await_suspend(coroutine);
    }
    result<incoming> await_resume() noexcept {
      const result<std::size_t> count = many_.await_resume();
      if (!count) return count.error();
      return std::move(message_);
    }

   private:
    incoming message_;
    receive_many_operation::awaiter many_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(at_, context); }

 private:
  detail::endpoint_state* at_;
};

inline endpoint::ready_operation endpoint::ready() noexcept {
  return ready_operation(state_);
}
inline endpoint::send_operation endpoint::send_to(const transport_id& to,
                                                  const chain& payload) noexcept {
  return send_operation(state_, to, payload);
}
inline endpoint::receive_operation endpoint::receive() noexcept {
  return receive_operation(state_);
}
inline endpoint::receive_many_operation endpoint::receive(std::span<incoming> into) noexcept {
  return receive_many_operation(state_, into);
}

inline status endpoint::try_send(const transport_id& to, lease&& payload) noexcept {
  if (!state_) return errc::closed;
  if (const status bad = detail::check_size(*state_, payload.size()); bad) return bad;
  detail::path* const p = state_->find_path(to);
  if (!p) return errc::no_memory;
  if (p->lane_is_open()) return p->forward(payload);
  p->reap_if_idle();
  return errc::would_block;
}

inline status endpoint::forward(const transport_id& to, lease&& payload) noexcept {
  if (!state_) return errc::closed;
  if (const status bad = detail::check_size(*state_, payload.size()); bad) return bad;
  detail::path* const p = state_->find_path(to);
  return p ? p->forward(payload) : status(errc::no_memory);
}

namespace detail {

/// Sends a batch: runs of messages whose paths are open go with one row call, the rest one by one.
inline task<sent> send_batch(endpoint_state* from, std::span<const message_to> messages) {
  std::array<outgoing, path::batch_size> run;
  std::array<path*, path::batch_size> paths{};
  std::size_t done = 0;
  while (done < messages.size()) {
    if (!from || from->is_closed()) co_return sent(done, errc::closed);
    std::size_t count = 0;
    for (; count < run.size() && done + count < messages.size(); ++count) {
      const message_to& m = messages[done + count];
      if (const status bad = check_size(*from, m.payload.size()); bad) {
        if (count == 0) co_return sent(done, bad);
        break;
      }
      path* const p = from->find_path(m.to);
      if (!p) co_return sent(done, errc::no_memory);
      if (!p->lane_is_open() || (count > 0 && p->route() != paths[0]->route())) break;
      paths[count] = p;
      run[count] = p->message_for(m.payload);
    }
    const std::span<path* const> ways(paths.data(), count);
    // What was gathered for a later path may have been sent, and have cost an earlier one its
    // route.
    const bool open =
        std::all_of(ways.begin(), ways.end(), [](path* p) { return p->lane_is_open(); });
    if (count > 1 && !open) continue;
    if (count > 1) {
      const std::span<const outgoing> batch(run.data(), count);
      answer<sent> given = ways[0]->send_now(batch);
      if (given.failure()) co_return sent(done, ways[0]->row_threw(given.failure()));
      sent answered = given.now();
      if (given.is_later()) {
        batch_under_way under_way(ways);
        session& through = ways[0]->through();
        answered = co_await ways[0]->call().run(through, row::send_buffers, std::move(given),
                                                through.never_abandon());
        under_way.end();
      }
      const sent settled = path::settle(ways, batch, answered);
      done += settled.accepted;
      if (settled.why) co_return sent(done, settled.why);
      continue;
    }
    const message_to& m = messages[done];
    const status one = co_await endpoint::send_operation(from, m.to, m.payload);
    if (one) co_return sent(done, one);
    ++done;
  }
  co_return sent(done);
}

}  // namespace detail

inline task<sent> endpoint::send_to(std::span<const message_to> messages) {
  return detail::send_batch(state_, messages);
}

inline way_home endpoint::home() const noexcept {
  return {[](void* context, void (*run)(void*) noexcept, void* item) noexcept {
            static_cast<scheduler*>(context)->post([run, item] { run(item); });
          },
          state_ ? &state_->platform().home : nullptr};
}

}  // namespace lockgate::inline v0

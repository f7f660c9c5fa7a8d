// What an application does with an endpoint.
#pragma once

#include "lockgate/coro/operation.hpp"                  // for task_context, resumption
#include "lockgate/coro/task.hpp"                       // for task
#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/endpoint.hpp"               // for endpoint

#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <optional>   // for optional
#include <span>       // for span
#include <utility>    // for exchange, move

namespace lockgate::inline v0 {

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
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      suspended_ = true;
      if (!waiter_.suspend(coroutine, context_)) return;
      state_->wait_for_id(waiter_);
      user_.enter(*state_);
    }
    result<transport_id> await_resume() noexcept {
      if (!state_) return errc::closed;
      if (suspended_ && !waiter_.outcome().ok()) return waiter_.outcome();
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
      : from_(from), message_{{}, to, 0, payload} {}
  class awaiter {
   public:
    awaiter(detail::endpoint_state* from, outgoing& message, const task_context& context) noexcept
        : from_(from), message_(message), context_(context) {}
    awaiter(const awaiter&) = delete;
    ~awaiter() {
      if (waits_for_row_) path_->sender_gone(message_);
    }
    /// The fast lane: an open path, and a row that answers now or completes at once.
    bool await_ready() noexcept {
      if (!from_) [[unlikely]]
        return end_with(errc::closed);
      if (const status bad = detail::check_size(*from_, message_.payload.size()); !bad.ok())
          [[unlikely]]
        return end_with(bad);
      path_ = from_->find_path(message_.remote);
      if (!path_) [[unlikely]]
        return end_with(errc::no_memory);
      path_->sign(message_);
      if (!path_->lane_is_open()) return false;
      const std::optional<accepted> settled = path_->start_row(message_, resumption_);
      waits_for_row_ = !settled;
      return settled && end_with(settled->why);
    }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (waits_for_row_) {
        resumption_.suspend(coroutine, *context_.home);
        return;
      }
      request_.emplace(message_);
      if (request_->suspend(coroutine, context_)) path_->enqueue(*request_);
    }
    status await_resume() noexcept {
      if (request_) return request_->outcome();
      if (!std::exchange(waits_for_row_, false)) return outcome_;
      return path_->settle_later();
    }

   private:
    bool end_with(status outcome) noexcept {
      outcome_ = outcome;
      return true;
    }

    detail::endpoint_state* from_;
    outgoing& message_;  // a later row reads it until it has completed
    const task_context& context_;
    detail::path* path_ = nullptr;
    bool waits_for_row_ = false;
    status outcome_;
    std::optional<detail::send_request> request_;
    resumption resumption_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(from_, message_, context); }

 private:
  detail::endpoint_state* from_;
  outgoing message_;
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
      request_.count = at_->received().take(request_.into);
      return request_.count > 0;
    }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (!request_.suspend(coroutine, context_)) return;
      at_->received().wait(request_);
      user_.enter(*at_);
      waited_ = true;
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
      if (std::exchange(waited_, false)) at_->received().receiver_resumed(request_);
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
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      many_.await_suspend(coroutine);
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
  if (const status bad = detail::check_size(*state_, payload.size()); !bad.ok()) return bad;
  detail::path* const p = state_->find_path(to);
  if (!p) return errc::no_memory;
  if (p->lane_is_open()) return p->forward(payload);
  p->reap_if_idle();
  return errc::would_block;
}

inline status endpoint::forward(const transport_id& to, lease&& payload) noexcept {
  if (!state_) return errc::closed;
  if (const status bad = detail::check_size(*state_, payload.size()); !bad.ok()) return bad;
  detail::path* const p = state_->find_path(to);
  return p ? p->forward(payload) : status(errc::no_memory);
}

inline status endpoint::forward(const transport_id& to, incoming&& message) noexcept {
  if (!state_) return errc::closed;
  if (const status bad = detail::check_size(*state_, message.size()); !bad.ok()) return bad;
  detail::path* const p = state_->find_path(to);
  return p ? p->forward(message) : status(errc::no_memory);
}

inline accepted endpoint::forward(std::span<incoming> messages) noexcept {
  if (!state_) return errc::closed;
  for (std::size_t done = 0; done < messages.size();) {
    const transport_id to = messages[done].remote;
    std::size_t end = done;
    status bad;
    for (; end < messages.size() && messages[end].remote == to; ++end)
      if (bad = detail::check_size(*state_, messages[end].size()); !bad.ok()) break;
    if (end > done) {
      detail::path* const p = state_->find_path(to);
      if (!p) return {done, errc::no_memory};
      const accepted taken = p->forward(messages.subspan(done, end - done));
      done += taken.count;
      if (!taken.why.ok()) return {done, taken.why};
    }
    if (!bad.ok()) return {done, bad};
  }
  return messages.size();
}

inline way_home endpoint::home() const noexcept {
  return {[](void* context, void (*run)(void*) noexcept, void* item) noexcept {
            static_cast<scheduler*>(context)->post([run, item] { run(item); });
          },
          state_ ? &state_->platform().home : nullptr};
}

}  // namespace lockgate::inline v0

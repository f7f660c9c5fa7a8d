// Waiting for a time, or just for one's next turn.
#pragma once

#include "lockgate/base/clock.hpp"      // for time_point, duration
#include "lockgate/base/status.hpp"     // for status
#include "lockgate/coro/operation.hpp"  // for task_context, resumption
#include "lockgate/coro/timer.hpp"      // for timer
#include "lockgate/coro/wait_list.hpp"  // for waiter

#include <coroutine>  // for coroutine_handle

namespace lockgate::inline v0 {

namespace detail {

class sleep_awaiter : timer {
 public:
  sleep_awaiter(time_point until, const task_context& context) noexcept
      : timer([](ready_item& self) noexcept {
          static_cast<sleep_awaiter&>(self).waiter_.complete({});
        }),
        until_(until), context_(context) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept {
    if (waiter_.suspend(coroutine, context_)) context_.home->arm(*this, until_);
  }
  status await_resume() noexcept {
    disarm();
    return waiter_.outcome();
  }

 private:
  time_point until_;
  const task_context& context_;
  waiter waiter_;
};

class yield_awaiter {
 public:
  explicit yield_awaiter(const task_context& context) noexcept : home_(*context.home) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept {
    resumption_.suspend(coroutine, home_);
    resumption_.resume();
  }
  void await_resume() const noexcept {}

 private:
  scheduler& home_;
  resumption resumption_;
};

}  // namespace detail

/// Waits for a time.
///
/// Completes: with success at or after that time, or with `errc::canceled` when stopped.
class sleep_until {
 public:
  explicit sleep_until(time_point until) noexcept : until_(until) {}
  auto bind(const task_context& context) noexcept { return detail::sleep_awaiter(until_, context); }

 private:
  time_point until_;
};

/// Waits for a while; otherwise as `sleep_until`.
class sleep_for {
 public:
  explicit sleep_for(duration length) noexcept : length_(length) {}
  auto bind(const task_context& context) noexcept {
    return detail::sleep_awaiter(saturating_add(context.home->now(), length_), context);
  }

 private:
  duration length_;
};

/// Lets everything that is ready now go first.
class yield {
 public:
  yield() noexcept = default;
  auto bind(const task_context& context) noexcept { return detail::yield_awaiter(context); }
};

/// The awaiting task's own context: its scheduler, its stop state, its owner.
class this_context {
 public:
  this_context() noexcept = default;
  class awaiter {
   public:
    explicit awaiter(const task_context& context) noexcept : context_(context) {}
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    const task_context& await_resume() const noexcept { return context_; }

   private:
    const task_context& context_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(context); }
};

}  // namespace lockgate::inline v0

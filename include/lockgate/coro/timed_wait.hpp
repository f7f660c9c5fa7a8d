// Waiting in a wait_list, but not for ever.
#pragma once

#include "lockgate/base/clock.hpp"      // for time_point
#include "lockgate/base/status.hpp"     // for status
#include "lockgate/coro/operation.hpp"  // for task_context
#include "lockgate/coro/timer.hpp"      // for timer
#include "lockgate/coro/wait_list.hpp"  // for wait_list, waiter

#include <coroutine>  // for coroutine_handle

namespace lockgate::inline v0 {

/// Waits in `list` until it is completed there, or until a time.
///
/// Completes: with the outcome given there, `errc::timed_out`, or `errc::canceled`.
class wait_until {
 public:
  wait_until(wait_list& list, time_point deadline) noexcept : list_(list), deadline_(deadline) {}

  class awaiter : timer {
   public:
    awaiter(wait_list& list, time_point deadline, const task_context& context) noexcept
        : timer([](ready_item& self) noexcept {
            static_cast<awaiter&>(self).waiter_.complete(errc::timed_out);
          }),
          list_(list), deadline_(deadline), context_(context) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (!waiter_.suspend(coroutine, context_)) return;
      list_.push_back(waiter_);
      if (deadline_ != never) context_.home->arm(*this, deadline_);
    }
    status await_resume() noexcept {
      disarm();
      return waiter_.outcome();
    }

   private:
    wait_list& list_;
    time_point deadline_;
    const task_context& context_;
    waiter waiter_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(list_, deadline_, context); }

 private:
  wait_list& list_;
  time_point deadline_;
};

}  // namespace lockgate::inline v0

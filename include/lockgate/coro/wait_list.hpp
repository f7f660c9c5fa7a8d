// A list of suspended coroutines, each to be told an outcome exactly once.
#pragma once

#include "lockgate/base/intrusive_list.hpp"  // for intrusive_list
#include "lockgate/base/status.hpp"          // for status
#include "lockgate/coro/operation.hpp"       // for resumption, task_context
#include "lockgate/coro/stop.hpp"            // for stop_callback

#include <coroutine>  // for coroutine_handle

namespace lockgate::inline v0 {

/// One coroutine that waits, in a list or elsewhere, to be completed or stopped: whichever claims
/// it first wins, and the other finds nothing to do.
///
/// Guarantees: resumed exactly once, through the ready queue.
/// Cancellation: a stop request completes it with `errc::canceled`.
class waiter : public list_link<waiter>, private stop_callback {
 public:
  waiter() noexcept
      : stop_callback([](stop_callback& self) noexcept {
          static_cast<waiter&>(self).complete(errc::canceled);
        }) {}

  /// Suspends `coroutine` until `complete`. False when a stop had been requested already: that has
  /// completed it, in its turn like any other, so that not even a loop that ignores its stop keeps
  /// others from running.
  [[nodiscard]] bool suspend(std::coroutine_handle<> coroutine,
                             const task_context& context) noexcept {
    resumption_.suspend(coroutine, *context.home);
    pending_ = true;
    if (context.stop->stop_requested()) {
      complete(errc::canceled);
      return false;
    }
    context.stop->add(*this);
    return true;
  }
  /// Claims the waiter and resumes it. False when it was claimed before.
  bool complete(status outcome) noexcept {
    if (!pending_) return false;
    pending_ = false;
    outcome_ = outcome;
    list_link<waiter>::unlink();
    stop_callback::unlink();
    resumption_.resume();
    return true;
  }
  /// From now on only `complete` ends the wait: what was asked for has been handed on.
  void ignore_stop() noexcept { stop_callback::unlink(); }
  [[nodiscard]] bool is_pending() const noexcept { return pending_; }
  [[nodiscard]] status outcome() const noexcept { return outcome_; }

 private:
  bool pending_ = false;
  status outcome_;
  resumption resumption_;
};

/// Coroutines that wait for the same thing, first come, first served.
class wait_list {
 public:
  [[nodiscard]] bool empty() const noexcept { return waiters_.empty(); }
  void push_back(waiter& w) noexcept { waiters_.push_back(w); }
  [[nodiscard]] waiter& front() noexcept { return waiters_.front(); }
  /// Completes the one that has waited longest. False when nobody waits.
  bool complete_one(status outcome = {}) noexcept {
    return !waiters_.empty() && waiters_.front().complete(outcome);
  }
  /// Completes everybody who waits now, in order.
  void complete_all(status outcome = {}) noexcept {
    while (complete_one(outcome)) {  // resumes nobody yet, so nobody comes to wait meanwhile
    }
  }

  class wait_operation;
  /// Waits until somebody completes this list's front. Completes: with the outcome given there.
  [[nodiscard]] wait_operation wait() noexcept;

 private:
  intrusive_list<waiter> waiters_;
};

class wait_list::wait_operation {
 public:
  explicit wait_operation(wait_list& list) noexcept : list_(list) {}
  class awaiter {
   public:
    awaiter(wait_list& list, const task_context& context) noexcept
        : list_(list), context_(context) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      if (waiter_.suspend(coroutine, context_)) list_.push_back(waiter_);
    }
    status await_resume() const noexcept { return waiter_.outcome(); }

   private:
    wait_list& list_;
    const task_context& context_;
    waiter waiter_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(list_, context); }

 private:
  wait_list& list_;
};

inline wait_list::wait_operation wait_list::wait() noexcept {
  return wait_operation(*this);
}

}  // namespace lockgate::inline v0

// Bounding how long a task may take: the late task is stopped and awaited, never left behind.
#pragma once

#include "lockgate/base/clock.hpp"      // for time_point, duration
#include "lockgate/base/result.hpp"     // for result
#include "lockgate/coro/operation.hpp"  // for task_context
#include "lockgate/coro/task.hpp"       // for task
#include "lockgate/coro/timer.hpp"      // for timer

#include <coroutine>    // for coroutine_handle
#include <type_traits>  // for is_same_v
#include <utility>      // for move

namespace lockgate::inline v0 {

namespace detail {

template <class T>
inline constexpr bool can_say_canceled = false;
template <>
inline constexpr bool can_say_canceled<status> = true;
template <class T>
inline constexpr bool can_say_canceled<result<T>> = true;

inline bool says_canceled(const status& answer) noexcept {
  return answer == errc::canceled;
}
template <class T>
bool says_canceled(const result<T>& answer) noexcept {
  return answer.error() == errc::canceled;
}

template <class T>
struct bounded_result {
  using type = result<T>;
};
template <class T>
  requires can_say_canceled<T>
struct bounded_result<T> {
  using type = T;
};
template <>
struct bounded_result<void> {
  using type = status;
};

template <class T>
class deadline_awaiter : task_completion, timer {
 public:
  deadline_awaiter(task<T>&& work, time_point deadline, const task_context& outer) noexcept
      : task_completion(
            [](task_completion& self) noexcept { static_cast<deadline_awaiter&>(self).finish(); }),
        timer([](ready_item& self) noexcept { static_cast<deadline_awaiter&>(self).expire(); }),
        stop_(*outer.stop), context_{outer.home, &stop_, outer.owner}, deadline_(deadline),
        work_(std::move(work)) {}
  deadline_awaiter(const deadline_awaiter&) = delete;

  bool await_ready() const noexcept { return !work_.valid(); }
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
    work_.start(context_, *this);
    if (work_.done()) return false;
    awaiting_ = awaiting;
    context_.home->arm(*this, deadline_);
    return true;
  }
  typename bounded_result<T>::type await_resume() {
    if (!work_.valid()) return errc::no_memory;
    if constexpr (std::is_void_v<T>) {
      work_.take();
      return expired_ ? status(errc::timed_out) : status();
    } else {
      auto answer = work_.take();
      if constexpr (can_say_canceled<T>) {
        if (expired_ && says_canceled(answer)) return errc::timed_out;
      } else {
        if (expired_) return errc::timed_out;
      }
      return answer;
    }
  }

 private:
  void finish() noexcept {
    if (!awaiting_) return;  // finished within start(): await_suspend sees it
    disarm();
    context_.home->transfer(awaiting_);
  }
  void expire() noexcept {
    if (stop_.stop_requested()) return;  // its caller was first
    expired_ = true;
    stop_.request_stop();
  }

  linked_stop_state stop_;
  task_context context_;
  time_point deadline_;
  bool expired_ = false;
  std::coroutine_handle<> awaiting_;
  task<T> work_;
};

template <class T>
class deadline_operation {
 public:
  deadline_operation(task<T>&& work, time_point at, duration within) noexcept
      : work_(std::move(work)), at_(at), within_(within) {}
  auto bind(const task_context& context) noexcept {
    const time_point at = at_ != never ? at_ : saturating_add(context.home->now(), within_);
    return deadline_awaiter<T>(std::move(work_), at, context);
  }

 private:
  task<T> work_;
  time_point at_;
  duration within_;
};

}  // namespace detail

/// Runs `work`, asking it to stop at `deadline`, and waits for its end either way.
///
/// Completes: with the work's answer, or `errc::timed_out` when it was stopped. An answer that a
///            `status` or `result` gives in spite of the stop is kept, so that nothing is lost.
/// Cancellation: a stop of the caller stops the work too.
template <class T>
[[nodiscard]] auto with_deadline(task<T> work, time_point deadline) noexcept {
  return detail::deadline_operation<T>(std::move(work), deadline, duration::max());
}

/// The same, counted from the moment of the `co_await`.
template <class T>
[[nodiscard]] auto with_timeout(task<T> work, duration timeout) noexcept {
  return detail::deadline_operation<T>(std::move(work), never, timeout);
}

}  // namespace lockgate::inline v0

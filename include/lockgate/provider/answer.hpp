// How a row of the dispatch table answers: now, with a value, or later, with something to await.
#pragma once

#include "lockgate/base/accepted.hpp"   // for accepted
#include "lockgate/base/exception.hpp"  // for caught_exception
#include "lockgate/base/status.hpp"     // for status
#include "lockgate/coro/operation.hpp"  // for operation, task_context
#include "lockgate/coro/task.hpp"       // for task

#include <concepts>     // for convertible_to, same_as
#include <exception>    // for exception_ptr
#include <optional>     // for optional
#include <type_traits>  // for is_void_v
#include <utility>      // for move, declval

namespace lockgate::inline v0 {

/// A row's answer: a value (the S_OK path), a task (the ERROR_IO_PENDING path), or the exception
/// that left the row. A row may return it itself, to decide from call to call.
///
/// Guarantees: G24, G25 - a value needs no completion, a task completes exactly once.
template <class T>
class [[nodiscard]] answer {
 public:
  answer(T now) noexcept : now_(std::move(now)) {}
  template <class U>
    requires(std::convertible_to<U, T> && !std::same_as<std::remove_cvref_t<U>, T>)
  answer(U&& now) noexcept : now_(T(std::forward<U>(now))) {}
  answer(task<T>&& later) noexcept : is_later_(true), later_(std::move(later)) {}
  answer(std::exception_ptr failure) noexcept : failure_(std::move(failure)) {}

  [[nodiscard]] bool is_later() const noexcept { return is_later_; }
  [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }
  [[nodiscard]] const T& now() const noexcept { return now_; }
  /// The task. Requires: `is_later()`.
  [[nodiscard]] task<T> take_later() && noexcept { return std::move(later_); }

 private:
  T now_{};
  bool is_later_ = false;
  task<T> later_;
  std::exception_ptr failure_;
};

/// The answer of a row without a result.
template <>
class [[nodiscard]] answer<void> {
 public:
  answer() noexcept = default;
  answer(task<void>&& later) noexcept : is_later_(true), later_(std::move(later)) {}
  answer(std::exception_ptr failure) noexcept : failure_(std::move(failure)) {}

  [[nodiscard]] bool is_later() const noexcept { return is_later_; }
  [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }
  /// The task. Requires: `is_later()`.
  [[nodiscard]] task<void> take_later() && noexcept { return std::move(later_); }

 private:
  bool is_later_ = false;
  task<void> later_;
  std::exception_ptr failure_;
};

namespace detail {

template <class A>
struct task_result {};
template <class T>
struct task_result<task<T>> {
  using type = T;
};
template <operation A>
struct task_result<A> {
  using type =
      decltype(std::declval<A&>().bind(std::declval<const task_context&>()).await_resume());
};

template <class A>
inline constexpr bool is_answer = false;
template <class T>
inline constexpr bool is_answer<answer<T>> = true;

}  // namespace detail

/// `A` is a `T` at once: a value that converts to it, or nothing where `T` is void.
template <class A, class T>
concept answers_now = (std::is_void_v<T> && std::is_void_v<A>) ||
                      (!std::is_void_v<T> && !std::is_void_v<A> && std::convertible_to<A, T>);

/// `A` becomes a `T` when awaited, and can be asked to stop: a `task`, one of the library's
/// operations, `cancellable(x, fn)`, `uninterruptible(x)`, or an `answer<T>`.
template <class A, class T>
concept answers_later = std::same_as<A, answer<T>> || requires {
  requires answers_now<typename detail::task_result<A>::type, T>;
};

/// `A` answers a row whose result is `T`.
template <class A, class T>
concept answers = answers_now<A, T> || answers_later<A, T>;

/// An awaitable that no task can stop: of another library, and not wrapped.
template <class A>
concept bare_awaitable = !operation<A> && (requires(A a) { a.await_ready(); } || requires(A a) {
                           a.operator co_await();
                         } || requires(A a) { operator co_await(static_cast<A&&>(a)); });

namespace detail {

template <class T, class Later>
task<T> as_task(Later later) {
  if constexpr (std::is_void_v<T>) co_await std::move(later);
  else co_return T(co_await std::move(later));
}

/// Calls a row and puts whatever it does into an `answer`.
template <class T, class Row>
answer<T> call_row(Row row) noexcept {
  using returned = decltype(row());
#if LOCKGATE_HAS_EXCEPTIONS
  try {
#endif
    if constexpr (std::is_void_v<returned>) {
      row();
      return answer<T>();
    } else if constexpr (std::same_as<returned, answer<T>> || std::same_as<returned, task<T>> ||
                         answers_now<returned, T>) {
      return row();
    } else {
      return as_task<T>(row());
    }
#if LOCKGATE_HAS_EXCEPTIONS
  } catch (...) {
    return caught_exception();
  }
#endif
}

}  // namespace detail

}  // namespace lockgate::inline v0

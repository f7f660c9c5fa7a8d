// task<T>: a lazy coroutine that its awaiter owns, runs on one scheduler, and may be stopped.
#pragma once

#include "lockgate/base/config.hpp"        // for LOCKGATE_ASSERT
#include "lockgate/base/error.hpp"         // for errc
#include "lockgate/base/exception.hpp"     // for caught_exception, rethrow_if, out_of_memory
#include "lockgate/coro/frame_memory.hpp"  // for frame_cache
#include "lockgate/coro/operation.hpp"     // for operation, task_context

#include <coroutine>    // for coroutine_handle, suspend_always
#include <exception>    // for exception_ptr
#include <memory>       // for addressof, construct_at, destroy_at
#include <type_traits>  // for is_constructible_v
#include <utility>      // for exchange, move

namespace lockgate::inline v0 {

template <class T = void>
class task;

/// Is told that a task has finished. Runs inside the task's last suspension: it may transfer to
/// another coroutine or schedule work, and must not destroy the task.
class task_completion {
 public:
  /// What is called when the task has ended.
  using function = void (*)(task_completion&) noexcept;
  explicit task_completion(function on_completed) noexcept : completed_(on_completed) {}
  /// Says that the task has ended.
  void completed() noexcept { completed_(*this); }

 private:
  function completed_;
};

namespace detail {

template <class T>
class task_awaiter;

#if LOCKGATE_CHECKED && defined(__GNUC__) && !defined(__clang__)
#define LOCKGATE_CHECKS_FRAMES 1
/// The frame being made. g++ 12 lays out the frames of some coroutines wrongly (a body without
/// outermost locals that contains `if (co_await x)`), so that the promise is not where
/// from_promise() looks for it; better to stop than to run into it.
inline constinit thread_local void* frame_being_made = nullptr;
#else
#define LOCKGATE_CHECKS_FRAMES 0
#endif

/// What every promise has: its context, who waits for it, and the child it waits for.
class promise_base {
 public:
  promise_base() noexcept {
#if LOCKGATE_CHECKS_FRAMES
    void* frame = std::exchange(frame_being_made, nullptr);
    LOCKGATE_REQUIRE(
        !frame || static_cast<char*>(frame) + 2 * sizeof(void*) == static_cast<void*>(this),
        "g++ 12 miscompiled this coroutine: name the result of co_await before "
        "testing it (if (auto r = co_await x; r))");
#endif
  }
  promise_base(const promise_base&) = delete;
  promise_base& operator=(const promise_base&) = delete;

  static void* operator new(std::size_t size) noexcept {
    void* memory = frame_cache::allocate(size);
#if LOCKGATE_CHECKS_FRAMES
    frame_being_made = memory;
#endif
    return memory;
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    frame_cache::release(memory, size);
  }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct final_awaiter {
    final_awaiter() noexcept = default;
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> finished) const noexcept {
      finished.promise().completion_->completed();
    }
    void await_resume() const noexcept {}
  };
  final_awaiter final_suspend() noexcept { return {}; }

  void unhandled_exception() noexcept { exception_ = caught_exception(); }
  [[nodiscard]] const std::exception_ptr& exception() const noexcept { return exception_; }

  void bind(const task_context& context, task_completion& completion) noexcept {
    context_ = &context;
    completion_ = &completion;
  }
  [[nodiscard]] const task_context& context() const noexcept { return *context_; }

  template <class T>
  auto await_transform(task<T>&& work) noexcept;
  template <class T>
  auto await_transform(task<T>& work) noexcept = delete;  // co_await std::move(work)
  template <class Op>
  decltype(auto) await_transform(Op&& op) {
    using plain = std::remove_cvref_t<Op>;
    if constexpr (operation<plain>) {
      static_assert(await_safe<plain>,
                    "lockgate: an awaited aggregate with a destructor is destroyed twice by g++ "
                    "12: give it a constructor");
      return op.bind(*context_);
    } else {
      static_assert(operation<plain>,
                    "lockgate: a task cannot stop this awaitable; await a lockgate::task or one of "
                    "the library's operations, or wrap it: cancellable(x, cancel_function), or "
                    "uninterruptible(x) if it may delay the end of the session");
      return std::suspend_never();
    }
  }

  // The child this coroutine awaits, and where its owner keeps the handle: a chain that can be
  // destroyed from its leaf without recursion, however long it is.
  promise_base* child = nullptr;
  promise_base* parent = nullptr;
  std::coroutine_handle<>* handle_slot = nullptr;

 private:
  const task_context* context_ = nullptr;
  task_completion* completion_ = nullptr;
  std::exception_ptr exception_;
};

inline void destroy_chain(std::coroutine_handle<> root, promise_base& promise) noexcept {
  promise_base* leaf = &promise;
  while (leaf->child) leaf = leaf->child;
  while (leaf != &promise) {
    promise_base* parent = leaf->parent;
    parent->child = nullptr;
    std::exchange(*leaf->handle_slot, {}).destroy();
    leaf = parent;
  }
  root.destroy();
}

template <class T>
class promise final : public promise_base {
 public:
  promise() noexcept {}
  ~promise() {
    if (has_value_) std::destroy_at(std::addressof(value_));
  }
  task<T> get_return_object() noexcept;
  static task<T> get_return_object_on_allocation_failure() noexcept { return {}; }
  template <class U = T>
    requires std::is_constructible_v<T, U>
  void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>) {
    std::construct_at(std::addressof(value_), std::forward<U>(value));
    has_value_ = true;
  }
  T take() {
    rethrow_if(exception());
    return std::move(value_);
  }

 private:
  union {
    T value_;
  };
  bool has_value_ = false;
};

template <>
class promise<void> final : public promise_base {
 public:
  task<void> get_return_object() noexcept;
  static task<void> get_return_object_on_allocation_failure() noexcept;
  void return_void() noexcept {}
  void take() { rethrow_if(exception()); }
};

/// What awaiting a task gives whose frame could not be allocated.
template <class T>
T frame_allocation_failed() {
  if constexpr (std::is_constructible_v<T, errc>) {
    return T(errc::no_memory);
  } else {
    out_of_memory("task: no memory for a coroutine frame");
  }
}

}  // namespace detail

/// A coroutine that has not run yet; awaiting it runs it to its end and gives its result.
///
/// Completes: with the coroutine's result, or with the exception that left it.
/// Errors: without memory for the frame, awaiting gives `errc::no_memory` where `T` can hold it;
///         otherwise it throws `std::bad_alloc`.
/// Lifetime: owns the coroutine; destroying a suspended task destroys its whole chain of children.
/// Cost: one frame from recycled memory; awaiting takes constant stack, however deep or often.
template <class T>
class [[nodiscard("a task does nothing until it is awaited or spawned")]] task {
 public:
  using promise_type = detail::promise<T>;
  using value_type = T;

  /// The task whose frame could not be allocated, or that was moved from.
  task() noexcept = default;
  explicit task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
  task(task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
  task& operator=(task&& other) noexcept {
    reset();
    coroutine_ = std::exchange(other.coroutine_, {});
    return *this;
  }
  ~task() { reset(); }

  [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(coroutine_); }
  /// Destroys the coroutine, wherever it is suspended.
  void reset() noexcept {
    if (coroutine_) detail::destroy_chain(coroutine_, promise());
    coroutine_ = {};
  }

  /// Starts the coroutine as a root: it runs now, up to its first suspension.
  /// Requires: `valid()`; `context` and `completion` outlive the coroutine's run.
  void start(const task_context& context, task_completion& completion) noexcept {
    promise().bind(context, completion);
    context.home->resume(coroutine_);
  }
  [[nodiscard]] bool done() const noexcept { return coroutine_.done(); }
  /// The exception that left the finished coroutine, or null.
  [[nodiscard]] const std::exception_ptr& exception() const noexcept {
    return promise().exception();
  }
  /// The result of the finished coroutine, or the exception that left it, thrown again.
  T take() { return promise().take(); }

 private:
  friend class detail::task_awaiter<T>;
  [[nodiscard]] promise_type& promise() const noexcept {
    return std::coroutine_handle<promise_type>::from_address(coroutine_.address()).promise();
  }

  std::coroutine_handle<> coroutine_;
};

namespace detail {

/// Runs a child and resumes its parent with the result.
template <class T>
class task_awaiter final : task_completion {
 public:
  task_awaiter(task<T>& work, promise_base& parent) noexcept
      : task_completion([](task_completion& self) noexcept {
          auto& me = static_cast<task_awaiter&>(self);
          me.parent_.child = nullptr;
          me.parent_.context().home->transfer(me.awaiting_);
        }),
        child_(work), parent_(parent) {}
  task_awaiter(const task_awaiter&) = delete;

  bool await_ready() const noexcept { return !child_.valid(); }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept {
    promise_base& child = child_.promise();
    child.bind(parent_.context(), *this);
    child.parent = &parent_;
    child.handle_slot = &child_.coroutine_;
    parent_.child = &child;
    awaiting_ = awaiting;
    parent_.context().home->transfer(child_.coroutine_);
  }
  T await_resume() {
    if (!child_.valid()) return frame_allocation_failed<T>();
    return child_.take();
  }

 private:
  task<T>& child_;
  promise_base& parent_;
  std::coroutine_handle<> awaiting_;
};

template <class T>
auto promise_base::await_transform(task<T>&& work) noexcept {
  return task_awaiter<T>(work, *this);
}
template <class T>
task<T> promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<promise>::from_promise(*this));
}
inline task<void> promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<promise>::from_promise(*this));
}
inline task<void> promise<void>::get_return_object_on_allocation_failure() noexcept {
  return {};
}

}  // namespace detail

}  // namespace lockgate::inline v0

// Awaiting what is not ours: awaitables of other libraries, made stoppable or openly not.
#pragma once

#include "lockgate/base/exception.hpp"     // for caught_exception, rethrow_if, out_of_memory
#include "lockgate/coro/frame_memory.hpp"  // for frame_cache
#include "lockgate/coro/operation.hpp"     // for task_context, resumption
#include "lockgate/coro/stop.hpp"          // for stop_callback

#include <coroutine>    // for coroutine_handle, suspend_never, suspend_always
#include <exception>    // for exception_ptr
#include <optional>     // for optional
#include <type_traits>  // for is_trivially_destructible_v
#include <utility>      // for forward, move, exchange

namespace lockgate::inline v0 {

namespace detail {

template <class X>
decltype(auto) awaiter_of(X& x) {
  if constexpr (requires { static_cast<X&&>(x).operator co_await(); })
    return static_cast<X&&>(x).operator co_await();
  else if constexpr (requires { operator co_await(static_cast<X&&>(x)); })
    return operator co_await(static_cast<X&&>(x));
  else return static_cast<X&>(x);
}
template <class X>
using awaited_t = decltype(awaiter_of(std::declval<X&>()).await_resume());

/// A coroutine between two worlds: the foreign awaitable resumes it, from wherever it likes, and
/// its end brings the waiting task back through the ready queue.
class bridge {
 public:
  struct promise_type {
    static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
      frame_cache::release(memory, size);
    }
    bridge get_return_object() noexcept {
      return bridge(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static bridge get_return_object_on_allocation_failure() noexcept { return bridge({}); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    struct final_awaiter {
      final_awaiter() noexcept = default;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> me) const noexcept {
        if (me.promise().waiting) me.promise().waiting->resume();
      }
      void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { exception = caught_exception(); }

    resumption* waiting = nullptr;
    std::exception_ptr exception;
  };

  explicit bridge(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}
  bridge(bridge&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
  bridge& operator=(bridge&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~bridge() {
    if (coroutine_) coroutine_.destroy();
  }
  [[nodiscard]] std::coroutine_handle<promise_type> coroutine() const noexcept {
    return coroutine_;
  }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

template <class X, class Result>
// NOLINTNEXTLINE(*-reference-coroutine-parameters): the awaiter owns both, and the bridge
bridge await_foreign(X& foreign, Result& out) {
  if constexpr (std::is_void_v<awaited_t<X>>) {
    co_await static_cast<X&&>(foreign);
    out.emplace();
  } else {
    out.emplace(co_await static_cast<X&&>(foreign));
  }
}

struct nothing {};

template <class X, class Cancel>
class foreign_awaiter : stop_callback {
  using awaited = awaited_t<X>;
  using stored = std::conditional_t<std::is_void_v<awaited>, nothing, std::remove_cvref_t<awaited>>;

 public:
  foreign_awaiter(X&& foreign, Cancel cancel, const task_context& context) noexcept
      : stop_callback([](stop_callback& self) noexcept {
          auto& me = static_cast<foreign_awaiter&>(self);
          me.cancel_(me.foreign_);
        }),
        foreign_(std::move(foreign)), cancel_(cancel), context_(context) {}
  foreign_awaiter(const foreign_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    bridge_ = await_foreign(foreign_, result_);
    const auto inner = bridge_.coroutine();
    if (!inner || inner.done()) return false;
    resumption_.suspend(awaiting, *context_.home);
    inner.promise().waiting = &resumption_;
    if (context_.stop->stop_requested()) cancel_(foreign_);
    else context_.stop->add(*this);
    return true;
  }
  awaited await_resume() {
    unlink();
    const auto inner = bridge_.coroutine();
    if (!inner) out_of_memory("cancellable: no memory for a coroutine frame");
    rethrow_if(inner.promise().exception);
    if constexpr (!std::is_void_v<awaited>) return std::move(*result_);
  }

 private:
  X foreign_;
  Cancel cancel_;
  const task_context& context_;
  std::optional<stored> result_;
  resumption resumption_;
  bridge bridge_{std::coroutine_handle<bridge::promise_type>{}};
};

template <class X, class Cancel>
class foreign_operation {
 public:
  foreign_operation(X&& foreign, Cancel cancel) noexcept
      : foreign_(std::move(foreign)), cancel_(cancel) {}
  auto bind(const task_context& context) noexcept {
    return foreign_awaiter<X, Cancel>(std::move(foreign_), cancel_, context);
  }

 private:
  X foreign_;
  Cancel cancel_;
};

}  // namespace detail

/// Makes a foreign awaitable stoppable: on a stop request `cancel(foreign)` is called, once, and
/// must bring the awaitable to its end soon.
///
/// Requires: the awaitable completes on the scheduler's thread; `cancel` does not throw.
/// Cost: one recycled frame.
template <class X, class Cancel>
[[nodiscard]] auto cancellable(X foreign, Cancel cancel) noexcept {
  static_assert(std::is_trivially_destructible_v<Cancel>,
                "lockgate: the cancel function must be trivially destructible (capture pointers or "
                "references only): g++ 12 destroys other closures in co_await expressions twice");
  return detail::foreign_operation<X, Cancel>(std::move(foreign), cancel);
}

/// Awaits a foreign awaitable that cannot be stopped: a stop request waits for it, and a session
/// that ends meanwhile is reported as stuck until it completes.
template <class X>
[[nodiscard]] auto uninterruptible(X foreign) noexcept {
  return cancellable(std::move(foreign), [](X&) noexcept {});
}

}  // namespace lockgate::inline v0

// What a task can await besides tasks: descriptions of operations, bound to the task's context.
#pragma once

#include "lockgate/coro/ready_item.hpp"  // for ready_item
#include "lockgate/coro/scheduler.hpp"   // for scheduler
#include "lockgate/coro/stop.hpp"        // for stop_state

#include <concepts>     // for same_as
#include <coroutine>    // for coroutine_handle
#include <type_traits>  // for is_aggregate_v, is_trivially_destructible_v

namespace lockgate::inline v0 {

/// Where a coroutine runs and to whom it belongs; child tasks inherit it.
struct task_context {
  scheduler* home = nullptr;
  stop_state* stop = nullptr;
  const void* owner = nullptr;  ///< whatever part of the program answers for this coroutine
};

/// Safe to appear in a `co_await` expression on g++ 12, which destroys aggregate temporaries with a
/// destructor twice (GCC PR 99576, fixed in 13).
template <class T>
inline constexpr bool await_safe = !std::is_aggregate_v<T> || std::is_trivially_destructible_v<T>;

/// Describes something to await. `bind` makes the awaiter, in place, for the awaiting coroutine.
///
/// The description is what public functions return: it may be moved about; the awaiter, which holds
/// list links, never is.
template <class Op>
concept operation = requires(Op& op, const task_context& context) { op.bind(context); };

/// A suspended coroutine and its way back: through the ready queue, never from inside another's
/// frame.
class resumption : public ready_item {
 public:
  resumption() noexcept
      : ready_item([](ready_item& self) noexcept {
          auto& me = static_cast<resumption&>(self);
          me.home_->resume(me.coroutine_);
        }) {}
  /// Remembers whom to resume, and where.
  void suspend(std::coroutine_handle<> coroutine, scheduler& home) noexcept {
    coroutine_ = coroutine;
    home_ = &home;
  }
  /// Has the coroutine go on in its turn, never within this call.
  void resume() noexcept { home_->schedule(*this); }
  [[nodiscard]] scheduler& home() const noexcept { return *home_; }

 private:
  std::coroutine_handle<> coroutine_;
  scheduler* home_ = nullptr;
};

}  // namespace lockgate::inline v0

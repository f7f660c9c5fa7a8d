// Tasks that run side by side and are stopped and awaited together.
#pragma once

#include "lockgate/base/exception.hpp"       // for rethrow_if
#include "lockgate/base/intrusive_list.hpp"  // for intrusive_list
#include "lockgate/base/status.hpp"          // for status
#include "lockgate/coro/frame_memory.hpp"    // for frame_cache
#include "lockgate/coro/operation.hpp"       // for task_context
#include "lockgate/coro/task.hpp"            // for task
#include "lockgate/coro/wait_list.hpp"       // for wait_list

#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <exception>  // for exception_ptr
#include <utility>    // for move, exchange

namespace lockgate::inline v0 {

/// Owns tasks that run by themselves. Nothing is detached: the group outlives its tasks.
///
/// Lifetime: destroying the group destroys its tasks wherever they are suspended; for an orderly
///           end, `request_stop()` and await `join()`.
/// Cost: a spawned task needs one recycled block besides its own frame.
class task_group {
 public:
  /// Is told that a task ended with an exception. The default stops the program, as an uncaught
  /// exception does.
  using exception_function = void (*)(void* context, const std::exception_ptr&) noexcept;

  explicit task_group(scheduler& home, const void* owner = nullptr) noexcept
      : context_{&home, &stop_, owner} {}
  task_group(const task_group&) = delete;
  ~task_group() {
    while (!members_.empty()) delete &members_.pop_front();
  }

  /// Says who is told. Lifetime: `context` outlives the group.
  void on_exception(exception_function handle, void* context) noexcept {
    handle_exception_ = handle;
    handler_context_ = context;
  }

  /// Starts `work` in a step of its own. Errors: `errc::no_memory`.
  status spawn(task<> work) noexcept {
    if (!work.valid()) return errc::no_memory;
    auto* started = new member(*this, std::move(work));
    if (!started) return errc::no_memory;
    members_.push_back(*started);
    ++size_;
    context_.home->schedule(*started);
    return {};
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Asks every task to stop, those that are spawned later, too.
  void request_stop() noexcept { stop_.request_stop(); }
  [[nodiscard]] stop_state& stop() noexcept { return stop_; }

  /// Completed whenever the last task has ended; others may complete it to have somebody look
  /// again.
  [[nodiscard]] wait_list& emptied() noexcept { return empty_; }

  class join_operation;
  /// Waits until no task is left. Completes: at once when there is none.
  [[nodiscard]] join_operation join() noexcept;

 private:
  struct member final : ready_item, task_completion, list_link<member> {
    member(task_group& group_, task<>&& work_) noexcept
        : ready_item([](ready_item& self) noexcept { static_cast<member&>(self).step(); }),
          task_completion([](task_completion& self) noexcept {
            auto& me = static_cast<member&>(self);
            me.group.context_.home->run_at_suspension(me);
          }),
          group(group_), work(std::move(work_)) {}
    static void* operator new(std::size_t size) noexcept {
      return detail::frame_cache::allocate(size);
    }
    static void operator delete(void* memory, std::size_t size) noexcept {
      detail::frame_cache::release(memory, size);
    }
    /// The first step starts the task, the second, after its end, takes it away.
    void step() noexcept {
      if (!std::exchange(started, true)) return work.start(group.context_, *this);
      task_group& mine = group;
      if (work.exception()) mine.report(work.exception());
      delete this;
      if (--mine.size_ == 0) mine.empty_.complete_all();
    }
    task_group& group;
    task<> work;
    bool started = false;
  };

  void report(const std::exception_ptr& exception) noexcept {
    if (!handle_exception_) detail::rethrow_if(exception);  // noexcept: stops the program
    else handle_exception_(handler_context_, exception);
  }

  stop_state stop_;
  task_context context_;
  exception_function handle_exception_ = nullptr;
  void* handler_context_ = nullptr;
  std::size_t size_ = 0;
  intrusive_list<member> members_;
  wait_list empty_;
};

class task_group::join_operation {
 public:
  explicit join_operation(task_group& group) noexcept : group_(group) {}
  class awaiter {
   public:
    awaiter(task_group& group, const task_context& context) noexcept
        : group_(group), wait_(group.empty_.wait()), waiting_(wait_.bind(context)) {}
    bool await_ready() const noexcept { return group_.size() == 0; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      suspended_ = true;
      waiting_.await_suspend(coroutine);
    }
    status await_resume() const noexcept { return suspended_ ? waiting_.await_resume() : status(); }

   private:
    task_group& group_;
    wait_list::wait_operation wait_;
    wait_list::wait_operation::awaiter waiting_;
    bool suspended_ = false;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(group_, context); }

 private:
  task_group& group_;
};

inline task_group::join_operation task_group::join() noexcept {
  return join_operation(*this);
}

}  // namespace lockgate::inline v0

// What stands behind a CPNATFWT_PROVIDER_INSTANCE.
#pragma once

#include "lockgate/base/intrusive_list.hpp"         // for intrusive_list
#include "lockgate/capi/blocking_call.hpp"          // for blocking_call
#include "lockgate/capi/cpnatfwt.h"                 // for the dispatch table
#include "lockgate/capi/host.hpp"                   // for host
#include "lockgate/capi/instance_gate.hpp"          // for instance_gate
#include "lockgate/capi/slot_table.hpp"             // for slot_table, slot_handle
#include "lockgate/coro/operation.hpp"              // for resumption, task_context
#include "lockgate/coro/stop.hpp"                   // for stop_callback
#include "lockgate/coro/task.hpp"                   // for task
#include "lockgate/platform/provider_instance.hpp"  // for provider_instance
#include "lockgate/provider/instance.hpp"           // for instance

#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <cstdint>    // for uint32_t
#include <mutex>      // for mutex, lock_guard
#include <utility>    // for exchange

namespace lockgate::inline v0::capi::detail {

/// A slot for one instance after another.
///
/// Everything but the gate, and what Create wrote before it published the handle, belongs to the
/// platform's thread.
class c_instance final : stop_callback {
 public:
  explicit c_instance(std::size_t index) noexcept
      : stop_callback(
            [](stop_callback& self) noexcept { static_cast<c_instance&>(self).gate.end(); }),
        index_(index) {}

  instance_gate gate;
  CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE table{};
  const void* identity = nullptr;  ///< the table's address: one provider, many instances (U1)
  void* user_context = nullptr;
  void* handle = nullptr;

  provider_instance registered;
  instance native;                    ///< from establish on
  bool answering_activation = false;  ///< the transitionActive callback has not returned

  [[nodiscard]] std::uint32_t generation() const noexcept {
    return slot_handle(handle).generation();
  }

  /// The session begins: its end will close the gate for good.
  void session_begins(instance session) noexcept {
    native = session;
    if (session.stop().stop_requested()) gate.end();
    else session.stop().add(*this);
  }

  /// One indication less is inside.
  void leave() noexcept {
    if (gate.leave() && empty_waiter_) std::exchange(empty_waiter_, {}), way_back_.resume();
  }
  class empty_operation;
  /// Waits until no indication is inside; nothing stops it.
  [[nodiscard]] empty_operation all_left() noexcept;

  /// Deregisters, or joins; `caller`, if any, is told when it is done.
  status deregister(blocking_call* caller) noexcept {
    if (!running_down_) {
      const status started = host::get().spawn(run_down(this));
      if (!started.ok()) return started;
      running_down_ = true;
    }
    if (caller) callers_.push_back(*caller);
    return {};
  }

 private:
  friend class instance_table;
  static task<> run_down(c_instance* me);
  void finish() noexcept {
    intrusive_list<blocking_call> callers;
    callers.splice_back(callers_);
    registered = provider_instance();
    native = instance();
    running_down_ = false;
    gate.move(generation(), handle_phase::registered, handle_phase::deregistered);
    while (!callers.empty()) callers.pop_front().finish(S_OK);
  }

  std::size_t index_;
  std::uint32_t last_generation_ = 0;
  c_instance* next_free_ = nullptr;
  bool running_down_ = false;
  intrusive_list<blocking_call> callers_;
  std::coroutine_handle<> empty_waiter_;
  resumption way_back_;
};

class c_instance::empty_operation {
 public:
  explicit empty_operation(c_instance& of) noexcept : of_(of) {}
  class awaiter {
   public:
    awaiter(c_instance& of, const task_context& context) noexcept : of_(of), context_(context) {}
    bool await_ready() const noexcept { return of_.gate.look().is_empty(); }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      of_.empty_waiter_ = coroutine;
      of_.way_back_.suspend(coroutine, *context_.home);
    }
    void await_resume() const noexcept {}

   private:
    c_instance& of_;
    const task_context& context_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(of_, context); }

 private:
  c_instance& of_;
};

inline c_instance::empty_operation c_instance::all_left() noexcept {
  return empty_operation(*this);
}

/// All instances, and the slots that are free.
class instance_table {
 public:
  static instance_table& get() {
    static instance_table& only = *new instance_table;
    return only;
  }

  /// Makes an instance, on any thread. Null without memory.
  [[nodiscard]] void* create(const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE& table,
                             void* user_context) noexcept {
    const std::lock_guard hold(mutex_);
    c_instance* const made = free_ ? std::exchange(free_, free_->next_free_) : slots_.add();
    if (!made) return nullptr;
    made->last_generation_ = slot_handle::next(made->last_generation_);
    made->handle = slot_handle(made->index_, made->last_generation_).value();
    made->table = table;
    made->identity = &table;
    made->user_context = user_context;
    made->gate.begin(made->last_generation_);
    return made->handle;
  }
  /// Frees an instance that has no session; false when it has one, or is gone. A slot that has run
  /// out of generations is not used again. Requires: `find` has found the handle.
  bool destroy(void* handle) noexcept {
    const slot_handle name(handle);
    c_instance* const of = slots_.find(name.index());
    if (!of->gate.move(name.generation(), handle_phase::created, handle_phase::unused) &&
        !of->gate.move(name.generation(), handle_phase::deregistered, handle_phase::unused))
      return false;
    if (name.generation() == slot_handle::last_generation) return true;
    const std::lock_guard hold(mutex_);
    of->next_free_ = std::exchange(free_, of);
    return true;
  }
  /// Whether the instance must be deregistered first. Requires: `find` has found it.
  [[nodiscard]] bool is_registered(void* handle) const noexcept {
    const slot_handle name(handle);
    const instance_gate::view now = slots_.find(name.index())->gate.look();
    return now.generation() == name.generation() &&
           (now.phase() == handle_phase::registering || now.phase() == handle_phase::registered);
  }
  /// The instance of this handle, on any thread. Null, and counted, for one that is stale.
  [[nodiscard]] c_instance* find(void* handle) const noexcept {
    const slot_handle of(handle);
    c_instance* const found = slots_.find(of.index());
    if (found) {
      const instance_gate::view now = found->gate.look();
      if (now.generation() == of.generation() && now.phase() != handle_phase::unused) return found;
    }
    host::get().stale_handles.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }

 private:
  instance_table() = default;
  std::mutex mutex_;
  slot_table<c_instance> slots_;
  c_instance* free_ = nullptr;
};

}  // namespace lockgate::inline v0::capi::detail

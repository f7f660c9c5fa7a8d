// What an awaitable of another library looks like to us: it knows nothing of tasks.
#pragma once

#include "lockgate/base/status.hpp"  // for status

#include <coroutine>  // for coroutine_handle
#include <utility>    // for exchange

namespace support {

/// One event that at most one coroutine waits for, resumed from within `fire`.
class foreign_event {
 public:
  /// False when nobody waits.
  bool fire(lockgate::status outcome = {}) {
    if (!waiting_) return false;
    outcome_ = outcome;
    std::exchange(waiting_, {}).resume();
    return true;
  }
  [[nodiscard]] bool is_awaited() const noexcept { return static_cast<bool>(waiting_); }

  class awaiter {
   public:
    explicit awaiter(foreign_event& event) noexcept : event_(event) {}
    awaiter(const awaiter&) = delete;
    ~awaiter() { event_.waiting_ = {}; }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept { event_.waiting_ = coroutine; }
    lockgate::status await_resume() const noexcept { return event_.outcome_; }

   private:
    foreign_event& event_;
  };

  /// What is awaited; it may be moved about before.
  class wait {
   public:
    explicit wait(foreign_event& waits_for) noexcept : event(&waits_for) {}
    awaiter operator co_await() && noexcept { return awaiter(*event); }
    foreign_event* event;
  };

 private:
  std::coroutine_handle<> waiting_;
  lockgate::status outcome_;
};

}  // namespace support

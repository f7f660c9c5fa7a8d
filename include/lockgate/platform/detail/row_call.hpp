// One call of a row that answered "later": its frame, its stop state, its time limit.
#pragma once

#include "lockgate/base/accepted.hpp"           // for accepted
#include "lockgate/base/clock.hpp"              // for duration, saturating_add
#include "lockgate/base/config.hpp"             // for LOCKGATE_REQUIRE
#include "lockgate/base/intrusive_list.hpp"     // for list_link
#include "lockgate/base/status.hpp"             // for status
#include "lockgate/coro/operation.hpp"          // for task_context
#include "lockgate/coro/task.hpp"               // for task, task_completion
#include "lockgate/coro/timer.hpp"              // for timer
#include "lockgate/platform/session_state.hpp"  // for row
#include "lockgate/provider/answer.hpp"         // for answer

#include <atomic>       // for atomic_signal_fence, memory_order_seq_cst
#include <exception>    // for exception_ptr
#include <type_traits>  // for conditional_t, is_void_v
#include <utility>      // for move, exchange

namespace lockgate::inline v0::detail {

class row_call_base;

/// Who answers for a row: the session.
class row_owner {
 public:
  explicit row_owner(scheduler& home) noexcept : row_home_(home) {}
  [[nodiscard]] scheduler& row_home() const noexcept { return row_home_; }
  /// `call` has suspended; it is in the owner's list until it returns.
  virtual void row_suspended(row_call_base& call) noexcept = 0;
  /// The time limit has passed. The owner asks the row to stop.
  virtual void row_overran(row_call_base& call) noexcept = 0;
  /// The grace time has passed as well, and the row still runs.
  virtual void row_stuck(row_call_base& call) noexcept = 0;
  virtual void row_threw(row which, const std::exception_ptr& exception) noexcept = 0;
  /// A row has answered, and `outcome` is known; its frame still exists.
  virtual void row_answered(row_call_base& call) noexcept = 0;
  /// The frame of a row that had suspended is gone.
  virtual void row_gone(row_call_base& call) noexcept = 0;

  /// The innermost row that is inside its first step: not in the list yet, and perhaps never.
  row_call_base* launching = nullptr;

 protected:
  ~row_owner() = default;

 private:
  scheduler& row_home_;
};

/// How long a row may take, and whether its caller waits for it however late it is.
struct row_limits {
  duration timeout;
  bool abandon_when_stuck;
};

/// The part of a row call that does not depend on the row's result.
class row_call_base : public list_link<row_call_base>, task_completion, timer {
 public:
  [[nodiscard]] bool is_busy() const noexcept { return phase_ != phase::idle; }
  [[nodiscard]] row which() const noexcept { return which_; }
  [[nodiscard]] row_call_base* launched_inside() const noexcept { return launched_inside_; }
  /// Asks the row to stop; if it goes on after `grace`, its owner is told.
  void ask_to_stop(duration grace) noexcept {
    if (phase_ != phase::running) return;
    phase_ = phase::stopping;
    stop_.request_stop();
    if (phase_ == phase::stopping) home().arm(*this, saturating_add(home().now(), grace));
  }

 protected:
  row_call_base() noexcept
      : task_completion(
            [](task_completion& self) noexcept { static_cast<row_call_base&>(self).returned(); }),
        timer([](ready_item& self) noexcept { static_cast<row_call_base&>(self).on_timer(); }) {}
  ~row_call_base() = default;

  /// Runs `work` to its first suspension. True if it is still running then.
  template <class T>
  bool launch(task<T>& work, ready_item& when_done, const row_limits& limits) noexcept {
    stop_.reset();
    context_.home = &owner_->row_home();
    context_.owner = this;
    phase_ = phase::running;
    when_done_ = &when_done;
    abandon_ = limits.abandon_when_stuck;
    is_launching_ = true;
    launched_inside_ = std::exchange(owner_->launching, this);
    work.start(context_, *this);
    owner_->launching = launched_inside_;
    is_launching_ = false;
    if (work.done()) {
      if (phase_ == phase::stopping) disarm();
      phase_ = phase::idle;
      return false;
    }
    if (phase_ == phase::running) home().arm(*this, saturating_add(home().now(), limits.timeout));
    owner_->row_suspended(*this);
    return true;
  }
  void set_row(row_owner& owner, row which) noexcept {
    LOCKGATE_REQUIRE(!is_busy(), "row_call: one row at a time (U14)");
    owner_ = &owner;
    which_ = which;
  }
  [[nodiscard]] row_owner& owner() const noexcept { return *owner_; }
  /// Lets the frame of a row go that has answered. The waiting coroutine calls it, because a frame
  /// must not be destroyed inside its own last suspension.
  void outcome_taken() noexcept {
    when_done_ = nullptr;
    if (phase_ == phase::answered) finish();
  }
  [[nodiscard]] bool has_answered() const noexcept { return phase_ == phase::answered; }
  void redirect_to(ready_item& when_done) noexcept { when_done_ = &when_done; }

 private:
  enum class phase { idle, running, stopping, answered, abandoned, reaping };
  virtual void collect() noexcept = 0;
  virtual void release() noexcept = 0;
  /// The row was abandoned and has now returned. Nobody else will touch this object.
  virtual void returned_late() noexcept {}

  [[nodiscard]] scheduler& home() const noexcept { return *context_.home; }
  /// Inside the row's last suspension, where its frame must not be destroyed.
  void returned() noexcept {
    if (is_launching_) return;
    disarm();
    if (phase_ == phase::abandoned) {
      const bool is_awaited = when_done_ != nullptr;  // given up, but nobody has noticed yet
      phase_ = is_awaited ? phase::answered : phase::reaping;
      if (!is_awaited) home().schedule(*this);
      return;
    }
    phase_ = phase::answered;
    collect();
    owner_->row_answered(*this);
    home().schedule(*when_done_);
  }
  void on_timer() noexcept {
    switch (phase_) {
      case phase::running: owner_->row_overran(*this); break;
      case phase::stopping:
        owner_->row_stuck(*this);
        if (abandon_) {
          phase_ = phase::abandoned;
          home().schedule(*when_done_);
        }
        break;
      case phase::reaping:
        finish();
        returned_late();
        break;
      default: break;
    }
  }
  void finish() noexcept {
    phase_ = phase::idle;
    list_link<row_call_base>::unlink();
    release();
    owner_->row_gone(*this);
  }

  row_owner* owner_ = nullptr;
  row which_ = row::none;
  phase phase_ = phase::idle;
  bool abandon_ = false;
  bool is_launching_ = false;  // inside its first step: it may end there, or be asked to stop
  row_call_base* launched_inside_ = nullptr;  // the row whose first step this one began in
  stop_state stop_;
  task_context context_{nullptr, &stop_, nullptr};
  ready_item* when_done_ = nullptr;
};

/// A place for calls of rows with result `T`, one at a time. It belongs to a session or a path, so
/// that a row that never returns keeps its frame.
///
/// Guarantees: U15 - a row that overruns is asked to stop and awaited for the grace time; one that
///             may be abandoned then gives `errc::timed_out`, and its late answer is ignored.
template <class T>
class row_call : public row_call_base {
 public:
  /// Where a row has no result, success or the reason it failed.
  using value = std::conditional_t<std::is_void_v<T>, status, T>;

  row_call() noexcept = default;

  /// Takes a row's answer in. True if it is later: `when_done` is scheduled once there is an
  /// `outcome`.
  bool start(row_owner& owner, row which, answer<T>&& given, lockgate::ready_item& when_done,
             const row_limits& limits) noexcept {
    set_row(owner, which);
    if (!given.is_later()) {
      set_now(given);
      return false;
    }
    task<T> work = std::move(given).take_later();
    if (!work.valid()) {
      outcome_ = errc::no_memory;
      return false;
    }
    if (!launch(work, when_done, limits)) {
      collect(work);
      return false;
    }
    outcome_ = errc::timed_out;
    work_ = std::move(work);
    return true;
  }
  /// The answer, or `errc::timed_out` for a row that was abandoned.
  [[nodiscard]] const value& outcome() noexcept {
    outcome_taken();
    return outcome_;
  }

  /// The answer while the frame still exists.
  [[nodiscard]] const value& peek() const noexcept { return outcome_; }
  [[nodiscard]] bool is_answered() const noexcept { return has_answered(); }
  /// Schedules something else when the answer comes: whoever waited is gone.
  void redirect(lockgate::ready_item& when_done) noexcept { redirect_to(when_done); }

 private:
  void set_now(const answer<T>& given) noexcept {
    if (given.failure()) {
      outcome_ = errc::provider_failed;
      owner().row_threw(which(), given.failure());
    } else if constexpr (std::is_void_v<T>) {
      outcome_ = status();
    } else {
      keep(given.now());
    }
  }
  void collect() noexcept override { collect(work_); }
  void collect(task<T>& work) noexcept {
    if (work.exception()) {
      outcome_ = errc::provider_failed;
      owner().row_threw(which(), work.exception());
    } else if constexpr (std::is_void_v<T>) {
      outcome_ = status();
    } else {
      keep(work.take());
    }
  }
  void keep(const status& given) noexcept { outcome_ = given; }
  /// Word by word, as the row has just written it: one load of both words would wait until the two
  /// stores have reached the cache, for 3 of the 23 ns that such a send takes.
  void keep(const accepted& given) noexcept {
    outcome_.count = given.count;
    std::atomic_signal_fence(std::memory_order_seq_cst);  // keeps g++ from joining the two
    outcome_.why = given.why;
  }
  void release() noexcept override { work_.reset(); }

  task<T> work_;
  value outcome_;
};

}  // namespace lockgate::inline v0::detail

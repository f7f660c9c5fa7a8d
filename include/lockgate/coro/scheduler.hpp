// The scheduler: one thread, a ready queue, timers, and a clock and random source from outside.
#pragma once

#include "lockgate/base/clock.hpp"           // for time_source, time_point
#include "lockgate/base/config.hpp"          // for LOCKGATE_ASSERT
#include "lockgate/base/intrusive_list.hpp"  // for intrusive_list
#include "lockgate/base/random.hpp"          // for random_source
#include "lockgate/coro/inbox.hpp"           // for inbox, posted_item
#include "lockgate/coro/ready_item.hpp"      // for ready_item
#include "lockgate/coro/timer.hpp"           // for timer, timer_queue

#include <concepts>   // for invocable
#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <thread>     // for this_thread::get_id
#include <utility>    // for move, exchange

namespace lockgate::inline v0 {

/// How a scheduler tells the loop around it that it wants to run.
class host_loop {
 public:
  /// On the scheduler's thread: something became ready, or a timer was armed, outside `run_ready`.
  virtual void work_appeared() noexcept = 0;
  /// On any thread: something was posted.
  virtual void wake() noexcept = 0;

 protected:
  ~host_loop() = default;
};

/// Something to do when a turn ends, before the scheduler may sleep: handing over what was
/// gathered.
class turn_end_item : public list_link<turn_end_item> {
 public:
  /// What is called at the end of the turn.
  using function = void (*)(turn_end_item&) noexcept;
  explicit turn_end_item(function run) noexcept : run_(run) {}

 private:
  friend class scheduler;
  function run_;
};

/// Runs coroutines and timers, one step at a time, on one thread, inside any loop.
///
/// Everything that belongs to one scheduler lives on one thread; `post` is the only exception.
/// Drive it with `run_ready()` whenever there is work, and sleep until `next_deadline()`.
class scheduler {
 public:
  scheduler(time_source& time, random_source& random) noexcept : time_(time), random_(random) {}
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  [[nodiscard]] time_point now() noexcept { return time_.now(); }
  [[nodiscard]] random_source& random() noexcept { return random_; }
  /// Says which loop wants to be told of work; null for none. Lifetime: outlives the scheduler.
  void set_host(host_loop* host) noexcept { host_ = host; }

  /// Has `item` run in its turn; nothing happens when it is scheduled already.
  void schedule(ready_item& item) noexcept {
    assert_thread();
    ready_.push_back(item);
    announce();
  }
  /// Has `t` run at `deadline` or later; an armed timer is moved. See `timer`.
  void arm(timer& t, time_point deadline) noexcept {
    assert_thread();
    timers_.arm(t, deadline);
    announce();
  }
  /// Runs `item` once, when this turn ends.
  void at_turn_end(turn_end_item& item) noexcept {
    if (!item.is_linked()) turn_end_.push_back(item);
    announce();
  }

  /// Hands work over from any thread; runs on the scheduler's thread in a later turn.
  void post(posted_item& item) noexcept {
    if (inbox_.push(item) && host_) host_->wake();
  }
  /// The same for a callable. Errors: throws what its allocation or its copy throws.
  template <std::invocable F>
  void post(F work) {
    struct holder final : posted_item {
      explicit holder(F f)
          : posted_item([](posted_item& self) noexcept { finish(self, true); },
                        [](posted_item& self) noexcept { finish(self, false); }),
            work_(std::move(f)) {}
      static void finish(posted_item& self, bool run) noexcept {
        auto* mine = static_cast<holder*>(&self);
        if (run) mine->work_();
        delete mine;
      }
      F work_;
    };
    post(static_cast<posted_item&>(*new holder(std::move(work))));
  }

  /// Runs what is ready, and what becomes ready meanwhile, in turns of at most `turn_length` steps.
  /// Returns false when steps were left over because `max_turns` was reached.
  bool run_ready(std::size_t max_turns = static_cast<std::size_t>(-1)) noexcept {
    assert_thread();
    for (; max_turns > 0; --max_turns) {
      const time_point looked = collect();
      run_turn();
      end_turn();
      // A timer that has become due during the turn wakes whoever sleeps until the next deadline.
      if (is_idle() && (!timers_.earliest() || next_deadline() > looked)) return true;
    }
    return false;
  }
  /// The same without timers, for a loop that has one of its own and calls `collect` when the next
  /// deadline has come. Cost: the clock is not read.
  bool run_turns(std::size_t max_turns) noexcept {
    assert_thread();
    for (; max_turns > 0; --max_turns) {
      take_posted();
      run_turn();
      end_turn();
      if (is_idle()) return true;
    }
    return false;
  }

  /// Queues what was posted and every timer that is due. Gives the time; without timers the clock
  /// is not read, and it is `never`.
  time_point collect() noexcept {
    take_posted();
    const bool outer = std::exchange(running_, true);
    const time_point at = timers_.earliest() ? now() : never;
    while (timer* t = timers_.earliest()) {
      if (t->deadline() > at) break;
      timers_.remove(*t);
      ready_.push_back(*t);
    }
    running_ = outer;
    return at;
  }
  /// Runs the item that has waited `position` items long. False when there is none. The scheduler
  /// itself takes the first; explorers take any.
  bool run_one(std::size_t position = 0) noexcept {
    auto at = ready_.begin();
    while (position > 0 && at != ready_.end()) ++at, --position;
    if (at == ready_.end()) return false;
    const bool outer = std::exchange(running_, true);
    ready_item& item = *at;
    item.unlink();
    item.run_(item);
    running_ = outer;
    return true;
  }
  /// Runs what was to run at the end of this turn.
  void end_turn() noexcept {
    const bool outer = std::exchange(running_, true);
    while (!turn_end_.empty()) {
      turn_end_item& item = turn_end_.pop_front();
      item.run_(item);
    }
    running_ = outer;
  }
  /// How many items wait for their turn. Cost: counts them.
  [[nodiscard]] std::size_t ready_count() noexcept {
    std::size_t count = 0;
    for (auto at = ready_.begin(); at != ready_.end(); ++at) ++count;
    return count;
  }
  [[nodiscard]] bool is_idle() const noexcept {
    return ready_.empty() && turn_end_.empty() && inbox_.empty();
  }
  /// When the earliest timer is due; `never` without one.
  [[nodiscard]] time_point next_deadline() const noexcept {
    return timers_.earliest() ? timers_.earliest()->deadline() : never;
  }

  /// Resumes a coroutine and then, without growing the stack, each coroutine it transfers to. A
  /// coroutine that runs may call it to start another one up to its first suspension.
  void resume(std::coroutine_handle<> coroutine) noexcept {
    LOCKGATE_ASSERT(!next_ && !at_suspension_, "scheduler: resume() inside a suspension");
    do {
      coroutine.resume();
      coroutine = std::exchange(next_, {});
    } while (coroutine);
    if (at_suspension_) {
      ready_item& last = *std::exchange(at_suspension_, nullptr);
      last.run_(last);
    }
  }
  /// Names the coroutine to run as soon as the present one has suspended. This is the only way
  /// coroutines follow one another: g++ 12 does not make symmetric transfer a tail call.
  void transfer(std::coroutine_handle<> coroutine) noexcept {
    LOCKGATE_ASSERT(!next_, "scheduler: two transfers from one suspension");
    next_ = coroutine;
  }
  /// Names what to do as soon as the present coroutine has suspended: how a finished one is
  /// destroyed without being inside it.
  void run_at_suspension(ready_item& item) noexcept {
    LOCKGATE_ASSERT(!at_suspension_, "scheduler: two ends of one coroutine");
    at_suspension_ = &item;
  }

  /// Steps in one turn, after which gathered work is handed over even if more is ready.
  static constexpr std::size_t turn_length = 256;

  /// Fails fast in checked builds when another thread uses what belongs to this one.
  void assert_thread() noexcept {
#if LOCKGATE_CHECKED
    if (thread_ == std::thread::id()) thread_ = std::this_thread::get_id();
    LOCKGATE_ASSERT(thread_ == std::this_thread::get_id(),
                    "everything of a platform lives on one thread; other threads use post()");
#endif
  }
  /// Lets another thread take the scheduler over, when nothing of it is running.
  void release_thread() noexcept { thread_ = {}; }

 private:
  void take_posted() noexcept {
    const bool outer = std::exchange(running_, true);
    if (!inbox_.empty()) inbox_.run_all();
    running_ = outer;
  }
  void run_turn() noexcept {
    const bool outer = std::exchange(running_, true);
    for (std::size_t steps = 0; steps < turn_length && !ready_.empty(); ++steps) {
      ready_item& item = ready_.pop_front();
      item.run_(item);
    }
    running_ = outer;
  }
  void announce() noexcept {
    if (!running_ && host_) host_->work_appeared();
  }

  time_source& time_;
  random_source& random_;
  host_loop* host_ = nullptr;
  std::coroutine_handle<> next_;
  ready_item* at_suspension_ = nullptr;
  bool running_ = false;
  std::thread::id thread_;
  intrusive_list<ready_item> ready_;
  intrusive_list<turn_end_item> turn_end_;
  timer_queue timers_;
  inbox inbox_;
};

}  // namespace lockgate::inline v0

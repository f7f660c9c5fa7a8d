// One run of a scenario: a scheduler whose clock stands still while there is work, platforms that
// are watched, and coroutines that have to come to an end.
#pragma once

#include "lockgate/coro/frame_memory.hpp"            // for frame_memory
#include "lockgate/coro/scheduler.hpp"               // for scheduler
#include "lockgate/coro/task_group.hpp"              // for task_group
#include "lockgate/platform/platform.hpp"            // for platform
#include "lockgate/testing/allocations.hpp"          // for allocations_pause
#include "lockgate/testing/choices.hpp"              // for choices
#include "lockgate/testing/standing_invariants.hpp"  // for standing_invariants, violation
#include "lockgate/testing/trace.hpp"                // for trace
#include "lockgate/testing/virtual_time.hpp"         // for virtual_time, seeded_random

#include <cstddef>    // for size_t
#include <cstdint>    // for uint64_t
#include <exception>  // for exception_ptr
#include <memory>     // for unique_ptr, shared_ptr
#include <optional>   // for optional
#include <utility>    // for forward, move
#include <vector>     // for vector

namespace lockgate::inline v0::testing {

/// What a trial allows.
struct trial_options {
  std::size_t steps = 100'000;  ///< of the scheduler; a run that needs more makes no progress (I8)
  bool any_order = true;        ///< what is ready runs in any order, not first in, first out
  std::size_t stop_at = 0;      ///< the step before which the coroutines are asked to stop; 0: none
  std::size_t destroy_at = 0;   ///< the step before which they are destroyed; 0: none
};

/// One run of a scenario, and the judgement about it.
///
/// Whatever a scenario leaves open it asks of `choose`; which of several ready things goes first is
/// asked by the trial itself. Time moves only when nothing is ready.
class trial {
 public:
  trial(choices& source, trace& record, const trial_options& options = trial_options())
      : options_(options), choices_(source), trace_(record) {
    const allocations_pause pause;
    trace_.clear();
    parts_ = std::make_unique<parts>(*this);
  }
  trial(const trial&) = delete;
  /// What has not come to its end is left alone, with its memory, so that it cannot hide the
  /// reason; it stays reachable, so that it does not count as leaked.
  ~trial() {
    finish();
    if (drained_) return;
    parts_->left_before = left_alone;
    left_alone = parts_.release();
  }

  [[nodiscard]] scheduler& home() noexcept { return parts_->home; }
  [[nodiscard]] time_point now() noexcept { return parts_->time.now(); }
  /// Decides between `n` answers.
  std::size_t choose(std::size_t n) {
    const allocations_pause pause;
    return choices_.choose(n);
  }

  /// A platform of this trial, watched from now on, alive until the trial ends.
  platform& make_platform(const platform_options& options = platform_options()) {
    const allocations_pause pause;
    auto made = std::make_unique<watched>(*this, parts_->platforms.size(), options);
    platform& cp = made->cp;
    parts_->platforms.push_back(std::move(made));
    return cp;
  }
  /// Something that lives as long as the trial and longer than its platforms: a network.
  template <class T, class... Arguments>
  T& make(Arguments&&... arguments) {
    const allocations_pause pause;
    auto made = std::make_shared<T>(std::forward<Arguments>(arguments)...);
    T& object = *made;
    parts_->objects.push_back(std::move(made));
    return object;
  }
  /// Runs a coroutine, which has to end before the trial does.
  void start(task<> actor) { spawn(*parts_->actors, std::move(actor)); }
  /// The stop state of the coroutines given to `start`.
  [[nodiscard]] stop_state& actors_stop() noexcept { return parts_->actors->stop(); }

  /// Runs until nothing is ready and no timer is armed.
  void run() { run_until(never); }
  /// Runs everything that happens within this time.
  void run_for(duration length) { run_until(saturating_add(now(), length)); }
  /// Runs until nothing is ready and the next timer is due after `end`; then it is `end`.
  void run_until(time_point end) {
    while (!first_) {
      step_all();
      const time_point next = parts_->home.next_deadline();
      if (next > end || next == never) break;
      parts_->time.advance_to(next);
    }
    if (end != never) parts_->time.advance_to(end);
  }
  /// Runs exactly one ready thing. False when nothing was ready.
  bool step() {
    parts_->home.collect();
    interfere();
    if (!parts_->home.run_one(next_in_line())) {
      parts_->home.end_turn();
      return !parts_->home.is_idle();
    }
    if (++steps_ > options_.steps)
      fail("I8", "no end within the bound on steps; does a loop go on after errc::canceled?");
    return !first_;
  }

  /// Stops every platform and every coroutine, waits for them, and judges. Later calls do nothing.
  void finish() {
    if (finished_) return;
    finished_ = true;
    if (!first_) {
      for (auto& p : parts_->platforms) {
        const allocations_pause pause;
        spawn(parts_->stoppers, stop_platform(&p->cp, &stopped_));
      }
      run();
      parts_->actors->request_stop();
      run();
      judge();
    }
  }

  /// Records the first rule broken; the run then ends.
  void fail(const char* rule, const char* what) noexcept {
    if (!first_) first_ = {rule, what};
  }
  /// Records that `rule` is broken unless `holds`.
  void require(bool holds, const char* rule, const char* what) noexcept {
    if (!holds) fail(rule, what);
  }
  [[nodiscard]] const violation& first() const noexcept { return first_; }
  /// True in a run of a sweep, in which things go wrong on purpose.
  [[nodiscard]] bool was_interfered_with() const noexcept { return interfered_; }
  [[nodiscard]] const trace& events() const noexcept { return trace_; }
  [[nodiscard]] std::size_t steps() const noexcept { return steps_; }

 private:
  struct watched {
    watched(trial& owner_, std::size_t number_, const platform_options& options)
        : owner(owner_), number(number_), cp(owner_.parts_->home, options) {
      cp.observe(*this);
    }
    void on(const event& e) noexcept {
      const allocations_pause pause;
      owner.trace_.add(e, number);
      invariants.on(e);
      if (const violation& v = invariants.first()) owner.fail(v.rule, v.what);
    }
    trial& owner;
    std::size_t number;
    standing_invariants invariants;
    platform cp;
  };
  /// What outlives a trial that did not come to its end.
  struct parts {
    explicit parts(trial& owner) : home(time, random), stoppers(home) { start_over(owner); }
    /// Destroys the coroutines of the scenario, wherever they are.
    void start_over(trial& owner) {
      actors.emplace(home);
      actors->on_exception(
          [](void* self, const std::exception_ptr&) noexcept {
            static_cast<trial*>(self)->fail("I7", "an exception left a coroutine of the scenario");
          },
          &owner);
    }
    virtual_time time;
    seeded_random random{1};
    scheduler home;
    std::vector<std::shared_ptr<void>> objects;
    std::vector<std::unique_ptr<watched>> platforms;
    std::optional<task_group> actors;
    task_group stoppers;
    parts* left_before = nullptr;
  };
  static inline constinit thread_local parts* left_alone = nullptr;

  /// A coroutine without a frame is one whose allocation was made to fail; it does not take part.
  void spawn(task_group& group, task<> work) {
    const allocations_pause pause;
    if (!work.valid()) return;
    if (!group.spawn(std::move(work)).ok()) fail("I6", "no memory to start a coroutine");
  }

  static task<> stop_platform(platform* cp, std::size_t* stopped) {
    status done = co_await cp->stop();
    if (done == errc::no_memory) done = co_await cp->stop();
    if (done.ok()) ++*stopped;
  }

  void step_all() {
    while (!first_ && step()) {
    }
  }
  std::size_t next_in_line() {
    if (!options_.any_order) return 0;
    const allocations_pause pause;
    const std::size_t ready = parts_->home.ready_count();
    return ready > 0 ? choices_.pick(ready) : 0;
  }
  /// What a sweep wants to happen before the coming step, once.
  void interfere() {
    if (options_.stop_at == steps_ + 1) {
      options_.stop_at = 0;
      parts_->actors->request_stop();
    }
    if (options_.destroy_at == steps_ + 1) {
      options_.destroy_at = 0;
      parts_->start_over(*this);
    }
  }
  void judge() {
    if (stopped_ < parts_->platforms.size()) fail("I8", "a platform could not be stopped");
    else drained_ = parts_->actors->size() == 0;
    if (!drained_) fail("I8", "a coroutine of the scenario did not end");
    for (auto& p : parts_->platforms) {
      p->invariants.at_end();
      if (const violation& v = p->invariants.first()) fail(v.rule, v.what);
    }
  }

  trial_options options_;
  choices& choices_;
  trace& trace_;
  std::unique_ptr<parts> parts_;
  std::size_t steps_ = 0;
  std::size_t stopped_ = 0;
  bool interfered_ =
      options_.stop_at > 0 || options_.destroy_at > 0 || this_thread_allocations.watching;
  bool finished_ = false;
  bool drained_ = false;
  violation first_;
};

}  // namespace lockgate::inline v0::testing

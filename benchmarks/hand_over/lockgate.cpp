// Hand-over, lockgate: many suspended coroutines are woken through the ready queue.
#include "../harness/allocations.hpp"    // for allocations
#include "../harness/results.hpp"        // for report_items
#include "../harness/sink_provider.hpp"  // for lockgate_world

#include <benchmark/benchmark.h>  // for BENCHMARK

#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <cstdint>    // for uint64_t
#include <deque>      // for deque
#include <stdexcept>  // for logic_error
#include <utility>    // for move

namespace {

using namespace lockgate;

/// Suspends into a `resumption` of a list: the hand-over and nothing else.
class bare_wait {
 public:
  bare_wait(resumption& at, scheduler& home) : at_(at), home_(home) {}
  auto bind(const task_context&) { return awaiter(at_, home_); }

 private:
  class awaiter {
   public:
    awaiter(resumption& at, scheduler& home) : at_(at), home_(home) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> me) const noexcept { at_.suspend(me, home_); }
    void await_resume() const noexcept {}

   private:
    resumption& at_;
    scheduler& home_;
  };
  resumption& at_;
  scheduler& home_;
};

task<> wait_for_ever(resumption* at, scheduler* home, std::size_t* woken) {
  for (;;) {
    co_await bare_wait(*at, *home);
    ++*woken;
  }
}

void bare(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  bench::lockgate_world world;
  std::size_t woken = 0;
  std::deque<resumption> waiting(count);
  task_group waiters(world.home());
  for (resumption& each : waiting)
    bench::expect_ok(waiters.spawn(wait_for_ever(&each, &world.home(), &woken)));
  world.home().run_ready();

  const std::uint64_t before = bench::allocations();
  for (auto _ : state) {
    for (resumption& each : waiting) each.resume();
    world.home().run_ready();
  }
  if (woken != count * static_cast<std::size_t>(state.iterations()))
    throw std::logic_error("hand_over/lockgate_bare: a waiter was not woken");
  bench::report_items(state, woken, bench::allocations() - before);
}

task<> wait_once(wait_list* at, std::size_t* woken) {
  const status outcome = co_await at->wait();
  if (outcome.ok()) ++*woken;
}

/// A coroutine that somebody started and owns.
class caller final : task_completion {
 public:
  caller() : task_completion([](task_completion&) noexcept {}) {}
  void start(task<> work, const task_context& context) {
    work_ = std::move(work);
    work_.start(context, *this);
  }
  void end() {
    if (!work_.done()) throw std::logic_error("hand_over/lockgate_stop_and_end: still waiting");
    work_.reset();
  }

 private:
  task<> work_;
};

/// Each caller can be stopped while it waits; it is woken, its coroutine ends and is destroyed.
void with_stop_and_end(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  bench::lockgate_world world;
  stop_state stop;
  const task_context context{&world.home(), &stop, nullptr};
  std::size_t woken = 0;
  wait_list waiting;
  std::deque<caller> callers(count);
  const auto wait = [&] {
    for (caller& each : callers) each.start(wait_once(&waiting, &woken), context);
  };
  const auto wake = [&] {
    waiting.complete_all();
    world.home().run_ready();
    for (caller& each : callers) each.end();
  };
  wait();
  wake();

  woken = 0;
  std::uint64_t allocated = 0;
  for (auto _ : state) {
    state.PauseTiming();
    wait();
    state.ResumeTiming();
    const std::uint64_t before = bench::allocations();
    wake();
    allocated += bench::allocations() - before;
  }
  if (woken != count * static_cast<std::size_t>(state.iterations()))
    throw std::logic_error("hand_over/lockgate_stop_and_end: a waiter was not woken");
  bench::report_items(state, woken, allocated);
}

BENCHMARK(bare)->Name("hand_over/lockgate_bare")->Arg(1000);
BENCHMARK(with_stop_and_end)->Name("hand_over/lockgate_stop_and_end")->Arg(1000);

}  // namespace

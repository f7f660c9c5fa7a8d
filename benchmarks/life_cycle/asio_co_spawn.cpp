// Life cycle, Asio: a coroutine is spawned, awaits a number of steps that are coroutines and
// complete at once, and ends. The next life begins inside the loop, where Asio recycles its memory.
#include "../harness/allocations.hpp"  // for allocations
#include "../harness/asio_socket.hpp"  // for rethrow
#include "../harness/results.hpp"      // for report_items

#include <asio/awaitable.hpp>      // for awaitable
#include <asio/co_spawn.hpp>       // for co_spawn
#include <asio/io_context.hpp>     // for io_context
#include <asio/steady_timer.hpp>   // for steady_timer
#include <asio/use_awaitable.hpp>  // for use_awaitable

#include <benchmark/benchmark.h>  // for BENCHMARK

#include <chrono>     // for nanoseconds
#include <cstdint>    // for int64_t, uint64_t
#include <exception>  // for exception_ptr
#include <stdexcept>  // for logic_error

namespace {

constexpr int lives_per_run = 100;

class asio_co_spawn {
 public:
  explicit asio_co_spawn(std::int64_t steps, int timers = 0) : steps_(steps), timers_(timers) {}

  /// Lives `lives_per_run` lives, one after the other.
  void run() {
    live(lives_per_run);
    io_.restart();
    io_.run();
  }

  [[nodiscard]] std::int64_t steps_done() const { return done_; }

 private:
  void live(int left) {
    asio::co_spawn(io_, life(), [this, left](const std::exception_ptr& failure) {
      bench::rethrow(failure);
      if (left > 1) live(left - 1);
    });
  }

  asio::awaitable<void> life() {
    for (std::int64_t i = 0; i < steps_; ++i) co_await step();
    for (int i = 0; i < timers_; ++i) {
      timer_.expires_after(std::chrono::nanoseconds(1));
      co_await timer_.async_wait(asio::use_awaitable);
    }
  }

  asio::awaitable<void> step() {
    ++done_;
    co_return;
  }

  asio::io_context io_{1};
  asio::steady_timer timer_{io_};
  std::int64_t steps_;
  int timers_;
  std::int64_t done_ = 0;
};

void measure(benchmark::State& state, asio_co_spawn& subject, std::int64_t steps) {
  const std::uint64_t before = bench::allocations();
  for (auto _ : state) subject.run();
  const std::int64_t lives = state.iterations() * lives_per_run;
  if (subject.steps_done() != lives * steps)
    throw std::logic_error("life_cycle/asio_co_spawn: a step is missing");
  bench::report_items(state, static_cast<std::uint64_t>(lives), bench::allocations() - before);
}

void steps_only(benchmark::State& state) {
  asio_co_spawn subject(state.range(0));
  measure(state, subject, state.range(0));
}

/// As many steps as a full life has rows and sends, and its two timers.
void measure_full(benchmark::State& state) {
  constexpr std::int64_t rows_and_send = 9;
  asio_co_spawn subject(rows_and_send, 2);
  measure(state, subject, rows_and_send);
}

BENCHMARK(steps_only)->Name("life_cycle/asio_co_spawn")->ArgName("steps")->Arg(4)->Arg(8);
BENCHMARK(measure_full)->Name("life_cycle/asio_co_spawn_full");

}  // namespace

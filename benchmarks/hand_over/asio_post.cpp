// Hand-over, Asio: many suspended coroutines are woken, each by an asio::post of its own.
#include "../harness/allocations.hpp"  // for allocations
#include "../harness/results.hpp"      // for report_items

#include <asio/io_context.hpp>  // for io_context
#include <asio/post.hpp>        // for post

#include <benchmark/benchmark.h>  // for BENCHMARK

#include <coroutine>  // for coroutine_handle, suspend_always
#include <cstddef>    // for size_t
#include <exception>  // for terminate
#include <stdexcept>  // for logic_error
#include <utility>    // for exchange
#include <vector>     // for vector

namespace {

/// A coroutine that waits, is woken, and waits again.
class waiter {
 public:
  struct promise_type {
    waiter get_return_object() {
      return waiter(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  explicit waiter(std::coroutine_handle<> frame) : frame_(frame) {}
  waiter(waiter&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  waiter& operator=(waiter&&) = delete;
  ~waiter() {
    if (frame_) frame_.destroy();
  }

  [[nodiscard]] std::coroutine_handle<> handle() const { return frame_; }

 private:
  std::coroutine_handle<> frame_;
};

waiter wait_for_ever(std::size_t& woken) {
  for (;;) {
    co_await std::suspend_always{};
    ++woken;
  }
}

void asio_post(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::size_t woken = 0;
  std::vector<waiter> waiting;
  for (std::size_t i = 0; i < count; ++i) waiting.push_back(wait_for_ever(woken));

  asio::io_context io{1};
  const std::uint64_t before = bench::allocations();
  for (auto _ : state) {
    for (const waiter& each : waiting) asio::post(io, [frame = each.handle()] { frame.resume(); });
    io.restart();
    io.run();
  }
  if (woken != count * static_cast<std::size_t>(state.iterations()))
    throw std::logic_error("hand_over/asio_post: a waiter was not woken");
  bench::report_items(state, woken, bench::allocations() - before);
}

BENCHMARK(asio_post)->Name("hand_over/asio_post")->Arg(1000);

}  // namespace

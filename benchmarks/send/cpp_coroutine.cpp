// The least that a coroutine per message costs: a child that is awaited, and transfers back.
#include "../harness/allocations.hpp"  // for allocations
#include "../harness/results.hpp"      // for report_items

#include <benchmark/benchmark.h>  // for BENCHMARK, DoNotOptimize

#include <array>      // for array
#include <coroutine>  // for coroutine_handle, suspend_always
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint64_t
#include <exception>  // for terminate
#include <span>       // for span

namespace {

constexpr int messages_per_run = 1000;

/// A lazy coroutine that gives a size, with nothing around it.
class plain_task {
 public:
  struct promise_type {
    plain_task get_return_object() noexcept {
      return plain_task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct back_to_caller {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<promise_type> finished) const noexcept {
        return finished.promise().caller;
      }
      void await_resume() const noexcept {}
    };
    back_to_caller final_suspend() noexcept { return {}; }
    void return_value(std::size_t given) noexcept { size = given; }
    void unhandled_exception() noexcept { std::terminate(); }

    std::coroutine_handle<> caller = std::noop_coroutine();
    std::size_t size = 0;
  };

  explicit plain_task(std::coroutine_handle<promise_type> coroutine) noexcept
      : coroutine_(coroutine) {}
  plain_task(const plain_task&) = delete;
  plain_task& operator=(const plain_task&) = delete;
  ~plain_task() { coroutine_.destroy(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
    coroutine_.promise().caller = caller;
    return coroutine_;
  }
  std::size_t await_resume() const noexcept { return coroutine_.promise().size; }
  /// Runs it to its end.
  std::size_t run() const noexcept {
    coroutine_.resume();
    return coroutine_.promise().size;
  }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

[[gnu::noinline]] plain_task send(std::span<const std::byte> message) {
  co_return message.size();
}

plain_task send_all(int count) {
  const std::array<std::byte, 64> bytes{};
  std::size_t sent = 0;
  for (int i = 0; i < count; ++i) {
    const plain_task one = send(bytes);
    sent += co_await one;
  }
  co_return sent;
}

void cpp_coroutine(benchmark::State& state) {
  const std::uint64_t before = bench::allocations();
  for (auto _ : state) {
    const plain_task all = send_all(messages_per_run);
    benchmark::DoNotOptimize(all.run());
  }
  bench::report_items(state, static_cast<std::uint64_t>(state.iterations()) * messages_per_run,
                      bench::allocations() - before);
}

BENCHMARK(cpp_coroutine)->Name("send/cpp_coroutine");

}  // namespace

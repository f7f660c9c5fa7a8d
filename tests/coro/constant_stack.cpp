// However often or deep tasks await one another, the stack does not grow.
#include "lockgate/coro/deadline.hpp"
#include "lockgate/coro/foreign.hpp"
#include "lockgate/coro/sleep.hpp"
#include "lockgate/coro/wait_list.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <algorithm>  // for min, max
#include <chrono>     // for hours
#include <coroutine>  // for suspend_never
#include <cstdint>    // for uintptr_t

using lockgate::task;

namespace {

constexpr int often = 1'000'000;
constexpr int deep = 100'000;
constexpr std::uintptr_t at_most = 4096;  // bytes of stack between any two leaves

/// The part of the stack in which the leaves of a test ran.
class stack_range {
 public:
#if defined(__GNUC__)
  __attribute__((noinline))
#endif
  void
  note() noexcept {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    low_ = std::min(low_, here);
    high_ = std::max(high_, here);
  }
  [[nodiscard]] std::uintptr_t size() const noexcept { return high_ - low_; }

 private:
  std::uintptr_t low_ = UINTPTR_MAX, high_ = 0;
};

task<int> leaf(stack_range& stack) {
  stack.note();
  co_return 1;
}

task<int> await_often(stack_range& stack) {
  int sum = 0;
  for (int i = 0; i < often; ++i) sum += co_await leaf(stack);
  co_return sum;
}

TEST_CASE("F33: a million tasks that complete at once") {
  support::world w;
  stack_range stack;
  stack.note();
  support::running<int> root(w.home, await_often(stack));
  REQUIRE(root.done());
  CHECK(root.take() == often);
  CHECK(stack.size() < at_most);
}

task<int> await_bounded(stack_range& stack) {
  int sum = 0;
  for (int i = 0; i < often; ++i) {
    const auto answer = co_await lockgate::with_timeout(leaf(stack), std::chrono::hours(1));
    sum += answer.value();
  }
  co_return sum;
}

TEST_CASE("F33: a million deadlines around tasks that complete at once") {
  support::world w;
  stack_range stack;
  stack.note();
  support::running<int> root(w.home, await_bounded(stack));
  REQUIRE(root.done());
  CHECK(root.take() == often);
  CHECK(stack.size() < at_most);
}

task<int> await_foreign(stack_range& stack) {
  int sum = 0;
  for (int i = 0; i < often; ++i) {
    co_await lockgate::uninterruptible(std::suspend_never());
    stack.note();
    ++sum;
  }
  co_return sum;
}

TEST_CASE("F33: a million foreign awaitables that are ready") {
  support::world w;
  stack_range stack;
  stack.note();
  support::running<int> root(w.home, await_foreign(stack));
  REQUIRE(root.done());
  CHECK(root.take() == often);
  CHECK(stack.size() < at_most);
}

task<int> take_turns(stack_range& stack) {
  int sum = 0;
  for (int i = 0; i < often; ++i) {
    co_await lockgate::yield();
    sum += co_await leaf(stack);
  }
  co_return sum;
}

TEST_CASE("F33: a million turns") {
  support::world w;
  stack_range stack;
  stack.note();
  support::running<int> root(w.home, take_turns(stack));
  CHECK(w.home.run_ready());
  REQUIRE(root.done());
  CHECK(root.take() == often);
  CHECK(stack.size() < at_most);
}

struct cellar {
  stack_range stack;
  lockgate::wait_list gate;
  int bodies_ended = 0;
};

/// Counts coroutine bodies that have ended, in order or by destruction.
class body {
 public:
  explicit body(cellar& c) noexcept : cellar_(c) {}
  body(const body&) = delete;
  ~body() { ++cellar_.bodies_ended; }

 private:
  cellar& cellar_;
};

task<int> descend(cellar& c, int levels) {
  const body alive(c);
  if (levels == 0) {
    c.stack.note();
    const auto opened = co_await c.gate.wait();
    c.stack.note();
    co_return opened.ok() ? 0 : -1;
  }
  const int below = co_await descend(c, levels - 1);
  c.stack.note();
  co_return below + 1;
}

TEST_CASE("F33: a chain of 100,000 tasks begins and ends") {
  support::world w;
  cellar c;
  c.stack.note();
  support::running<int> root(w.home, descend(c, deep));
  REQUIRE_FALSE(root.done());
  c.gate.complete_one();
  w.home.run_ready();
  REQUIRE(root.done());
  CHECK(root.take() == deep);
  CHECK(c.bodies_ended == deep + 1);
  CHECK(c.stack.size() < at_most);
}

TEST_CASE("F34: a chain of 100,000 suspended tasks is destroyed from outside") {
  support::world w;
  cellar c;
  support::running<int> root(w.home, descend(c, deep));
  root.destroy();
  CHECK(c.bodies_ended == deep + 1);
  CHECK(c.gate.empty());
  w.home.run_ready();
  CHECK_FALSE(root.done());
}

TEST_CASE("F34: a chain is destroyed between its completion and its resumption") {
  support::world w;
  cellar c;
  support::running<int> root(w.home, descend(c, 10));
  c.gate.complete_one();
  root.destroy();
  CHECK(c.bodies_ended == 11);
  w.home.run_ready();
  CHECK_FALSE(root.done());
}

}  // namespace

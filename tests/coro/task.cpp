// coro/task.hpp: results, exceptions, ownership.
#include "lockgate/coro/task.hpp"
#include "lockgate/coro/sleep.hpp"
#include "lockgate/coro/wait_list.hpp"
#include "support/allocation.hpp"
#include "support/counted.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <memory>     // for unique_ptr
#include <stdexcept>  // for runtime_error
#include <string>     // for string

using lockgate::errc;
using lockgate::status;
using lockgate::task;
using support::counted;
using support::counted_totals;
using support::running;
using support::world;

namespace {

task<std::string> greet(std::string name) {
  co_return "hello " + name;
}
task<std::unique_ptr<int>> only_movable() {
  co_return std::make_unique<int>(7);
}
task<> note(int& value, int what) {
  value = value * 10 + what;
  co_return;
}
task<std::string> in_order(int& order) {
  co_await note(order, 1);
  auto three = note(order, 3);
  co_await note(order, 2);
  co_await std::move(three);
  const auto pointer = co_await only_movable();
  co_return co_await greet("no. " + std::to_string(*pointer));
}

TEST_CASE("task: runs when awaited, not before, and gives its result") {
  world w;
  int order = 0;
  auto work = in_order(order);
  CHECK(order == 0);
  running<std::string> root(w.home, std::move(work));
  REQUIRE(root.done());
  CHECK(order == 123);
  CHECK(root.take() == "hello no. 7");
}

task<int> fails(bool later) {
  if (later) co_await lockgate::yield();
  throw std::runtime_error("broke");
  co_return 0;
}
task<int> passes_on(bool later) {
  co_return co_await fails(later);
}
task<int> catches(bool later) {
  try {
    co_return co_await passes_on(later);
  } catch (const std::runtime_error&) {
    co_return -1;
  }
}

TEST_CASE("F29: an exception goes to whoever awaits") {
  for (const bool later : {false, true}) {
    world w;
    running<int> caught(w.home, catches(later));
    running<int> uncaught(w.home, passes_on(later));
    w.home.run_ready();
    REQUIRE(caught.done());
    CHECK(caught.take() == -1);
    REQUIRE(uncaught.done());
    CHECK(uncaught.failed());
    CHECK_THROWS_AS(uncaught.take(), std::runtime_error);
  }
}

struct breaks_when_moved {
  breaks_when_moved() = default;
  breaks_when_moved(breaks_when_moved&&) { throw std::runtime_error("broke in the move"); }
};
task<breaks_when_moved> gives_fragile() {
  breaks_when_moved result;
  co_return result;
}
task<int> awaits_fragile() {
  try {
    co_await gives_fragile();
  } catch (const std::runtime_error&) {
    co_return 1;
  }
  co_return 0;
}

TEST_CASE("F29: an exception from the move of a result") {
  world w;
  running<int> root(w.home, awaits_fragile());
  REQUIRE(root.done());
  CHECK(root.take() == 1);
}

task<> holds(counted value, lockgate::wait_list& gate) {
  const counted local = value;
  static_cast<void>(co_await gate.wait());
}
task<> holds_two_levels(counted value, lockgate::wait_list& gate) {
  co_await holds(value, gate);
}

TEST_CASE("F27: parameters and locals are destroyed once, wherever the task is suspended") {
  world w;
  counted_totals totals;
  lockgate::wait_list gate;
  SUBCASE("never started") {
    auto unused = holds_two_levels(counted(totals), gate);
  }
  SUBCASE("destroyed while suspended") {
    running<> root(w.home, holds_two_levels(counted(totals), gate));
    CHECK(totals.alive() >= 3);  // two parameters, one local, perhaps an argument
    root.destroy();
  }
  SUBCASE("destroyed when it would have gone on") {
    running<> root(w.home, holds_two_levels(counted(totals), gate));
    gate.complete_all();
    root.destroy();
  }
  SUBCASE("ended") {
    running<> root(w.home, holds_two_levels(counted(totals), gate));
    gate.complete_all();
    w.home.run_ready();
    CHECK(root.done());
  }
  CHECK(totals.made >= 1);
  CHECK(totals.alive() == 0);
  CHECK(gate.empty());
}

TEST_CASE("F32: a task that was moved from, or reset, is not valid") {
  auto work = greet("you");
  CHECK(work.valid());
  auto other = std::move(work);
  CHECK_FALSE(work.valid());  // NOLINT(bugprone-use-after-move)
  CHECK(other.valid());
  other.reset();
  CHECK_FALSE(other.valid());
  CHECK_FALSE(task<>().valid());
}

task<status> awaits_without_memory() {
  task<status> child;  // stands for a frame that could not be allocated
  co_return co_await std::move(child);
}
task<int> awaits_number_without_memory() {
  task<int> child;
  co_return co_await std::move(child);
}

TEST_CASE("F37: a frame without memory is an error that the awaiter sees") {
  world w;
  running<status> value(w.home, awaits_without_memory());
  CHECK(value.take() == errc::no_memory);
  running<int> exception(w.home, awaits_number_without_memory());
  CHECK_THROWS_AS(exception.take(), std::bad_alloc);
}

task<const void*> owner_of_child() {
  const lockgate::task_context& context = co_await lockgate::this_context();
  co_return context.owner;
}
task<bool> inherits() {
  const lockgate::task_context& mine = co_await lockgate::this_context();
  const void* theirs = co_await owner_of_child();
  co_return theirs == mine.owner;
}

TEST_CASE("task: children inherit the context") {
  world w;
  running<bool> root(w.home, inherits());
  CHECK(root.context().owner == &root);
  CHECK(root.take());
}

}  // namespace

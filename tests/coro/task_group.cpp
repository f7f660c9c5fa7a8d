// coro/task_group.hpp: nothing is detached.
#include "lockgate/coro/task_group.hpp"
#include "lockgate/coro/sleep.hpp"
#include "support/child_process.hpp"
#include "support/counted.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <chrono>     // for hours
#include <memory>     // for unique_ptr
#include <stdexcept>  // for runtime_error

using lockgate::errc;
using lockgate::status;
using lockgate::task;
using lockgate::task_group;
using namespace std::chrono_literals;

namespace {

task<> sleeps(lockgate::duration length, int& ended) {
  static_cast<void>(co_await lockgate::sleep_for(length));
  ++ended;
}
task<status> joins(task_group& group) {
  co_return co_await group.join();
}

TEST_CASE("task_group: spawned tasks start in a step of their own, and are awaited together") {
  support::world w;
  task_group group(w.home);
  int ended = 0;
  CHECK(group.spawn(sleeps(0ms, ended)) == status());
  CHECK(group.spawn(sleeps(1h, ended)) == status());
  CHECK(group.size() == 2);
  CHECK(w.home.next_deadline() == lockgate::never);  // neither has begun
  support::running<status> join(w.home, joins(group));
  w.advance(1ms);
  CHECK(ended == 1);
  CHECK(group.size() == 1);
  CHECK_FALSE(join.done());
  group.request_stop();
  w.home.run_ready();
  CHECK(ended == 2);
  REQUIRE(join.done());
  CHECK(join.take() == status());
}

TEST_CASE("task_group: joining an empty group completes at once") {
  support::world w;
  task_group group(w.home);
  support::running<status> join(w.home, joins(group));
  REQUIRE(join.done());
  CHECK(join.take() == status());
}

TEST_CASE("F37: a task without a frame is refused") {
  support::world w;
  task_group group(w.home);
  CHECK(group.spawn(task<>()) == errc::no_memory);
  CHECK(group.size() == 0);
}

task<> holds(support::counted value) {
  const support::counted local = value;
  static_cast<void>(co_await lockgate::sleep_for(1h));
}

TEST_CASE("F27: a group that is destroyed destroys its tasks") {
  support::world w;
  support::counted_totals totals;
  {
    task_group group(w.home);
    static_cast<void>(group.spawn(holds(support::counted(totals))));
    SUBCASE("not begun") {}
    SUBCASE("suspended") {
      w.home.run_ready();
    }
    SUBCASE("ended, and not taken away yet") {
      w.home.run_ready();
      group.request_stop();
      CHECK(w.home.run_one());
    }
  }
  CHECK(totals.made >= 1);
  CHECK(totals.alive() == 0);
  CHECK(w.home.run_ready());
}

task<> throws() {
  co_await lockgate::yield();
  throw std::runtime_error("broke");
}

TEST_CASE("F29: an exception that leaves a spawned task is reported") {
  support::world w;
  task_group group(w.home);
  int reports = 0;
  group.on_exception(
      [](void* count, const std::exception_ptr& exception) noexcept {
        CHECK_THROWS_AS(std::rethrow_exception(exception), std::runtime_error);
        ++*static_cast<int*>(count);
      },
      &reports);
  static_cast<void>(group.spawn(throws()));
  w.home.run_ready();
  CHECK(reports == 1);
  CHECK(group.size() == 0);
}

TEST_CASE("F29: without anybody to report it to, the program stops") {
  const auto end = support::in_child_process([] {
    support::world w;
    task_group group(w.home);
    static_cast<void>(group.spawn(throws()));
    w.home.run_ready();
  });
  CHECK_FALSE(end.orderly);
}

task<> spawns_more(task_group& group, int& ended) {
  CHECK(group.spawn(sleeps(1h, ended)) == status());
  co_return;
}

TEST_CASE("task_group: a task may spawn another one, which join awaits too") {
  support::world w;
  task_group group(w.home);
  int ended = 0;
  static_cast<void>(group.spawn(spawns_more(group, ended)));
  support::running<status> join(w.home, joins(group));
  w.home.run_ready();
  CHECK_FALSE(join.done());
  w.advance(1h);
  CHECK(join.done());
  CHECK(ended == 1);
}

}  // namespace

// coro/scheduler.hpp: order, turns, and what the loop around it is told.
#include "lockgate/coro/scheduler.hpp"
#include "support/child_process.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <chrono>      // for seconds
#include <functional>  // for function
#include <memory>      // for unique_ptr
#include <vector>      // for vector

using namespace std::chrono_literals;

namespace {

struct step : lockgate::ready_item {
  explicit step(std::function<void()> what) noexcept
      : ready_item([](ready_item& self) noexcept { static_cast<step&>(self).work(); }),
        work(std::move(what)) {}
  std::function<void()> work;
};
struct last_step : lockgate::turn_end_item {
  explicit last_step(std::function<void()> what) noexcept
      : turn_end_item([](turn_end_item& self) noexcept { static_cast<last_step&>(self).work(); }),
        work(std::move(what)) {}
  std::function<void()> work;
};

struct counting_loop final : lockgate::host_loop {
  void work_appeared() noexcept override { ++appeared; }
  void wake() noexcept override { ++woken; }
  int appeared = 0, woken = 0;
};

TEST_CASE("scheduler: first come, first served, and what comes meanwhile afterwards") {
  support::world w;
  std::vector<int> order;
  step c([&] { order.push_back(3); });
  step a([&] {
    order.push_back(1);
    w.home.schedule(c);
  });
  step b([&] { order.push_back(2); });
  w.home.schedule(a);
  w.home.schedule(b);
  CHECK(w.home.ready_count() == 2);
  CHECK(w.home.run_ready());
  CHECK(order == std::vector{1, 2, 3});
  CHECK(w.home.is_idle());
}

TEST_CASE("scheduler: explorers may run any ready item") {
  support::world w;
  std::vector<int> order;
  step a([&] { order.push_back(1); }), b([&] { order.push_back(2); });
  w.home.schedule(a);
  w.home.schedule(b);
  CHECK_FALSE(w.home.run_one(2));
  CHECK(w.home.run_one(1));
  CHECK(w.home.run_one());
  CHECK_FALSE(w.home.run_one());
  CHECK(order == std::vector{2, 1});
}

TEST_CASE("scheduler: a destroyed item does not run") {
  support::world w;
  int runs = 0;
  auto gone = std::make_unique<step>([&] { ++runs; });
  step stays([&] { ++runs; });
  w.home.schedule(*gone);
  w.home.schedule(stays);
  gone.reset();
  w.home.run_ready();
  CHECK(runs == 1);
}

TEST_CASE("scheduler: turns are bounded, and end even while more is ready") {
  support::world w;
  int steps = 0, ends = 0;
  last_step end([&] { ++ends; });
  step forever([&] {
    ++steps;
    w.home.at_turn_end(end);
    w.home.schedule(forever);
  });
  w.home.schedule(forever);
  CHECK_FALSE(w.home.run_ready(3));
  CHECK(steps == 3 * static_cast<int>(lockgate::scheduler::turn_length));
  CHECK(ends == 3);
}

TEST_CASE("scheduler: turns without timers leave what is due to the next collection") {
  support::world w;
  int posted = 0, expired = 0, steps = 0;
  step work([&] { ++steps; });
  struct alarm final : lockgate::timer {
    explicit alarm(int& count)
        : timer([](lockgate::ready_item& self) noexcept { ++static_cast<alarm&>(self).fired; }),
          fired(count) {}
    int& fired;
  } due(expired);
  w.home.arm(due, w.time.at);
  w.home.schedule(work);
  w.home.post([&] { ++posted; });
  CHECK(w.home.run_turns(3));
  CHECK(steps == 1);
  CHECK(posted == 1);
  CHECK(expired == 0);
  w.home.collect();
  CHECK(w.home.run_turns(3));
  CHECK(expired == 1);
}

TEST_CASE("scheduler: the end of a turn comes once, after its steps, and may make more work") {
  support::world w;
  std::vector<int> order;
  step again([&] { order.push_back(3); });
  last_step end([&] {
    order.push_back(2);
    if (order.size() < 3) w.home.schedule(again);
  });
  step first([&] {
    w.home.at_turn_end(end);
    w.home.at_turn_end(end);
    order.push_back(1);
  });
  w.home.schedule(first);
  CHECK(w.home.run_ready());
  CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("scheduler: the loop is told of work from outside, not of work from within") {
  support::world w;
  counting_loop loop;
  w.home.set_host(&loop);
  step inner([] {});
  step outer([&] { w.home.schedule(inner); });
  w.home.schedule(outer);
  CHECK(loop.appeared == 1);
  w.home.run_ready();
  CHECK(loop.appeared == 1);
  lockgate::timer t([](lockgate::ready_item&) noexcept {});
  w.home.arm(t, lockgate::time_point(1s));
  CHECK(loop.appeared == 2);
}

TEST_CASE("scheduler: posting wakes the loop once for as many items as it has not fetched") {
  support::world w;
  counting_loop loop;
  w.home.set_host(&loop);
  std::vector<int> order;
  w.home.post([&] { order.push_back(1); });
  w.home.post([&] { order.push_back(2); });
  CHECK(loop.woken == 1);
  CHECK_FALSE(w.home.is_idle());
  CHECK(order.empty());
  w.home.run_ready();
  CHECK(order == std::vector{1, 2});
  w.home.post([&] {
    w.home.post([&] { order.push_back(4); });
    order.push_back(3);
  });
  CHECK(loop.woken == 2);
  w.home.run_ready();
  CHECK(order == std::vector{1, 2, 3, 4});
}

TEST_CASE("scheduler: posted work that comes to nothing is discarded, not leaked") {
  auto alive = std::make_shared<int>(0);
  bool ran = false;
  {
    support::world w;
    w.home.post([alive, &ran] { ran = true; });
    CHECK(alive.use_count() == 2);
  }
  CHECK(alive.use_count() == 1);
  CHECK_FALSE(ran);
}

TEST_CASE("scheduler: everything ready is abandoned with it") {
  step a([] {});
  last_step b([] {});
  {
    support::world w;
    w.home.schedule(a);
    w.home.at_turn_end(b);
  }
  CHECK_FALSE(a.is_scheduled());
  CHECK_FALSE(b.is_linked());
}

#if LOCKGATE_CHECKED
TEST_CASE("F26: scheduling an item twice stops the program") {
  const auto end = support::in_child_process([] {
    support::world w;
    step a([] {});
    w.home.schedule(a);
    w.home.schedule(a);
  });
  CHECK(end.died_saying("in a list already"));
}
#endif

}  // namespace

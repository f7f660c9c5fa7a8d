// coro/timer.hpp, coro/sleep.hpp: order, the past, the end of time.
#include "lockgate/coro/timer.hpp"
#include "lockgate/coro/sleep.hpp"
#include "support/allocation.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <chrono>   // for hours
#include <map>      // for multimap
#include <memory>   // for unique_ptr
#include <utility>  // for pair
#include <vector>   // for vector

using lockgate::duration;
using lockgate::never;
using lockgate::status;
using lockgate::task;
using lockgate::time_point;
using namespace std::chrono_literals;

namespace {

/// Notes its number when it fires.
struct numbered : lockgate::timer {
  numbered(int number, std::vector<int>& into) noexcept
      : timer([](lockgate::ready_item& self) noexcept {
          auto& me = static_cast<numbered&>(self);
          me.fired.push_back(me.n);
        }),
        n(number), fired(into) {}
  int n;
  std::vector<int>& fired;
};

time_point at(duration t) {
  return time_point(t);
}

TEST_CASE("F56: timers fire by deadline, those due together in the order of arming") {
  support::world w;
  std::vector<int> fired;
  numbered a(1, fired), b(2, fired), c(3, fired), d(4, fired);
  w.home.arm(d, at(20ms));
  w.home.arm(a, at(10ms));
  w.home.arm(b, at(10ms));
  w.home.arm(c, at(10ms));
  CHECK(w.home.next_deadline() == at(10ms));
  w.home.arm(a, at(10ms));  // arming again makes it the last
  w.advance(9ms);
  CHECK(fired.empty());
  w.advance(1ms);
  CHECK(fired == std::vector{2, 3, 1});
  w.advance(10ms);
  CHECK(fired == std::vector{2, 3, 1, 4});
  CHECK_FALSE(d.is_armed());
  CHECK(w.home.next_deadline() == never);
}

TEST_CASE("F55: what fell due during a long sleep fires once, in order") {
  support::world w;
  std::vector<int> fired;
  numbered late(1, fired), later(2, fired);
  w.home.arm(later, at(2s));
  w.home.arm(late, at(1s));
  w.time.at += 8h;
  w.home.run_ready();
  CHECK(fired == std::vector{1, 2});
}

TEST_CASE("F56: a deadline in the past is due at once") {
  support::world w;
  w.time.at = at(1h);
  std::vector<int> fired;
  numbered t(1, fired);
  w.home.arm(t, time_point::min());
  w.home.run_ready();
  CHECK(fired == std::vector{1});
}

TEST_CASE("F56: a timer armed for never does not fire, and does not keep the loop busy") {
  support::world w;
  std::vector<int> fired;
  numbered t(1, fired);
  w.home.arm(t, never);
  CHECK(w.home.run_ready(10));
  w.advance(24h * 365 * 200);
  CHECK(fired.empty());
  CHECK(t.is_armed());
}

TEST_CASE("F51: a timer that is destroyed or disarmed never fires") {
  support::world w;
  std::vector<int> fired;
  numbered disarmed(1, fired);
  auto destroyed = std::make_unique<numbered>(2, fired);
  auto destroyed_when_due = std::make_unique<numbered>(3, fired);
  numbered disarmed_when_due(4, fired);
  w.home.arm(disarmed, at(1ms));
  w.home.arm(*destroyed, at(1ms));
  w.home.arm(*destroyed_when_due, at(1ms));
  w.home.arm(disarmed_when_due, at(1ms));
  disarmed.disarm();
  disarmed.disarm();
  destroyed.reset();
  w.time.at = at(1ms);
  w.home.collect();  // both that are left wait in the ready queue now
  CHECK(w.home.ready_count() == 2);
  destroyed_when_due.reset();
  disarmed_when_due.disarm();
  w.home.run_ready();
  CHECK(fired.empty());
}

TEST_CASE("timer: may outlive its scheduler") {
  std::vector<int> fired;
  numbered t(1, fired), due(2, fired);
  {
    support::world w;
    w.home.arm(t, at(1h));
    w.home.arm(due, at(0ms));
    w.home.collect();
  }
  CHECK_FALSE(t.is_armed());
  CHECK_FALSE(due.is_scheduled());
}

TEST_CASE("F38: arming and firing allocate nothing") {
  support::world w;
  std::vector<int> fired;
  fired.reserve(1'000);
  std::vector<std::unique_ptr<numbered>> timers;
  for (int i = 0; i < 1'000; ++i) timers.push_back(std::make_unique<numbered>(i, fired));
  const auto before = support::allocations_made();
  for (auto& t : timers) w.home.arm(*t, at(duration(t->n * 7919 % 1'000)));
  w.advance(1us);
  const auto made = support::allocations_made() - before;
  CHECK(made == 0);
  CHECK(fired.size() == 1'000);
}

TEST_CASE("timer: random arming and disarming agrees with a sorted map") {
  support::seeded_random random(3);
  lockgate::timer_queue queue;
  std::vector<int> unused;
  std::vector<std::unique_ptr<numbered>> timers;
  std::multimap<time_point, numbered*> model;
  for (int i = 0; i < 64; ++i) timers.push_back(std::make_unique<numbered>(i, unused));
  const auto forget = [&](numbered& t) {
    for (auto it = model.begin(); it != model.end(); ++it)
      if (it->second == &t) return void(model.erase(it));
  };
  for (int step = 0; step < 20'000; ++step) {
    numbered& t = *timers[random.below(timers.size())];
    switch (random.below(4)) {
      case 0:
      case 1: {
        const time_point when = at(duration(random.below(40)));
        forget(t);
        queue.arm(t, when);
        model.emplace(when, &t);  // a multimap keeps equal keys in the order of insertion
        break;
      }
      case 2:
        t.disarm();
        forget(t);
        break;
      default:
        if (queue.earliest()) {
          auto& first = static_cast<numbered&>(*queue.earliest());
          queue.remove(first);
          forget(first);
        }
    }
    REQUIRE(queue.earliest() == (model.empty() ? nullptr : model.begin()->second));
    REQUIRE(t.is_armed() == [&] {
      for (const auto& entry : model)
        if (entry.second == &t) return true;
      return false;
    }());
  }
}

task<status> sleeps_for(duration length) {
  co_return co_await lockgate::sleep_for(length);
}
task<status> sleeps_until(time_point end) {
  co_return co_await lockgate::sleep_until(end);
}

TEST_CASE("sleep: ends at its time, not earlier") {
  support::world w;
  support::running<status> relative(w.home, sleeps_for(10ms));
  support::running<status> absolute(w.home, sleeps_until(at(20ms)));
  w.advance(10ms - duration(1));
  CHECK_FALSE(relative.done());
  w.advance(duration(1));
  REQUIRE(relative.done());
  CHECK(relative.take() == status());
  CHECK_FALSE(absolute.done());
  w.advance(10ms);
  REQUIRE(absolute.done());
  CHECK(absolute.take() == status());
}

TEST_CASE("F56: sleeping for zero, for less, and for ever") {
  support::world w;
  w.time.at = at(1h);
  support::running<status> zero(w.home, sleeps_for(0ms));
  support::running<status> less(w.home, sleeps_for(-5ms));
  support::running<status> ever(w.home, sleeps_for(duration::max()));
  w.home.run_ready();
  CHECK(zero.done());
  CHECK(less.done());
  w.advance(24h * 365 * 100);
  CHECK_FALSE(ever.done());
  ever.request_stop();
  w.home.run_ready();
  REQUIRE(ever.done());
  CHECK(ever.take() == lockgate::errc::canceled);
}

}  // namespace

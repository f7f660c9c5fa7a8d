#include "lockgate/testing/explorer.hpp"   // for explore
#include "lockgate/coro/sleep.hpp"         // for yield
#include "lockgate/platform/endpoint.hpp"  // for endpoint
#include "lockgate/testing/sweeps.hpp"     // for sweep_stops
#include "proof/scripted_provider.hpp"     // for scripted_provider

#include <doctest/doctest.h>  // for TEST_CASE

#include <algorithm>  // for count
#include <array>      // for array
#include <memory>     // for make_unique
#include <new>        // for nothrow
#include <string>     // for string
#include <vector>     // for vector

namespace lt = lockgate::testing;
using lockgate::status;
using lockgate::task;

namespace {

task<> appends(std::string* to, char letter) {
  *to += letter;
  co_await lockgate::yield();
  *to += letter;
}
/// Three tasks of two steps each.
void three_tasks(lt::trial& t, std::string& order) {
  order.clear();
  for (const char c : {'a', 'b', 'c'}) t.start(appends(&order, c));
  t.run();
}

task<> waits_for_ever(lockgate::wait_list* list) {
  lockgate::stop_state deaf;
  const status never = co_await list->wait();
  static_cast<void>(never);
}

}  // namespace

TEST_CASE("every order of ready work is run") {
  std::array<bool, 729> seen{};  // three letters at six places; a set would count as a leak
  std::string order;
  const lt::exploration all = lt::explore(lt::choices::exhaustive(), [&](lt::trial& t) {
    three_tasks(t, order);
    std::size_t number = 0;
    for (const char c : order) number = number * 3 + static_cast<std::size_t>(c - 'a');
    seen[number] = true;
  });
  CHECK(all.exhausted);
  CHECK_FALSE(all.bounded);
  CHECK_FALSE(all.first_failure);
  CHECK(std::count(seen.begin(), seen.end(), true) == 90);  // 6! / (2! 2! 2!)
}

TEST_CASE("without any_order it is first in, first out") {
  lt::exploration_options options;
  options.each.any_order = false;
  std::string order;
  const lt::exploration one =
      lt::explore(lt::choices::exhaustive(), [&](lt::trial& t) { three_tasks(t, order); }, options);
  CHECK(one.runs == 1);
  CHECK(order == "abcabc");
}

TEST_CASE("a failure comes with a short string that shows it again") {
  const auto scenario = [](lt::trial& t) {
    std::string order;
    three_tasks(t, order);
    t.require(order.find("cb") == std::string::npos, "X1", "c came right before b");
  };
  const lt::exploration found = lt::explore(lt::choices::by_priority(1, 2, 6), scenario);
  REQUIRE(found.first_failure);
  CHECK(found.first_failure->rule == "X1");
  CHECK(found.first_failure->choices.size() <= 7);
  const lt::exploration again = lt::replay(found.first_failure->choices, scenario);
  REQUIRE(again.first_failure);
  CHECK(again.first_failure->what == found.first_failure->what);
  CHECK(to_string(*again.first_failure).find("choices: ") != std::string::npos);
}

TEST_CASE("the same seed gives the same trace") {
  const auto run = [] {
    proof::script script;
    proof::record record;
    lt::exploration_options options;
    options.runs = 50;
    return lt::explore(
               lt::choices::seeded(5),
               [&](lt::trial& t) {
                 lockgate::platform& cp = t.make_platform();
                 auto instance = cp.create<proof::scripted_provider>(t, script, record);
                 t.start([](lockgate::provider_instance* i) -> task<> {
                   const status granted = co_await i->register_instance();
                   static_cast<void>(granted);
                 }(&instance));
                 t.run();
               },
               options)
        .hash;
  };
  CHECK(run() == run());
}

TEST_CASE("a trial stands still in time while there is work, and jumps to the next timer") {
  lt::choices source = lt::choices::replay("0");
  lt::trace record;
  lt::trial t(source, record);
  const lockgate::time_point begin = t.now();
  t.start([](lt::trial* self) -> task<> {
    const lockgate::time_point before = self->now();
    for (int i = 0; i < 100; ++i) co_await lockgate::yield();
    self->require(self->now() == before, "X2", "time moved although there was work");
    co_await lockgate::sleep_for(std::chrono::hours(24));
  }(&t));
  t.run();
  CHECK(t.now() - begin == std::chrono::hours(24));
  t.finish();
  CHECK_FALSE(t.first());
}

TEST_CASE("I6: a leaked allocation is noticed") {
  static std::vector<std::unique_ptr<int>> kept;
  kept.reserve(100);
  lt::exploration_options options;
  options.runs = 2;
  const lt::exploration found = lt::explore(
      lt::choices::seeded(1), [](lt::trial&) { kept.push_back(std::make_unique<int>(1)); },
      options);
  kept.clear();
  REQUIRE(found.first_failure);
  CHECK(found.first_failure->rule == "I6");
}

TEST_CASE("I8: a run without end is noticed") {
  lt::exploration_options options;
  options.each.steps = 1000;
  options.shrink_failure = false;
  const lt::exploration found = lt::explore(
      lt::choices::replay("0"),
      [](lt::trial& t) {
        t.start([]() -> task<> {
          for (;;) co_await lockgate::yield();
        }());
        t.run();
      },
      options);
  REQUIRE(found.first_failure);
  CHECK(found.first_failure->rule == "I8");
}

TEST_CASE("sweeps reach every step and every allocation") {
  lockgate::wait_list list;
  const auto scenario = [&](lt::trial& t) {
    t.start(waits_for_ever(&list));
    t.run();
  };
  CHECK(lt::sweep_stops(scenario).points >= 1);
  CHECK_FALSE(lt::sweep_destructions(scenario).first_failure);
  const lt::sweep failing = lt::sweep_allocations([](lt::trial&) {
    void* const first = ::operator new(1);  // unlike new, this is never optimised away
    void* const second = ::operator new(1, std::nothrow);
    ::operator delete(second);
    ::operator delete(first);
  });
  CHECK(failing.points == 2);
  CHECK_FALSE(failing.first_failure);
}

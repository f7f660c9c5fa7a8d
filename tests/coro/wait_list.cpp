// coro/wait_list.hpp, coro/stop.hpp: exactly one outcome for everyone who waits.
#include "lockgate/coro/wait_list.hpp"
#include "lockgate/coro/stop.hpp"
#include "support/allocation.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <memory>  // for unique_ptr
#include <vector>  // for vector

using lockgate::errc;
using lockgate::status;
using lockgate::task;
using lockgate::wait_list;

namespace {

task<status> waits(wait_list& list, int number, std::vector<int>& order) {
  const status outcome = co_await list.wait();
  order.push_back(number);
  co_return outcome;
}

TEST_CASE("wait_list: first come, first served, with the outcome given") {
  support::world w;
  wait_list list;
  std::vector<int> order;
  support::running<status> a(w.home, waits(list, 1, order));
  support::running<status> b(w.home, waits(list, 2, order));
  support::running<status> c(w.home, waits(list, 3, order));
  CHECK(list.complete_one(errc::closed));
  CHECK_FALSE(a.done());  // never from within complete
  w.home.run_ready();
  CHECK(a.take() == errc::closed);
  CHECK_FALSE(b.done());
  list.complete_all();
  w.home.run_ready();
  CHECK(b.take() == status());
  CHECK(c.take() == status());
  CHECK(order == std::vector{1, 2, 3});
  CHECK_FALSE(list.complete_one());
}

task<> waits_twice(wait_list& list, int& times) {
  static_cast<void>(co_await list.wait());
  ++times;
  static_cast<void>(co_await list.wait());
  ++times;
}

TEST_CASE("wait_list: those who come again are not completed with those who waited") {
  support::world w;
  wait_list list;
  int times = 0;
  support::running<> root(w.home, waits_twice(list, times));
  list.complete_all();
  w.home.run_ready();
  CHECK(times == 1);
  CHECK_FALSE(list.empty());
}

TEST_CASE("F24: completion and stop in one step: the first one counts") {
  support::world w;
  wait_list list;
  std::vector<int> order;
  SUBCASE("completed, then stopped") {
    support::running<status> root(w.home, waits(list, 1, order));
    CHECK(list.complete_one());
    root.request_stop();
    w.home.run_ready();
    CHECK(root.take() == status());
    CHECK(root.completions() == 1);
  }
  SUBCASE("stopped, then completed") {
    support::running<status> root(w.home, waits(list, 1, order));
    root.request_stop();
    CHECK_FALSE(list.complete_one());
    w.home.run_ready();
    CHECK(root.take() == errc::canceled);
    CHECK(root.completions() == 1);
  }
}

task<> waits_for_ever(wait_list& list, int& times) {
  for (;; ++times) static_cast<void>(co_await list.wait());
}

TEST_CASE("F23: a loop that ignores its stop turns, but leaves others their turns") {
  support::world w;
  wait_list list, other;
  int times = 0;
  std::vector<int> order;
  support::running<> root(w.home, waits_for_ever(list, times));
  support::running<status> neighbour(w.home, waits(other, 1, order));
  root.request_stop();
  other.complete_all();
  CHECK_FALSE(w.home.run_ready(2));  // gives the thread back
  CHECK(times > 1);
  CHECK(neighbour.done());
  CHECK(list.empty());
}

TEST_CASE("F26: the second completion of a waiter is refused") {
  support::world w;
  lockgate::stop_state stop;
  const lockgate::task_context context{&w.home, &stop, nullptr};
  lockgate::waiter waiter;
  CHECK_FALSE(waiter.complete({}));  // nobody waits yet
  REQUIRE(waiter.suspend(std::noop_coroutine(), context));
  CHECK(waiter.is_pending());
  CHECK(waiter.complete(errc::closed));
  CHECK_FALSE(waiter.complete({}));
  CHECK(waiter.outcome() == errc::closed);
  CHECK(w.home.ready_count() == 1);
}

TEST_CASE("F81: 100,000 waiters are completed, stopped or abandoned without an allocation") {
  constexpr std::size_t count = 100'000;
  support::world w;
  wait_list list;
  lockgate::stop_state stop;
  const lockgate::task_context context{&w.home, &stop, nullptr};
  auto waiters = std::make_unique<lockgate::waiter[]>(count);
  for (std::size_t i = 0; i < count; ++i) {
    REQUIRE(waiters[i].suspend(std::noop_coroutine(), context));
    list.push_back(waiters[i]);
  }
  int how = 0;
  SUBCASE("completed") {
    how = 1;
  }
  SUBCASE("stopped") {
    how = 2;
  }
  SUBCASE("abandoned") {
    how = 3;
  }
  const auto before = support::allocations_made();
  if (how == 1) list.complete_all();
  if (how == 2) stop.request_stop();
  if (how == 3) waiters.reset();
  const auto made = support::allocations_made() - before;
  CHECK(made == 0);
  CHECK(list.empty());
  CHECK(w.home.ready_count() == (waiters ? count : 0));
}

struct counting_callback : lockgate::stop_callback {
  explicit counting_callback(std::vector<int>& into, int number) noexcept
      : stop_callback([](stop_callback& self) noexcept {
          auto& me = static_cast<counting_callback&>(self);
          me.calls.push_back(me.n);
        }),
        calls(into), n(number) {}
  std::vector<int>& calls;
  int n;
};

TEST_CASE("F35: stop callbacks run once, in order, and not after they were taken back") {
  lockgate::stop_state stop;
  std::vector<int> calls;
  counting_callback a(calls, 1), b(calls, 2), taken_back(calls, 3);
  stop.add(a);
  stop.add(taken_back);
  stop.add(b);
  taken_back.unlink();
  stop.request_stop();
  stop.request_stop();
  CHECK(stop.stop_requested());
  CHECK(calls == std::vector{1, 2});
  stop.reset();
  CHECK_FALSE(stop.stop_requested());
  stop.add(a);
  stop.request_stop();
  CHECK(calls == std::vector{1, 2, 1});
}

TEST_CASE("stop: a callback may destroy the next one") {
  lockgate::stop_state stop;
  std::vector<int> calls;
  auto victim = std::make_unique<counting_callback>(calls, 2);
  struct killer : lockgate::stop_callback {
    explicit killer(std::unique_ptr<counting_callback>& v) noexcept
        : stop_callback(
              [](stop_callback& self) noexcept { static_cast<killer&>(self).target.reset(); }),
          target(v) {}
    std::unique_ptr<counting_callback>& target;
  } first(victim);
  stop.add(first);
  stop.add(*victim);
  stop.request_stop();
  CHECK(calls.empty());
}

TEST_CASE("stop: a linked state follows the outer one, not the other way round") {
  lockgate::stop_state outer;
  {
    lockgate::linked_stop_state inner(outer);
    inner.request_stop();
    CHECK_FALSE(outer.stop_requested());
  }
  lockgate::linked_stop_state follower(outer);
  std::vector<int> calls;
  counting_callback callback(calls, 1);
  follower.add(callback);
  outer.request_stop();
  CHECK(follower.stop_requested());
  CHECK(calls == std::vector{1});
  const lockgate::linked_stop_state late(outer);
  CHECK(late.stop_requested());
}

}  // namespace

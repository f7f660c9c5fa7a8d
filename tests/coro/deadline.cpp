// coro/deadline.hpp: the late task is stopped and awaited, and what it achieved is kept.
#include "lockgate/coro/deadline.hpp"
#include "lockgate/coro/sleep.hpp"
#include "lockgate/coro/wait_list.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <chrono>     // for milliseconds
#include <stdexcept>  // for runtime_error

using lockgate::duration;
using lockgate::errc;
using lockgate::result;
using lockgate::status;
using lockgate::task;
using namespace std::chrono_literals;

namespace {

task<status> sleeps(duration length) {
  co_return co_await lockgate::sleep_for(length);
}
task<status> bounded(duration length, duration limit) {
  co_return co_await lockgate::with_timeout(sleeps(length), limit);
}

TEST_CASE("deadline: in time, too late, and both at once") {
  support::world w;
  support::running<status> early(w.home, bounded(5ms, 10ms));
  support::running<status> late(w.home, bounded(20ms, 10ms));
  support::running<status> tie(w.home, bounded(10ms, 10ms));  // armed first, so it is first
  w.advance(5ms);
  REQUIRE(early.done());
  CHECK(early.take() == status());
  CHECK_FALSE(late.done());
  w.advance(5ms);
  REQUIRE(late.done());
  CHECK(late.take() == errc::timed_out);
  REQUIRE(tie.done());
  CHECK(tie.take() == status());
  CHECK(w.home.next_deadline() == lockgate::never);  // neither sleep nor deadline is left behind
}

task<status> ends_slowly(lockgate::wait_list& gate, bool& ended) {
  const status first = co_await lockgate::sleep_for(1h);
  while (!ended) {
    lockgate::stop_state never_stopped;
    co_await lockgate::yield();
    if (gate.empty()) ended = true;
  }
  co_return first;
}
task<status> bounded_slow(lockgate::wait_list& gate, bool& ended) {
  const status outcome = co_await lockgate::with_timeout(ends_slowly(gate, ended), 1ms);
  CHECK(ended);  // awaited, not left behind
  co_return outcome;
}

TEST_CASE("deadline: the late task is awaited") {
  support::world w;
  lockgate::wait_list gate;
  lockgate::waiter blocker;
  gate.push_back(blocker);
  bool ended = false;
  support::running<status> root(w.home, bounded_slow(gate, ended));
  w.time.at += 1ms;
  w.home.run_ready(5);
  CHECK_FALSE(root.done());
  blocker.lockgate::list_link<lockgate::waiter>::unlink();
  w.home.run_ready();
  REQUIRE(root.done());
  CHECK(root.take() == errc::timed_out);
}

task<result<int>> achieves_in_spite_of_stop() {
  static_cast<void>(co_await lockgate::sleep_for(1h));
  co_return 42;
}
task<int> number_late() {
  static_cast<void>(co_await lockgate::sleep_for(1h));
  co_return 42;
}
task<> nothing_late() {
  static_cast<void>(co_await lockgate::sleep_for(1h));
}

task<result<int>> keeps_answer() {
  co_return co_await lockgate::with_timeout(achieves_in_spite_of_stop(), 1ms);
}
task<result<int>> wraps_answer(duration limit) {
  co_return co_await lockgate::with_timeout(number_late(), limit);
}
task<status> wraps_nothing(duration limit) {
  co_return co_await lockgate::with_timeout(nothing_late(), limit);
}

TEST_CASE("deadline: an answer given in spite of the stop is kept where it can be told apart") {
  support::world w;
  support::running<result<int>> kept(w.home, keeps_answer());
  support::running<result<int>> wrapped(w.home, wraps_answer(1ms));
  support::running<status> nothing(w.home, wraps_nothing(1ms));
  w.advance(1ms);
  CHECK(kept.take().value() == 42);
  CHECK(wrapped.take().error() == errc::timed_out);
  CHECK(nothing.take() == errc::timed_out);
  support::running<result<int>> in_time(w.home, wraps_answer(2h));
  support::running<status> nothing_in_time(w.home, wraps_nothing(2h));
  w.advance(1h);
  CHECK(in_time.take().value() == 42);
  CHECK(nothing_in_time.take() == status());
}

task<status> throws_late() {
  static_cast<void>(co_await lockgate::sleep_for(1h));
  throw std::runtime_error("broke");
}
task<status> bounded_throw(duration limit) {
  co_return co_await lockgate::with_timeout(throws_late(), limit);
}

TEST_CASE("F29: an exception passes through a deadline") {
  support::world w;
  support::running<status> in_time(w.home, bounded_throw(2h));
  support::running<status> late(w.home, bounded_throw(1ms));
  w.advance(1h);
  CHECK_THROWS_AS(in_time.take(), std::runtime_error);
  CHECK_THROWS_AS(late.take(), std::runtime_error);
}

task<status> forever(lockgate::wait_list& list) {
  co_return co_await list.wait();
}
task<status> until(lockgate::wait_list& list, lockgate::time_point end) {
  co_return co_await lockgate::with_deadline(forever(list), end);
}

TEST_CASE("F56: deadlines in the past and at the end of time") {
  support::world w;
  w.time.at += 1h;
  lockgate::wait_list list;
  support::running<status> past(w.home, until(list, lockgate::time_point()));
  support::running<status> never(w.home, until(list, lockgate::never));
  support::running<status> limitless(w.home, bounded(1h, duration::max()));
  w.advance(1ms);
  CHECK(past.take() == errc::timed_out);
  w.advance(24h * 365 * 100);
  CHECK_FALSE(never.done());
  CHECK(limitless.take() == status());
}

task<status> slow_to_stop(lockgate::scheduler& home, duration winding_down) {
  const status first = co_await lockgate::sleep_for(1h);
  const auto end = home.now() + winding_down;
  while (home.now() < end) co_await lockgate::yield();
  co_return first;
}
task<status> bounded_winding_down(lockgate::scheduler& home) {
  co_return co_await lockgate::with_timeout(slow_to_stop(home, 20ms), 10ms);
}

TEST_CASE("F24: a task that its caller stopped was not stopped by the deadline that passed later") {
  support::world w;
  support::running<status> root(w.home, bounded_winding_down(w.home));
  w.time.at += 5ms;
  root.request_stop();
  w.home.run_ready(3);
  w.time.at += 10ms;  // the deadline passes while the task winds down
  w.home.run_ready(3);
  CHECK_FALSE(root.done());
  w.time.at += 10ms;
  w.home.run_ready(3);
  REQUIRE(root.done());
  CHECK(root.take() == errc::canceled);
}

task<status> nested() {
  co_return co_await lockgate::with_timeout(bounded(1h, 20ms), 10ms);
}

TEST_CASE("deadline: the inner of two nested ones is stopped by the outer one") {
  support::world w;
  support::running<status> root(w.home, nested());
  w.advance(10ms);
  REQUIRE(root.done());
  CHECK(root.take() == errc::timed_out);
  CHECK(w.home.next_deadline() == lockgate::never);
}

}  // namespace

// Everything a task can wait for, in every situation a stop, an end or a lack of memory can meet.
#include "lockgate/coro/deadline.hpp"
#include "lockgate/coro/foreign.hpp"
#include "lockgate/coro/sleep.hpp"
#include "lockgate/coro/task_group.hpp"
#include "lockgate/coro/wait_list.hpp"
#include "lockgate/provider/instance.hpp"
#include "support/allocation.hpp"
#include "support/counted.hpp"
#include "support/doctest.hpp"
#include "support/foreign_event.hpp"
#include "support/test_host.hpp"
#include "support/world.hpp"

#include <chrono>  // for hours
#include <new>     // for bad_alloc
#include <string>  // for string
#include <thread>  // for thread

using lockgate::errc;
using lockgate::status;
using lockgate::task;
using lockgate::transport_id;
using namespace std::chrono_literals;

namespace {

/// All that the awaitables under test need.
struct bench {
  support::world w;
  lockgate::wait_list list;
  support::foreign_event event;
  lockgate::task_group group{w.home};
  support::test_host host{w.home};
  lockgate::instance self = host.handle();
};

task<> lasts_an_hour() {
  static_cast<void>(co_await lockgate::sleep_for(1h));
}
task<status> waits_in_list(bench& b) {
  co_return co_await b.list.wait();
}
void fire_canceled(support::foreign_event::wait& foreign) noexcept {
  foreign.event->fire(errc::canceled);
}

task<status> sleep_for(bench&) {
  co_return co_await lockgate::sleep_for(1h);
}
task<status> sleep_until(bench&) {
  co_return co_await lockgate::sleep_until(lockgate::time_point(1h));
}
task<status> wait_list(bench& b) {
  co_return co_await b.list.wait();
}
task<status> child_task(bench& b) {
  co_return co_await waits_in_list(b);
}
task<status> with_timeout(bench& b) {
  co_return co_await lockgate::with_timeout(waits_in_list(b), 2h);
}
task<status> with_deadline(bench& b) {
  co_return co_await lockgate::with_deadline(waits_in_list(b), lockgate::time_point(2h));
}
task<status> cancellable(bench& b) {
  co_return co_await lockgate::cancellable(support::foreign_event::wait(b.event), fire_canceled);
}
task<status> join(bench& b) {
  const status spawned = b.group.spawn(lasts_an_hour());
  if (!spawned.ok()) co_return spawned;
  co_return co_await b.group.join();
}
task<status> deregister(bench& b) {
  co_return co_await b.self.deregister();
}
task<status> request_transport_id(bench& b) {
  const auto answer = co_await b.self.request_transport_id();
  co_return answer.error();
}
task<status> report_unreachable(bench& b) {
  co_return co_await b.self.report_unreachable(transport_id());
}
task<status> signal(bench& b) {
  co_return co_await b.self.signal(transport_id(), transport_id(), lockgate::bytes_view());
}
task<status> receive_signal(bench& b) {
  const auto answer = co_await b.self.receive_signal();
  co_return answer.error();
}

void an_hour_passes(bench& b) {
  b.w.time.at += 1h;
  b.w.home.collect();  // due, but not run yet
}
void list_completes(bench& b) {
  b.list.complete_one();
}
void event_fires(bench& b) {
  b.event.fire();
}
void host_completes(bench& b) {
  b.host.complete_one();
}

struct subject {
  const char* name;
  task<status> (*await)(bench&);
  void (*complete)(bench&);
};
constexpr subject subjects[] = {
    {"sleep_for", sleep_for, an_hour_passes},
    {"sleep_until", sleep_until, an_hour_passes},
    {"wait_list", wait_list, list_completes},
    {"child task", child_task, list_completes},
    {"with_timeout", with_timeout, list_completes},
    {"with_deadline", with_deadline, list_completes},
    {"cancellable", cancellable, event_fires},
    {"task_group::join", join, an_hour_passes},
    {"instance::deregister", deregister, host_completes},
    {"instance::request_transport_id", request_transport_id, host_completes},
    {"instance::report_unreachable", report_unreachable, host_completes},
    {"instance::signal", signal, host_completes},
    {"instance::receive_signal", receive_signal, host_completes},
};

/// Awaits a subject, with a parameter and a local whose destruction is counted.
task<status> observed(const subject& s, bench& b, support::counted parameter) {
  const support::counted local = parameter;
  const status outcome = co_await s.await(b);
  co_return outcome;
}

/// One run of a subject; at its end everything must be gone, whatever became of it.
struct trial {
  explicit trial(const subject& what, bool stopped = false)
      : s(what), root(b.w.home, observed(s, b, support::counted(totals)), stopped) {
    if (!stopped) run();  // what it spawned begins
  }
  ~trial() {
    root.destroy();
    CHECK(totals.alive() == 0);
    CHECK(b.list.empty());
    CHECK(b.host.pended.empty());
    CHECK_FALSE(b.event.is_awaited());
  }
  void complete() { s.complete(b); }
  void run() { b.w.home.run_ready(); }

  const subject& s;
  support::counted_totals totals;
  bench b;
  support::running<status> root;
};

#define FOR_EACH_SUBJECT \
  for (const subject& s : subjects) SUBCASE(s.name)

TEST_CASE("awaitables: completed") {
  FOR_EACH_SUBJECT {
    trial t(s);
    CHECK_FALSE(t.root.done());
    t.complete();
    CHECK_FALSE(t.root.done());  // never from within the completion
    t.run();
    REQUIRE(t.root.completions() == 1);
    CHECK(t.root.take() == status());
  }
}

TEST_CASE("F23, F35: stopped before it began") {
  FOR_EACH_SUBJECT {
    trial t(s, true);
    t.run();
    REQUIRE(t.root.completions() == 1);
    CHECK(t.root.take() == errc::canceled);
  }
}

TEST_CASE("F23, F35: stopped while pending, twice") {
  FOR_EACH_SUBJECT {
    trial t(s);
    t.root.request_stop();
    t.root.request_stop();
    t.run();
    REQUIRE(t.root.completions() == 1);
    CHECK(t.root.take() == errc::canceled);
    t.complete();  // finds nothing to do
    t.run();
    CHECK(t.root.completions() == 1);
  }
}

TEST_CASE("F24: completed and then stopped in one step") {
  FOR_EACH_SUBJECT {
    trial t(s);
    t.complete();
    t.root.request_stop();
    t.run();
    REQUIRE(t.root.completions() == 1);
    const status outcome = t.root.take();
    CHECK((outcome.ok() || outcome == errc::canceled));  // a due timer has not claimed anything yet
    if (s.complete != an_hour_passes) CHECK(outcome.ok());
  }
}

TEST_CASE("F24: stopped and then completed in one step") {
  FOR_EACH_SUBJECT {
    trial t(s);
    t.root.request_stop();
    t.complete();
    t.run();
    REQUIRE(t.root.completions() == 1);
    CHECK(t.root.take() == errc::canceled);
  }
}

TEST_CASE("F35: stopped after completion") {
  FOR_EACH_SUBJECT {
    trial t(s);
    t.complete();
    t.run();
    t.root.request_stop();
    t.run();
    REQUIRE(t.root.completions() == 1);
    CHECK(t.root.take() == status());
  }
}

TEST_CASE("F27: destroyed before it began") {
  for (const subject& s : subjects) {
    bench b;
    support::counted_totals totals;
    {
      auto unused = observed(s, b, support::counted(totals));
    }
    CHECK(totals.alive() == 0);
    CHECK(b.w.home.is_idle());
  }
}

TEST_CASE("F27, F51: destroyed while pending, and completed afterwards") {
  FOR_EACH_SUBJECT {
    trial t(s);
    t.root.destroy();
    t.complete();
    t.root.request_stop();
    t.run();
    CHECK(t.root.completions() == 0);
  }
}

TEST_CASE("F27, F51: destroyed between completion and resumption") {
  FOR_EACH_SUBJECT {
    trial t(s);
    t.complete();
    t.root.destroy();
    t.run();
    CHECK(t.root.completions() == 0);
  }
}

TEST_CASE("F27, F51: destroyed between stop and resumption") {
  FOR_EACH_SUBJECT {
    trial t(s);
    t.root.request_stop();
    t.root.destroy();
    t.run();
    CHECK(t.root.completions() == 0);
  }
}

TEST_CASE("F38: completion, stop and destruction allocate nothing") {
  for (const subject& s : subjects) {
    for (const char how : {'c', 's', 'd'}) {
      trial t(s);
      const auto before = support::allocations_made();
      if (how == 'c') t.complete();
      if (how == 's') t.root.request_stop();
      if (how == 'd') t.root.destroy();
      t.run();
      const auto made = support::allocations_made() - before;
      CHECK_MESSAGE(made == 0, s.name);
    }
  }
}

/// Runs a subject on a thread of its own, which has no frames to recycle; its `k`th allocation
/// fails. False when there were fewer.
bool survives_failure(const subject& s, std::uint64_t k) {
  bool happened = false, sound = false;
  std::thread([&] {
    bench b;
    support::counted_totals totals;
    {
      const support::failing_allocation fail(k);
      auto work = observed(s, b, support::counted(totals));
      if (!work.valid()) {
        sound = true;
      } else {
        support::running<status> root(b.w.home, std::move(work));
        b.w.home.run_ready();
        s.complete(b);
        b.w.home.run_ready();
        try {
          const status outcome = root.done() ? root.take() : status(errc::invalid_state);
          sound = fail.happened() ? outcome == errc::no_memory || outcome.ok() : outcome.ok();
        } catch (const std::bad_alloc&) {
          sound = fail.happened();
        }
      }
      happened = fail.happened();
    }
    if (totals.alive() != 0) sound = false;
  }).join();
  CHECK_MESSAGE(sound, std::string(s.name) << ", allocation " << k);
  return happened;
}

TEST_CASE("F36, F37: each allocation fails once; the error is reported and nothing is lost") {
  std::thread([] {}).join();
  for (const subject& s : subjects) {
    const auto blocks = support::blocks_alive();
    std::uint64_t points = 0;
    while (survives_failure(s, points + 1)) ++points;
    CHECK_MESSAGE(points >= 2, s.name);  // at least the two frames
    CHECK_MESSAGE(support::blocks_alive() == blocks, s.name);
  }
}

}  // namespace

// A provider whose every row does what the trial chooses, within what the scenario allows.
#pragma once

#include "lockgate/coro/sleep.hpp"      // for sleep_for, yield
#include "lockgate/coro/wait_list.hpp"  // for wait_list
#include "lockgate/provider.hpp"        // for the rows, instance
#include "lockgate/testing/trial.hpp"   // for trial

#include <chrono>            // for seconds
#include <cstddef>           // for byte, size_t, to_integer
#include <initializer_list>  // for initializer_list
#include <span>              // for span
#include <stdexcept>         // for runtime_error
#include <vector>            // for vector

namespace proof {

namespace lt = lockgate::testing;
using lockgate::accepted;
using lockgate::answer;
using lockgate::errc;
using lockgate::status;
using lockgate::task;

/// What a row may do.
enum class act {
  now,          ///< succeed at once
  fail,         ///< fail at once
  later,        ///< succeed after one suspension
  later_twice,  ///< succeed after two suspensions
  later_fail,   ///< fail after one suspension
  throws,       ///< throw at once
  later_throw,  ///< throw after one suspension
  wait_stop,    ///< wait until asked to stop
  overrun,      ///< go on after the time limit, and return during the grace time
  stuck,        ///< go on after the grace time, and return long after
  deregister,   ///< deregister, then succeed
  accept_one,   ///< send_buffers: accept one message, and say of the next that it is unreachable
  later_accept_one,  ///< the same after one suspension
};

/// The acts that a scenario allows each row; the trial chooses among them each time.
struct script {
  script() {}
  std::vector<act> establish{act::now};
  std::vector<act> terminate{act::now};
  std::vector<act> active{act::now};
  std::vector<act> dormant{act::now};
  std::vector<act> add{act::now};
  std::vector<act> remove{act::now};
  std::vector<act> reach{act::now};
  std::vector<act> send{act::now};
  int establish_calls = 0;   ///< calls awaited by tasks spawned inside establish_session, at most
  int establish_spawns = 0;  ///< tasks spawned inside establish_session that wait to be stopped
  bool task_throws = false;  ///< a spawned task may throw
  bool indicate_on_send = false;  ///< every message sent comes back as one received
};

/// What the provider saw; the scenario reads it afterwards.
struct record {
  lockgate::instance self;
  int calls_succeeded = 0;
  int calls_refused = 0;
  int last_call = 0;
  bool order_kept = true;
  int begun = 0;     ///< messages sent or forwarded, each of which carries its number from 1
  int accepted = 0;  ///< the number of the last message that a row has accepted
  int sent = 0;
  int indicated = 0;
  int received = 0;
  int destroyed = 0;
};

/// A sleep in a context of its own, so that no stop of the row's ends it.
class deaf_sleep {
 public:
  deaf_sleep(lockgate::time_point until, const lockgate::task_context& context)
      : until_(until), context_(context) {}
  auto bind(const lockgate::task_context&) noexcept {
    return lockgate::detail::sleep_awaiter(until_, context_);
  }

 private:
  lockgate::time_point until_;
  const lockgate::task_context& context_;
};

class scripted_provider {
 public:
  scripted_provider(lt::trial& t, const script& s, record& r) : trial_(t), script_(s), record_(r) {}
  scripted_provider(const scripted_provider&) = delete;
  ~scripted_provider() { ++record_.destroyed; }

  answer<void> establish_session(lockgate::instance self) {
    instance_ = self;
    record_.self = self;
    const int calls = script_.establish_calls;
    for (int i = 0; i < calls; ++i) static_cast<void>(self.spawn(call(self, i)));
    if (script_.establish_spawns > 0) static_cast<void>(self.spawn(idle_task(choose_throw())));
    return perform_void(choose(script_.establish));
  }
  answer<void> terminate_session(lockgate::termination_reason) {
    return perform_void(choose(script_.terminate));
  }
  answer<status> transition_active() { return perform(choose(script_.active)); }
  answer<status> transition_dormant() { return perform(choose(script_.dormant)); }
  answer<status> add_transport_id(lockgate::transport_id id) {
    local_ = id;
    return perform(choose(script_.add));
  }
  answer<status> remove_transport_id(lockgate::transport_id) {
    return perform(choose(script_.remove));
  }
  answer<status> reach_transport_id(lockgate::transport_id) {
    return perform(choose(script_.reach));
  }
  answer<accepted> send_buffers(std::span<const lockgate::outgoing> messages) {
    const act a = choose(script_.send);
    const bool accepts_one = a == act::accept_one || a == act::later_accept_one;
    const std::size_t count = accepts_one ? 1 : messages.size();
    const int last = last_number(messages, count);
    if (a == act::now || a == act::accept_one) return accept(messages, count, last);
    if (a == act::fail) return accepted(errc::unreachable);
    if (a == act::throws) throw std::runtime_error("send_buffers");
    return send_later(a, messages, count, last);
  }

 private:
  [[nodiscard]] act choose(const std::vector<act>& from) {
    return from[trial_.choose(from.size())];
  }
  [[nodiscard]] bool choose_throw() { return script_.task_throws && trial_.choose(2) == 1; }

  /// Requires that the numbered messages of a path are offered in the order in which they were
  /// sent, and gives the number of the last of the first `count`.
  int last_number(std::span<const lockgate::outgoing> messages, std::size_t count) {
    int previous = record_.accepted, last = previous;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const int number = std::to_integer<int>(messages[i].payload.part(0)[0]);
      if (number == 0) continue;
      trial_.require(number > previous, "I9", "messages of one path have overtaken each other");
      previous = number;
      if (i < count) last = number;
    }
    return last;
  }
  accepted accept(std::span<const lockgate::outgoing> messages, std::size_t count, int last) {
    record_.accepted = last;
    echo(messages.first(count));
    if (count == messages.size()) return count;
    return {count, errc::unreachable};
  }
  void echo(std::span<const lockgate::outgoing> messages) {
    record_.sent += static_cast<int>(messages.size());
    if (!script_.indicate_on_send) return;
    static std::byte byte[1] = {};
    for (const lockgate::outgoing& m : messages) {
      lockgate::lease payload = lockgate::lease::wrap(byte, [](void*) noexcept {}, nullptr);
      if (instance_.indicate(lockgate::incoming(m.local, m.remote, std::move(payload))).ok())
        ++record_.indicated;
    }
  }

  answer<status> perform(act a) {
    if (a == act::now) return status();
    if (a == act::fail) return status(errc::unreachable);
    if (a == act::throws) throw std::runtime_error("row");
    return later(a);
  }
  answer<void> perform_void(act a) {
    if (a == act::now) return {};
    if (a == act::throws) throw std::runtime_error("row");
    return later_void(a);
  }
  task<> later_void(act a) {
    const status ignored = co_await later(a);
    static_cast<void>(ignored);
  }
  task<status> later(act a) {
    using namespace std::chrono_literals;
    const lockgate::task_context& here = co_await lockgate::this_context();
    switch (a) {
      case act::later_twice: co_await lockgate::yield(); [[fallthrough]];
      case act::later_accept_one:
      case act::later: co_await lockgate::yield(); break;
      case act::later_fail: co_await lockgate::yield(); co_return errc::unreachable;
      case act::later_throw: co_await lockgate::yield(); throw std::runtime_error("row, later");
      case act::wait_stop: {
        lockgate::wait_list nobody;
        const status stopped = co_await nobody.wait();
        co_return stopped;
      }
      case act::overrun:
      case act::stuck: {
        // Ignores the stop: it sleeps beside the row's own context.
        lockgate::stop_state deaf;
        const lockgate::task_context alone{here.home, &deaf, here.owner};
        const auto length = a == act::stuck ? 100s : 62s;
        co_await deaf_sleep(here.home->now() + length, alone);
        break;
      }
      case act::deregister: {
        const status done = co_await instance_.deregister();
        trial_.require(done.ok(), "G21", "deregister inside a row was refused");
        break;
      }
      default: break;
    }
    co_return status();
  }
  task<accepted> send_later(act a, std::span<const lockgate::outgoing> messages, std::size_t count,
                            int last) {
    const status done = co_await later(a);
    if (!done.ok()) co_return accepted(done);
    co_return accept(messages, count, last);
  }

  task<> call(lockgate::instance self, int number) {
    const lockgate::result<lockgate::transport_id> id = co_await self.request_transport_id();
    if (!id) {
      ++record_.calls_refused;
      co_return;
    }
    ++record_.calls_succeeded;
    // Only first in, first out shows the order in which calls were carried out.
    if (number < record_.last_call) record_.order_kept = false;
    record_.last_call = number;
  }
  task<> idle_task(bool throws) {
    if (throws) {
      co_await lockgate::yield();
      throw std::runtime_error("task");
    }
    lockgate::wait_list nobody;
    const status stopped = co_await nobody.wait();
    trial_.require(stopped == errc::canceled, "G23", "a spawned task was not asked to stop");
  }

  lt::trial& trial_;
  const script& script_;
  record& record_;
  lockgate::instance instance_;  // its own: a later instance may share the record
  lockgate::transport_id local_;
};

}  // namespace proof

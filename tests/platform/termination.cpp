// How sessions end: the reason, the order, and providers that misbehave in every row.
#include "support/one_session.hpp"

#include <stdexcept>  // for runtime_error

using lockgate::errc;
using lockgate::event_kind;
using lockgate::instance;
using lockgate::provider_instance;
using lockgate::row;
using lockgate::session_state;
using lockgate::status;
using lockgate::task;
using lockgate::termination_reason;
using std::chrono::seconds;
using support::act;
using support::every_row;
using support::manner;
using support::one_session;
using support::script;

namespace {

task<> break_link(instance self) {
  static_cast<void>(co_await self.report_broken_link());
}
task<> throw_at_once() {
  throw std::runtime_error("scripted");
  co_return;
}
task<> throw_after(lockgate::duration while_) {
  static_cast<void>(co_await lockgate::sleep_for(while_));
  throw std::runtime_error("scripted");
}
task<> sleep_long() {
  static_cast<void>(co_await lockgate::sleep_for(std::chrono::hours(1)));
}
task<> outlive_stop(support::door* d) {
  co_await lockgate::uninterruptible(d->pass());
}
task<status> deregister(instance self) {
  co_return co_await self.deregister();
}

/// The rows called end with exactly one terminate.
void check_terminated_once(const one_session& w) {
  CHECK(w.s.count(row::terminate_session) == 1);
  CHECK(w.s.rows().back() == row::terminate_session);
  CHECK(w.seen.count(event_kind::session_ending) == 1);
}
task<> deregister_own_session(instance self) {
  static_cast<void>(co_await self.deregister());
}

}  // namespace

TEST_CASE("G20: provider_request, because the provider deregistered") {
  one_session w;
  w.lead_to(row::send_buffers);
  CHECK(w.deregister(w.p) == status());
  CHECK(w.reason() == termination_reason::provider_request);
  check_terminated_once(w);
}

TEST_CASE("G20: platform_shutdown, because the platform stops") {
  one_session w;
  w.lead_to(row::send_buffers);
  CHECK(w.finish(w.cp.stop()) == status());
  CHECK(w.reason() == termination_reason::platform_shutdown);
  check_terminated_once(w);
}

TEST_CASE("G20: provider_timeout, because a row overran") {
  one_session w;
  w.s.usual(row::send_buffers) = act(manner::waits);
  w.lead_to(row::send_buffers);
  w.advance(seconds(30));
  CHECK(w.reason() == termination_reason::provider_timeout);
  check_terminated_once(w);
}

TEST_CASE("G20: provider_other_failure, because the provider failed") {
  one_session w;
  w.s.usual(row::send_buffers) = act(manner::throws);
  w.lead_to(row::send_buffers);
  CHECK(w.reason() == termination_reason::provider_other_failure);
  check_terminated_once(w);
}

TEST_CASE("G20, U16: other_communication_error, because the link to the provider broke") {
  for (const row r : every_row) {
    if (r == row::terminate_session) continue;
    CAPTURE(to_string(r));
    one_session w;
    w.s.usual(r) = act(manner::later);
    w.s.usual(r).awaits = break_link;
    w.lead_to(r);
    w.run();
    CHECK(w.reason() == termination_reason::other_communication_error);
    CHECK(w.p.state() == session_state::ended);
    check_terminated_once(w);
  }
}

TEST_CASE("U16: a row that throws ends the session, whichever row it is") {
  for (const manner how : {manner::throws, manner::throws_later}) {
    for (const row r : every_row) {
      CAPTURE(to_string(r));
      CAPTURE(static_cast<int>(how));
      one_session w;
      w.s.usual(r) = act(how);
      w.lead_to(r);
      w.advance(seconds(1));
      CHECK(w.registering_root->take() == status());
      CHECK(w.seen.count(event_kind::row_threw, r) == 1);
      CHECK(w.p.state() == session_state::ended);
      CHECK(w.reason() == (r == row::terminate_session
                               ? termination_reason::platform_shutdown
                               : termination_reason::provider_other_failure));
      check_terminated_once(w);
      if (w.send_root) CHECK(w.send_root->done());
      if (r == row::send_buffers) CHECK(w.send_root->take() == errc::provider_failed);
      CHECK(w.deregister(w.p) == status());
      CHECK(w.p.state() == session_state::deregistered);
    }
  }
}

TEST_CASE("U16: a spawned task that throws ends the session, in whichever row it runs") {
  for (const bool at_once : {true, false}) {
    for (const row r : every_row) {
      CAPTURE(to_string(r));
      one_session w;
      status spawned;
      w.s.usual(r) = act(manner::waits);
      w.s.usual(r).first = [&] {
        spawned = w.s.self.spawn(at_once ? throw_at_once() : throw_after(seconds(3)));
      };
      w.lead_to(r);
      if (r == row::terminate_session) {
        CHECK(spawned == errc::terminated);  // nothing joins a session that is ending
        continue;
      }
      w.advance(seconds(3));
      CHECK(spawned == status());
      CHECK(w.seen.count(event_kind::task_threw) == 1);
      CHECK(w.reason() == termination_reason::provider_other_failure);
      CHECK(w.p.state() == session_state::ended);
      CHECK(w.time.at - w.called_at(r) == seconds(3));  // the row was stopped at once
      check_terminated_once(w);
    }
  }
}

TEST_CASE("U16: a task that cannot be spawned for want of memory is refused, and ends nothing") {
  one_session w;
  w.lead_to(row::send_buffers);
  CHECK(w.s.self.spawn(task<>()) == errc::no_memory);
  w.run();
  CHECK(w.p.state() == session_state::active);
}

TEST_CASE("U15: a row that overruns is asked to stop; it does, and terminate follows at once") {
  for (const row r : every_row) {
    CAPTURE(to_string(r));
    one_session w;
    const seconds limit(r == row::establish_session ? 60 : 30);
    w.s.usual(r) = act(manner::waits);
    w.lead_to(r);
    const lockgate::time_point called = w.called_at(r);
    w.advance(limit - std::chrono::nanoseconds(1));
    CHECK(w.seen.count(event_kind::row_overran) == 0);
    w.advance(std::chrono::nanoseconds(1));
    CHECK(w.seen.count(event_kind::row_overran, r) == 1);
    CHECK(w.seen.count(event_kind::provider_stuck) == 0);
    CHECK(w.p.state() == session_state::ended);
    if (r != row::terminate_session) {
      CHECK(w.reason() == termination_reason::provider_timeout);
      CHECK(w.called_at(row::terminate_session) - called == limit);
    }
    check_terminated_once(w);
  }
}

TEST_CASE("U15: a row that goes on is awaited for the grace time; then terminate goes out") {
  for (const row r : every_row) {
    if (r == row::establish_session) continue;  // G3: that one is awaited without limit
    CAPTURE(to_string(r));
    one_session w({.idle_time = seconds(10)});
    w.s.usual(r) = act(manner::ignores_stop);
    w.lead_to(r);
    const lockgate::time_point called = w.called_at(r);
    w.advance(seconds(35) - std::chrono::nanoseconds(1));
    CHECK(w.seen.count(event_kind::row_overran, r) == 1);
    CHECK(w.seen.count(event_kind::provider_stuck) == 0);
    CHECK(w.p.state() == session_state::terminating);
    w.advance(std::chrono::nanoseconds(1));
    CHECK(w.seen.count(event_kind::provider_stuck, r) == 1);
    if (r != row::terminate_session) {
      REQUIRE(w.s.count(row::terminate_session) == 1);
      CHECK(w.reason() == termination_reason::provider_timeout);
      CHECK(w.called_at(row::terminate_session) - called == seconds(35));
    }
    // The instance drains when the row returns, not before; its late answer changes nothing.
    const auto deregistering = w.start_deregister(w.p);
    w.advance(std::chrono::hours(2));
    CHECK(w.p.state() == session_state::terminating);
    CHECK_FALSE(deregistering->done());
    w.s.door_of(r).open();
    w.run();
    CHECK(w.p.state() == session_state::deregistered);
    REQUIRE(deregistering->done());
    CHECK(deregistering->take() == status());
    CHECK(w.seen.count(event_kind::provider_stuck) == 1);
    CHECK(w.p.statistics().late_rows == 1);
    check_terminated_once(w);
    if (r == row::transition_active) CHECK(w.s.count(row::add_transport_id) == 0);
    if (r == row::add_transport_id) CHECK_FALSE(w.e.id() != lockgate::transport_id());
  }
}

TEST_CASE("U15: a row that returns within its grace time has terminate follow at once") {
  for (const row r : every_row) {
    if (r == row::establish_session || r == row::terminate_session) continue;
    CAPTURE(to_string(r));
    one_session w({.idle_time = seconds(10)});
    w.s.usual(r) = act(manner::ignores_stop);
    w.lead_to(r);
    w.advance(seconds(33));
    CHECK(w.s.count(row::terminate_session) == 0);
    w.s.door_of(r).open();
    w.run();
    CHECK(w.seen.count(event_kind::provider_stuck) == 0);
    CHECK(w.p.state() == session_state::ended);
    check_terminated_once(w);
  }
}

TEST_CASE(
    "U15: a send that never returns does not keep a session from ending while it deactivates") {
  one_session w({.row_timeout = seconds(100), .idle_time = seconds(10)});
  w.s.usual(row::send_buffers) = act(manner::ignores_stop);
  w.lead_to(row::send_buffers);
  REQUIRE(w.run_until([&] { return w.p.state() == session_state::deactivating; }));
  CHECK(w.s.count(row::transition_dormant) == 0);  // it waits for the send
  REQUIRE(w.run_until([&] { return w.s.count(row::terminate_session) == 1; }));
  CHECK(w.called_at(row::terminate_session) - w.called_at(row::send_buffers) == seconds(105));
  CHECK(w.reason() == termination_reason::provider_timeout);
}

TEST_CASE("U15: a spawned task that heeds its stop is not waited for any longer") {
  one_session w;
  w.lead_to(row::send_buffers);
  CHECK(w.s.self.spawn(sleep_long()) == status());
  w.run();
  const auto deregistering = w.start_deregister(w.p);
  w.run();
  CHECK(deregistering->done());
}

TEST_CASE("U15: a spawned task that goes on is awaited for the grace time, and then drains") {
  one_session w;
  support::door way_out;
  w.lead_to(row::send_buffers);
  CHECK(w.s.self.spawn(outlive_stop(&way_out)) == status());
  const auto deregistering = w.start_deregister(w.p);
  w.advance(seconds(5) - std::chrono::nanoseconds(1));
  CHECK(w.s.count(row::terminate_session) == 0);
  w.advance(std::chrono::nanoseconds(1));
  CHECK(w.s.count(row::terminate_session) == 1);
  w.advance(std::chrono::hours(1));
  CHECK_FALSE(deregistering->done());
  way_out.open();
  w.run();
  CHECK(deregistering->done());
}

TEST_CASE("U15, F21: an instance that misbehaves leaves the others alone") {
  // What the good instance is asked is the same, whatever the other one does.
  std::vector<support::row_called> undisturbed;
  for (const manner how :
       {manner::now, manner::throws, manner::throws_later, manner::waits, manner::ignores_stop}) {
    for (const row r : every_row) {
      CAPTURE(to_string(r));
      CAPTURE(static_cast<int>(how));
      support::platform_world w;
      script& good = w.make_script();
      script& bad = w.make_script();
      bad.usual(row::reach_transport_id) = act(manner::now, errc::unreachable);
      bad.usual(r) = act(how, r == row::reach_transport_id ? errc::unreachable : errc::ok);
      provider_instance a = w.create(good), b = w.create(bad);
      CHECK(w.register_instance(a) == status());
      CHECK(w.register_instance(b) == status());
      auto e = w.cp.open_endpoint();
      const auto ready = w.start_ready(e);
      w.advance(seconds(1));
      const auto send = w.start_send(e, support::peer_id(1), "message");
      w.advance(std::chrono::minutes(5));
      const auto deregistering = w.start_deregister(b);
      w.advance(std::chrono::minutes(5));
      CHECK(w.deregister(a) == status());
      std::vector<row> rows = good.rows();
      const std::vector<row> all{row::establish_session,  row::transition_active,
                                 row::add_transport_id,   row::reach_transport_id,
                                 row::send_buffers,       row::remove_transport_id,
                                 row::transition_dormant, row::terminate_session};
      // Which of the two finds the endpoint's id may differ; that it is added here may not.
      CHECK(rows == all);
      CHECK(send->take() == status());
      CHECK(good.last(row::terminate_session).reason == termination_reason::provider_request);
    }
  }
}

TEST_CASE("U17: an active session is terminated without a dormancy notice") {
  for (const bool by_platform : {true, false}) {
    one_session w;
    w.lead_to(row::send_buffers);
    CHECK(w.p.state() == session_state::active);
    if (by_platform) CHECK(w.finish(w.cp.stop()) == status());
    else CHECK(w.deregister(w.p) == status());
    CHECK(w.s.count(row::transition_dormant) == 0);
    CHECK(w.s.count(row::remove_transport_id) == 0);  // U13: ids end with the session
    check_terminated_once(w);
  }
}

TEST_CASE("U18: the first trigger decides the reason, and deregister joins") {
  one_session w;
  w.s.usual(row::terminate_session) = act(manner::waits);
  w.lead_to(row::terminate_session);
  const auto joined = w.start_deregister(w.p);
  const auto from_provider = w.start(deregister(w.s.self));
  w.run();
  CHECK_FALSE(joined->done());
  CHECK_FALSE(from_provider->done());
  w.s.door_of(row::terminate_session).open();
  w.run();
  REQUIRE(joined->done());
  REQUIRE(from_provider->done());
  CHECK(joined->take() == status());
  CHECK(from_provider->take() == status());
  CHECK(w.reason() == termination_reason::platform_shutdown);
  CHECK(w.p.state() == session_state::deregistered);
  check_terminated_once(w);
}

TEST_CASE("U18: every pair of triggers gives one terminate, with the reason of the first") {
  const auto trigger = [](one_session& w, int which) {
    switch (which) {
      case 0: return w.start_deregister(w.p);
      case 1: return w.start(w.cp.stop());
      case 2: CHECK(w.s.self.spawn(throw_at_once()) == status()); break;
      default: CHECK(w.s.self.spawn(break_link(w.s.self)) == status()); break;
    }
    w.run();
    return std::unique_ptr<support::running<status>>();
  };
  const termination_reason expected[] = {
      termination_reason::provider_request, termination_reason::platform_shutdown,
      termination_reason::provider_other_failure, termination_reason::other_communication_error};
  for (int first = 0; first < 4; ++first) {
    for (int second = 0; second < 2; ++second) {
      CAPTURE(first);
      CAPTURE(second);
      one_session w;
      w.lead_to(row::send_buffers);
      w.s.usual(row::terminate_session) = act(manner::waits);
      const auto one = trigger(w, first);
      const auto two = trigger(w, second);
      w.run();
      w.s.door_of(row::terminate_session).open();
      w.advance(seconds(1));
      if (one) CHECK(one->done());
      CHECK(two->done());
      CHECK(two->take() == status());
      CHECK(w.reason() == expected[first]);
      CHECK(w.p.state() ==
            (first == 0 || second == 0 ? session_state::deregistered : session_state::ended));
      check_terminated_once(w);
    }
  }
}

TEST_CASE(
    "U15: a row that deregisters before it suspends holds terminate up no longer than others") {
  for (const row r : {row::reach_transport_id, row::send_buffers}) {
    CAPTURE(to_string(r));
    one_session w;
    act endless(manner::ignores_stop);
    endless.awaits = deregister_own_session;
    w.lead_to(row::send_buffers);
    w.s.plan(r, endless);
    const auto sending = w.start_send(w.e, support::peer_id(r == row::send_buffers ? 1 : 2), "x");
    w.run();
    CHECK(w.p.state() == session_state::terminating);
    CHECK(w.s.count(row::terminate_session) == 0);
    w.advance(w.cp.options().row_grace);
    CHECK(w.s.count(row::terminate_session) == 1);
    CHECK(w.s.running == 1);
    w.s.door_of(r).open();
    w.run();
    CHECK(w.p.state() == session_state::deregistered);
  }
}

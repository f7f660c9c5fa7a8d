// The table of events and states, cell by cell.
#include "support/one_session.hpp"

using lockgate::errc;
using lockgate::event_kind;
using lockgate::instance;
using lockgate::row;
using lockgate::session_state;
using lockgate::status;
using lockgate::task;
using lockgate::termination_reason;
using std::chrono::seconds;
using support::act;
using support::every_row;
using support::every_state;
using support::manner;
using support::one_session;

namespace {

using enum lockgate::session_state;

task<status> break_link(instance self) {
  co_return co_await self.report_broken_link();
}

constexpr bool has_session(session_state s) {
  return s >= establishing && s <= terminating;
}
constexpr bool is_up(session_state s) {
  return s >= idle && s <= deactivating;
}

/// A session in a state, whose provider answers now or later.
struct cell : one_session {
  cell(session_state state, bool later) {
    for (const row r : every_row) s.usual(r) = act(later ? manner::later : manner::now);
    lead_to(state);
  }
  void open_every_door() {
    s.open_all_for_good();
    policy.open.complete_all();
    run();
  }
  [[nodiscard]] int terminated() const { return s.count(row::terminate_session); }
};

/// Calls `check` for each state, with a provider that answers now and one that answers later.
template <class F>
void in_every_state(F check) {
  for (const bool later : {false, true}) {
    for (const session_state state : every_state) {
      CAPTURE(later);
      CAPTURE(to_string(state));
      cell c(state, later);
      check(c, state);
      // Wherever a cell led: ids, peers and messages are served in ACTIVE only.
      c.open_every_door();
      session_state now = created;
      for (const lockgate::event& e : c.seen.events) {
        if (e.kind == event_kind::state_changed) now = e.to;
        if (e.kind != event_kind::row_began) continue;
        if (e.which == row::add_transport_id || e.which == row::reach_transport_id ||
            e.which == row::send_buffers)
          CHECK(now == active);
        if (e.which == row::remove_transport_id) CHECK((now == active || now == deactivating));
      }
      CHECK(c.terminated() <= 1);
    }
  }
}

/// The session ends with `reason`, after establish has returned, and asks no row but terminate.
void check_ends(cell& c, session_state from, termination_reason reason) {
  c.run();
  if (from == establishing) {
    CHECK(c.s.last(row::establish_session).which == row::establish_session);
    c.open_every_door();
  }
  c.advance(seconds(1));
  CHECK(c.terminated() == 1);
  CHECK(c.s.rows().back() == row::terminate_session);
  CHECK(c.reason() == reason);
}

}  // namespace

TEST_CASE("section 5: register") {
  in_every_state([](cell& c, session_state state) {
    const auto again = c.start(c.p.register_instance());
    c.run();
    REQUIRE(again->done());
    if (state == created) {
      CHECK(again->take() == status());
      CHECK(c.p.state() == idle);
    } else {
      CHECK(again->take() ==
            (state == registering ? errc::invalid_state : errc::already_registered));
      CHECK(c.p.state() == state);
    }
  });
}

TEST_CASE("section 5: deregister") {
  in_every_state([](cell& c, session_state state) {
    const auto ending = c.start_deregister(c.p);
    if (state == establishing) {
      CHECK_FALSE(ending->done());  // pended: the row runs
      CHECK(c.p.state() == establishing);
    }
    c.run();
    if (state == terminating) {
      CHECK_FALSE(ending->done());  // joins
      c.open_every_door();
    }
    REQUIRE(ending->done());
    switch (state) {
      case created: CHECK(ending->take() == errc::not_registered); break;
      case registering:
      case deregistered: CHECK(ending->take() == errc::invalid_state); break;
      default:
        CHECK(ending->take() == status());
        CHECK(c.p.state() == deregistered);
        CHECK(c.terminated() == 1);
    }
    if (state < establishing || state == deregistered) CHECK(c.p.state() == state);
    if (state >= establishing && state <= deactivating)
      CHECK(c.reason() == termination_reason::provider_request);
  });
}

TEST_CASE("section 5: destroy, which in C++ is to drop the handle") {
  in_every_state([](cell& c, session_state state) {
    c.p = lockgate::provider_instance();
    c.run();
    c.open_every_door();
    CHECK(c.s.destroyed == 1);
    const bool lived = has_session(state) || state == ended || state == deregistered;
    CHECK(c.terminated() == (lived ? 1 : 0));
    if (state == registering) CHECK(c.registering_root->take() == errc::closed);
    // DESTROYED: the empty handle refuses what the table has E_HANDLE for.
    CHECK(c.deregister(c.p) == errc::not_registered);
    CHECK(c.register_instance(c.p) == errc::invalid_state);
    CHECK(c.s.destroyed == 1);
  });
}

TEST_CASE("section 5, G6: indicate") {
  in_every_state([](cell& c, session_state state) {
    if (state == created || state == registering) {
      CHECK(c.s.calls.empty());  // nobody has the instance yet
      return;
    }
    const auto taken = c.e.statistics().messages_received;
    lockgate::incoming message(c.e.id(), support::peer_id(1), support::lease_of("x"));
    const status indicated = c.s.self.indicate(std::move(message));
    CHECK(indicated == (state == active ? errc::ok : errc::not_active));
    CHECK(c.e.statistics().messages_received == taken + (state == active ? 1u : 0u));
    CHECK(c.p.state() == state);
  });
}

TEST_CASE("section 5: registration granted, refused, and establish returned") {
  for (const bool later : {false, true}) {
    cell refused(registering, later);
    refused.policy.answer = errc::registration_refused;
    refused.open_every_door();
    CHECK(refused.registering_root->take() == errc::registration_refused);
    CHECK(refused.p.state() == created);
    CHECK(refused.s.calls.empty());

    cell granted(registering, later);
    granted.s.usual(row::establish_session) = act(manner::waits);
    granted.policy.open.complete_all();
    granted.run();
    CHECK(granted.registering_root->take() == status());
    CHECK(granted.p.state() == establishing);
    granted.open_every_door();
    CHECK(granted.p.state() == idle);
  }
}

TEST_CASE("section 5: application demand") {
  in_every_state([](cell& c, session_state state) {
    if (state == terminating || state == ended) return;  // in the next test: here, no endpoint is
    if (!c.e) c.e = c.cp.open_endpoint();
    const int activations = c.s.count(row::transition_active);
    const int sends = c.s.count(row::send_buffers);
    const auto demand = c.start_send(c.e, support::peer_id(1), "demand");
    c.run();
    switch (state) {
      case created:
      case registering:
      case deregistered:
        REQUIRE(demand->done());
        CHECK(demand->take() == errc::unreachable);
        CHECK(c.s.count(row::transition_active) == activations);
        break;
      case establishing:
      case activating:
      case deactivating:
        CHECK_FALSE(demand->done());
        CHECK(c.p.state() == state);
        c.open_every_door();
        REQUIRE(demand->done());
        CHECK(demand->take() == status());
        CHECK(c.s.count(row::transition_active) == (state == deactivating ? 2 : 1));
        CHECK(c.s.count(row::send_buffers) == sends + 1);
        break;
      default:
        REQUIRE(demand->done());
        CHECK(demand->take() == status());
        CHECK(c.s.count(row::transition_active) == 1);
        CHECK(c.s.count(row::send_buffers) == sends + 1);
        CHECK(c.p.state() == active);
    }
  });
}

TEST_CASE("section 5: demand on a session that has ended, with the platform still running") {
  for (const session_state state : {terminating, ended, deregistered}) {
    CAPTURE(to_string(state));
    one_session w;
    w.lead_to(row::send_buffers);
    w.s.usual(row::terminate_session) = act(state == terminating ? manner::waits : manner::now);
    const auto broken = w.start(break_link(w.s.self));
    w.run();
    if (state == deregistered) CHECK(w.deregister(w.p) == status());
    REQUIRE(w.p.state() == state);
    CHECK(w.send(w.e, support::peer_id(1), "refused") == errc::unreachable);
    CHECK(w.s.count(row::transition_active) == 1);
  }
}

TEST_CASE("section 5: activation succeeds, fails, or answers after the end") {
  for (const status answer : {status(), status(errc::unreachable)}) {
    for (const bool ended_meanwhile : {false, true}) {
      one_session w;
      w.s.usual(row::transition_active) = act(manner::ignores_stop, answer);
      w.lead_to(row::transition_active);
      CHECK(w.p.state() == activating);
      const auto demand = w.start_send(w.e, support::peer_id(1), "demand");
      w.run();
      std::unique_ptr<support::running<status>> ending;
      if (ended_meanwhile) ending = w.start_deregister(w.p);
      w.run();
      CHECK(demand->done() == ended_meanwhile);
      w.s.door_of(row::transition_active).open();
      w.run();
      REQUIRE(demand->done());
      const std::vector<session_state> states = w.seen.states(w.p.id());
      if (ended_meanwhile) {
        CHECK(w.p.state() == deregistered);
        CHECK(states == std::vector{establishing, idle, activating, terminating, deregistered});
        CHECK(demand->take() == errc::terminated);
      } else if (!answer.ok()) {
        CHECK(w.p.state() == idle);
        CHECK(demand->take() == errc::activation_failed);
      } else {
        CHECK(w.p.state() == active);
        CHECK(demand->take() == status());
      }
    }
  }
}

TEST_CASE("section 5: unused, and dormant whatever the row answers") {
  for (const status answer : {status(), status(errc::timed_out)}) {
    for (const bool later : {false, true}) {
      one_session w;
      w.s.usual(row::transition_dormant) = act(later ? manner::later : manner::now, answer);
      w.s.usual(row::remove_transport_id) = act(later ? manner::later : manner::now, answer);
      w.lead_to(row::transition_dormant);
      w.run();
      CHECK(w.p.state() == idle);
      const std::vector<row> rows = w.s.rows();
      CHECK(std::vector(rows.end() - 2, rows.end()) ==
            std::vector{row::remove_transport_id, row::transition_dormant});
      CHECK(w.seen.states(w.p.id()) ==
            std::vector{establishing, idle, activating, active, deactivating, idle});
    }
  }
}

TEST_CASE("section 5: the platform shuts down") {
  in_every_state([](cell& c, session_state state) {
    if (state == terminating || state == ended) return;  // that is how they came there
    const auto stopping = c.start(c.cp.stop());
    if (state == registering) {
      c.open_every_door();
      CHECK(c.registering_root->take() == errc::closed);
    } else if (state >= establishing && state <= deactivating) {
      if (state == establishing) CHECK(c.p.state() == establishing);  // deferred
      check_ends(c, state, termination_reason::platform_shutdown);
    }
    c.advance(seconds(1));
    CHECK(stopping->done());
    if (state == created || state == registering) CHECK(c.p.state() == created);
    else CHECK(c.p.state() == (state == deregistered ? deregistered : ended));
  });
}

TEST_CASE("section 5: the watchdog") {
  for (const session_state state : {establishing, activating, deactivating}) {
    for (const bool later : {false, true}) {
      CAPTURE(to_string(state));
      cell c(state, later);
      c.advance(seconds(state == establishing ? 60 : 30));
      CHECK(c.p.state() == ended);
      CHECK(c.reason() == termination_reason::provider_timeout);
    }
  }
  one_session w;
  w.s.usual(row::send_buffers) = act(manner::waits);
  w.lead_to(row::send_buffers);
  CHECK(w.p.state() == active);
  w.advance(seconds(30));
  CHECK(w.p.state() == ended);
  CHECK(w.reason() == termination_reason::provider_timeout);
}

TEST_CASE("section 5: the link to the provider breaks") {
  in_every_state([](cell& c, session_state state) {
    if (state == created || state == registering) return;
    const auto reported = c.start(break_link(c.s.self));
    REQUIRE(reported->done());
    if (state == establishing || is_up(state)) {
      CHECK(reported->take() == status());
      if (state == establishing) CHECK(c.p.state() == establishing);  // deferred
      check_ends(c, state, termination_reason::other_communication_error);
      CHECK(c.p.state() == ended);
    } else {
      CHECK(reported->take() == errc::terminated);
      CHECK(c.p.state() == state);
    }
  });
}

TEST_CASE("section 5: terminate returned and drained") {
  for (const bool deregister_called : {false, true}) {
    one_session w;
    w.lead_to(terminating);
    std::unique_ptr<support::running<status>> ending;
    if (deregister_called) ending = w.start_deregister(w.p);
    w.s.door_of(row::terminate_session).open();
    w.run();
    CHECK(w.p.state() == (deregister_called ? deregistered : ended));
  }
}

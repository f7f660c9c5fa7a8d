// The timeline and the fan-out.
#include "lockgate/observe/timeline.hpp"  // for timeline
#include "lockgate/observe/fan_out.hpp"   // for fan_out

#include "support/allocation.hpp"  // for allocations_made
#include "support/doctest.hpp"

using namespace lockgate;

namespace {

event make(event_kind kind, std::uint32_t instance = 1, std::uint32_t amount = 0) {
  event e;
  e.kind = kind;
  e.instance = instance;
  e.amount = amount;
  return e;
}
event make_row(event_kind kind, row which, std::uint32_t instance = 1) {
  event e = make(kind, instance);
  e.which = which;
  return e;
}
event make_state(session_state to) {
  event e = make(event_kind::state_changed);
  e.to = to;
  return e;
}

}  // namespace

TEST_CASE("a timeline keeps the latest events and counts the others") {
  timeline events(3);
  for (std::uint32_t i = 1; i <= 5; ++i) events.on(make(event_kind::instance_created, i));
  REQUIRE(events.size() == 3);
  CHECK(events.overwritten() == 2);
  CHECK(events[0].first.instance == 3);
  CHECK(events[2].first.instance == 5);
  events.clear();
  CHECK(events.empty());
  CHECK(events.overwritten() == 0);
}

TEST_CASE("a timeline allocates nothing once it is there") {
  timeline events(4, timeline::traffic::counted);
  const auto before = support::allocations_made();
  for (int i = 0; i < 100; ++i) events.on(make(event_kind::message_sent, 1, 10));
  for (int i = 0; i < 100; ++i) events.on(make(event_kind::call_pended));
  CHECK(support::allocations_made() == before);
}

TEST_CASE("a timeline answers what happened and in which order") {
  timeline events;
  events.on(make_row(event_kind::row_began, row::establish_session));
  events.on(make_row(event_kind::row_ended, row::establish_session));
  events.on(make_state(session_state::idle));
  events.on(make_row(event_kind::row_began, row::transition_active, 2));

  CHECK(
      events.has_order({step::began(row::establish_session), step::entered(session_state::idle)}));
  CHECK(events.has_order(
      {step::ended(row::establish_session), step::began(row::transition_active).of(2)}));
  CHECK_FALSE(
      events.has_order({step::entered(session_state::idle), step::ended(row::establish_session)}));
  CHECK_FALSE(events.has(step::began(row::transition_active).of(1)));
  CHECK_FALSE(events.has(step::entered(session_state::active)));
  CHECK(events.count(event_kind::row_began) == 2);
  CHECK(events.has_order({}));
}

TEST_CASE("messages become one entry only when they are to be counted") {
  timeline listed, counted(64, timeline::traffic::counted);
  fan_out both(listed, counted);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) both.on(make(event_kind::message_sent, 1, 100));
    both.on(make(event_kind::message_sent, 2, 1));
    both.on(make(event_kind::message_received, 1, 7));
    both.on(make(event_kind::message_sent, 1, 100));
    both.on(make(event_kind::call_pended));
  }
  CHECK(listed.size() == 14);
  REQUIRE(counted.size() == 8);  // a run ends where something else happens
  CHECK(counted[0].count == 4);
  CHECK(counted[0].amount == 400);
  CHECK(counted[1].first.instance == 2);
  CHECK(counted.count(event_kind::message_sent) == 10);
  CHECK(listed.count(event_kind::message_sent) == 10);
}

TEST_CASE("a counted timeline keeps failures apart from successes") {
  timeline counted(64, timeline::traffic::counted);
  event refused = make_row(event_kind::row_ended, row::send_buffers);
  counted.on(refused);
  refused.result = errc::unreachable;
  counted.on(refused);
  event dropped = make(event_kind::message_dropped);
  counted.on(dropped);
  dropped.cause = drop_cause::queue_full;
  counted.on(dropped);
  CHECK(counted.size() == 4);
}

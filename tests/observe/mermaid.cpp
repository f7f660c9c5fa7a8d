// Diagrams, compared with the files in golden/.
#include "lockgate/observe/mermaid.hpp"  // for mermaid

#include "support/doctest.hpp"
#include "support/golden.hpp"            // for golden
#include "support/observed_session.hpp"  // for run_observed_session, id_of

#include <string>  // for string

using namespace lockgate;
using support::id_of;

namespace {

std::string golden(const char* name) {
  return support::golden(std::string("observe/golden/") + name);
}

}  // namespace

TEST_CASE("the diagram of a session reads as it went, whether messages were listed or counted") {
  for (const auto messages : {timeline::traffic::listed, timeline::traffic::counted}) {
    timeline events(256, messages);
    participant name{0, "moody"};
    support::run_observed_session(events, [&](std::uint32_t id) { name.instance = id; });
    CHECK(mermaid(events, {&name, 1}) == golden("session.mmd"));
  }
}

TEST_CASE("a diagram shows every kind of mishap") {
  timeline events(64);
  const auto tell = [&](event_kind kind, auto fill) {
    event e;
    e.kind = kind;
    e.instance = 1;
    fill(e);
    events.on(e);
  };
  const auto plain = [](event&) {};
  const auto establish = [](event& e) { e.which = row::establish_session; };
  tell(event_kind::instance_created, plain);
  tell(event_kind::registration_ended, [](event& e) { e.result = errc::interface_not_owned; });
  tell(event_kind::row_began, establish);
  tell(event_kind::call_pended, plain);
  tell(event_kind::call_pended, plain);
  tell(event_kind::row_overran, establish);
  tell(event_kind::call_refused, [](event& e) { e.result = errc::terminated; });
  tell(event_kind::provider_stuck, establish);
  tell(event_kind::row_threw, establish);
  tell(event_kind::task_threw, plain);
  tell(event_kind::row_ended, [](event& e) {
    e.which = row::establish_session;
    e.result = errc::provider_failed;
  });
  tell(event_kind::message_dropped, [](event& e) { e.cause = drop_cause::queue_full; });
  tell(event_kind::message_dropped, [](event& e) { e.cause = drop_cause::queue_full; });
  tell(event_kind::message_dropped, [](event& e) { e.cause = drop_cause::not_active; });
  tell(event_kind::row_ended, [](event& e) {
    e.which = row::send_buffers;
    e.result = errc::would_block;
  });
  tell(event_kind::row_began, [](event& e) { e.which = row::send_buffers; });
  tell(event_kind::session_ending,
       [](event& e) { e.reason = termination_reason::provider_timeout; });
  tell(event_kind::signal_sent, [](event& e) { e.id = id_of(9); });
  tell(event_kind::signal_received, [](event& e) { e.id = id_of(9); });
  tell(event_kind::path_closed, [](event& e) { e.id = id_of(9); });
  const participant name{1, "adapter #1; the first"};
  CHECK(mermaid(events, {&name, 1}) == golden("mishaps.mmd"));
}

TEST_CASE("a row whose beginning was overwritten closes no bar") {
  timeline events(2);
  event e;
  e.instance = 1;
  e.which = row::establish_session;
  e.kind = event_kind::row_began;
  events.on(e);
  e.kind = event_kind::row_ended;
  events.on(e);
  e.kind = event_kind::state_changed;
  e.from = session_state::establishing;
  e.to = session_state::idle;
  events.on(e);
  CHECK(mermaid(events) == golden("overwritten.mmd"));
}

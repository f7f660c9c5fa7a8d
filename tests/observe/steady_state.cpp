// What observers cost in the long run: no allocation for an event.
#include "lockgate/observe/chrome_trace.hpp"  // for chrome_trace
#include "lockgate/observe/fan_out.hpp"       // for fan_out
#include "lockgate/observe/log_line.hpp"      // for log_lines
#include "lockgate/observe/pcapng.hpp"        // for pcapng
#include "lockgate/observe/prometheus.hpp"    // for prometheus_metrics
#include "lockgate/observe/status_board.hpp"  // for status_board
#include "lockgate/observe/timeline.hpp"      // for timeline

#include "support/allocation.hpp"  // for allocations_made, failing_allocation
#include "support/doctest.hpp"
#include "support/observed_events.hpp"   // for teller
#include "support/observed_session.hpp"  // for id_of

using namespace lockgate;
using support::id_of;

namespace {

/// The events of a turn: rows, traffic and drops, at times that make counters come due.
template <class Observer>
void turn(Observer& to, int number) {
  support::teller tell(to);
  const int at = 7 * number;
  tell.began(at, row::reach_transport_id, id_of(1));
  tell.began(at, row::send_buffers, id_of(2));
  tell.message(at, event_kind::message_sent, 1200);
  tell.ended(at + 2, row::send_buffers, {}, id_of(2));
  tell.ended(at + 3, row::reach_transport_id, errc::unreachable, id_of(1));
  tell.message(at + 4, event_kind::message_received, 1200);
  tell.drop(at + 4, drop_cause::queue_full);
  tell.state(at + 5, session_state::active, session_state::deactivating);
  tell.state(at + 6, session_state::deactivating, session_state::active);
}

const auto ignore = [](std::string_view) {};

}  // namespace

TEST_CASE("observers do not allocate for events of instances and rows that they know") {
  timeline events(64, timeline::traffic::counted);
  chrome_trace trace(ignore);
  pcapng capture(ignore, {.least = log_level::trace});
  prometheus_metrics metrics;
  status_board board;
  log_lines log([](log_level, std::string_view) {}, log_level::trace);
  fan_out all(events, trace, capture, metrics, board, log);
  const std::vector<std::byte> payload(1200);
  outgoing message;
  message.payload = chain(bytes_view(payload));
  const observed_message shown(message, true);
  for (int i = 0; i < 10; ++i) {
    turn(all, i);
    all.on_message(shown);
  }
  const std::uint64_t before = support::allocations_made();
  for (int i = 10; i < 1000; ++i) {
    turn(all, i);
    all.on_message(shown);
  }
  CHECK(support::allocations_made() == before);
}

TEST_CASE("an observer without memory loses an event, counts it, and goes on") {
  std::string text;
  chrome_trace trace(text);
  support::teller tell(trace);
  {
    const support::failing_allocation first(1);
    tell.state(1, session_state::created, session_state::establishing);
    REQUIRE(first.happened());
  }
  CHECK(trace.lost() == 1);
  tell.state(2, session_state::establishing, session_state::idle);
  trace.finish();
  CHECK(text.find("IDLE") != std::string::npos);
}

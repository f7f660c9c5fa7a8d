// Metrics: what is counted, and that the number of series never depends on what happens.
#include "lockgate/observe/prometheus.hpp"  // for prometheus_metrics

#include "support/doctest.hpp"
#include "support/golden.hpp"            // for golden
#include "support/observed_events.hpp"   // for teller
#include "support/observed_session.hpp"  // for run_observed_session, id_of

#include <sstream>  // for istringstream
#include <string>   // for string

using namespace lockgate;

namespace {

/// The samples, without the comments and without their values.
std::string series(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.front() != '#') out += line.substr(0, line.rfind(' ')) + '\n';
  return out;
}
bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the metrics of a session count what happened") {
  prometheus_metrics metrics;
  support::run_observed_session(metrics);
  CHECK(metrics.text() == support::golden("observe/golden/session.metrics"));
}

TEST_CASE("the series are the same before anything happened and after everything did") {
  prometheus_metrics idle, busy;
  support::run_observed_session(busy);
  for (std::uint32_t instance = 2; instance < 50; ++instance) {
    support::teller tell(busy, instance);
    tell.state(1, session_state::created, session_state::establishing);
    tell.began(2, row::reach_transport_id, support::id_of(static_cast<unsigned char>(instance)));
    tell.drop(3, drop_cause::unknown_id);
  }
  CHECK(series(idle.text()) == series(busy.text()));
  CHECK(has(busy.text(), R"(lockgate_instances{state="ESTABLISHING"} 48)"));
  CHECK(has(busy.text(), R"(lockgate_rows_open{row="reach_transport_id"} 48)"));
}

TEST_CASE("an instance counts from its registration to its end") {
  prometheus_metrics metrics;
  support::teller tell(metrics);
  tell(0, event_kind::instance_created);
  tell.state(1, session_state::created, session_state::establishing);
  tell.state(30, session_state::establishing, session_state::idle);
  CHECK(has(metrics.text(), R"(lockgate_instances{state="IDLE"} 1)"));
  tell.state(50, session_state::idle, session_state::activating);
  tell.state(121, session_state::activating, session_state::active);
  tell.state(200, session_state::active, session_state::deactivating);
  tell.state(210, session_state::deactivating, session_state::idle);
  tell.state(220, session_state::idle, session_state::activating);
  tell.state(230, session_state::activating, session_state::active);  // not for the first time
  CHECK(has(metrics.text(), "lockgate_activation_seconds_count 1"));
  CHECK(has(metrics.text(), "lockgate_activation_seconds_sum 0.12"));
  CHECK(has(metrics.text(), R"(lockgate_activation_seconds_bucket{le="0.1"} 0)"));
  CHECK(has(metrics.text(), R"(lockgate_activation_seconds_bucket{le="0.5"} 1)"));
  CHECK(has(metrics.text(), R"(lockgate_activation_seconds_bucket{le="+Inf"} 1)"));
  tell.state(300, session_state::active, session_state::deregistered);
  for (int s = 0; s < session_state_count; ++s)
    CHECK_FALSE(has(metrics.text(), "lockgate_instances{state=\"" +
                                        std::string(to_string(static_cast<session_state>(s))) +
                                        "\"} 1"));
}

TEST_CASE("mishaps are counted by row, and held calls by what became of them") {
  prometheus_metrics metrics;
  support::teller tell(metrics);
  const auto reach = [](event& e) { e.which = row::reach_transport_id; };
  tell(1, event_kind::row_overran, reach);
  tell(2, event_kind::provider_stuck, reach);
  tell(3, event_kind::row_threw, reach);
  tell(4, event_kind::task_threw);
  for (int i = 0; i < 5; ++i) tell(5, event_kind::call_pended);
  for (int i = 0; i < 2; ++i) tell(6, event_kind::call_resumed);
  tell(7, event_kind::call_refused);
  tell(8, event_kind::session_ending,
       [](event& e) { e.reason = termination_reason::provider_timeout; });
  const std::string text = metrics.text();
  CHECK(has(text, R"(lockgate_rows_overran_total{row="reach_transport_id"} 1)"));
  CHECK(has(text, R"(lockgate_rows_stuck_total{row="reach_transport_id"} 1)"));
  CHECK(has(text, R"(lockgate_exceptions_total{from="row"} 1)"));
  CHECK(has(text, R"(lockgate_exceptions_total{from="task"} 1)"));
  CHECK(has(text, "lockgate_calls_held 2"));
  CHECK(has(text, R"(lockgate_held_calls_total{outcome="resumed"} 2)"));
  CHECK(has(text, R"(lockgate_held_calls_total{outcome="refused"} 1)"));
  CHECK(has(text, R"(lockgate_sessions_ended_total{reason="provider_timeout"} 1)"));
}

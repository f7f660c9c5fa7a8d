// Why something still waits: one sentence for everything that holds something up.
#include "lockgate/observe/status_board.hpp"  // for status_board

#include "support/doctest.hpp"
#include "support/observed_events.hpp"   // for teller
#include "support/observed_session.hpp"  // for run_observed_session, id_of
#include "support/one_session.hpp"       // for one_session

#include <string>  // for string
#include <vector>  // for vector

using namespace lockgate;
using support::id_of;
using sentences = std::vector<std::string>;

namespace {

time_point at(int milliseconds) {
  return time_point(std::chrono::milliseconds(milliseconds));
}

}  // namespace

TEST_CASE("nothing waits before a session, nor after it") {
  status_board board;
  CHECK(board.waits(at(0)).empty());
  support::run_observed_session(board);
  CHECK(board.waits(at(20000)).empty());
  CHECK(board.instances().at(1).messages_sent == 3);
  CHECK(board.instances().at(1).bytes_received == 9);
  CHECK(board.instances().at(1).state == session_state::deregistered);
  CHECK(board.endpoints().empty());
}

TEST_CASE("held calls wait for establish_session, and the row is named") {
  status_board board;
  support::teller tell(board);
  board.name_instance(1, "slow");
  tell.state(0, session_state::created, session_state::establishing);
  tell.began(1000, row::establish_session);
  tell(2000, event_kind::call_pended);
  tell(3000, event_kind::call_pended);
  CHECK(board.waits(at(4200)) ==
        sentences{"slow: establish_session has run for 3.2 s; no other row of the instance runs "
                  "before it ends",
                  "slow: 2 calls have been held for up to 2.2 s, until establish_session ends"});
  tell.ended(5000, row::establish_session);
  tell.state(5000, session_state::establishing, session_state::idle);
  tell(5000, event_kind::call_resumed);
  tell(5000, event_kind::call_refused);
  CHECK(board.waits(at(5000)).empty());
}

TEST_CASE("what has not waited long is not told") {
  status_board board;
  support::teller tell(board);
  tell.began(0, row::reach_transport_id, id_of(9));
  CHECK(board.waits(at(299), std::chrono::milliseconds(300)).empty());
  CHECK(board.waits(at(300), std::chrono::milliseconds(300)) ==
        sentences{"instance 1: reach_transport_id fd00::9 has run for 0.3 s; messages to the peer "
                  "wait for it"});
}

TEST_CASE("a row that overran is told apart from one that does not stop") {
  status_board board;
  support::teller tell(board);
  const auto active = [](event& e) { e.which = row::transition_active; };
  tell.began(0, row::transition_active);
  tell(1000, event_kind::row_overran, active);
  CHECK(board.waits(at(1000)) ==
        sentences{"instance 1: transition_active has run for 1.0 s and was asked to stop; sends "
                  "and endpoints without an id wait for it"});
  tell(2000, event_kind::provider_stuck, active);
  CHECK(board.waits(at(2000)).front().find(" and does not stop; ") != std::string::npos);
  tell.ended(3000, row::transition_active, errc::timed_out);
  CHECK(board.waits(at(3000)).empty());
}

TEST_CASE("an endpoint without an id says which instance is not ready, or that there is none") {
  status_board board;
  const auto endpoint = [](event& e) {
    e.instance = 0;
    e.endpoint = 4;
  };
  support::teller tell(board);
  tell(0, event_kind::endpoint_opened, endpoint);
  CHECK(board.waits(at(500)) ==
        sentences{"endpoint 4 has had no id for 0.5 s; no instance is registered"});
  tell.state(600, session_state::idle, session_state::activating);
  CHECK(board.waits(at(700)) ==
        sentences{"endpoint 4 has had no id for 0.7 s; instance 1 is ACTIVATING"});
  tell(800, event_kind::endpoint_ready, [&](event& e) {
    endpoint(e);
    e.id = id_of(1);
  });
  CHECK(board.waits(at(900)).empty());
}

TEST_CASE("a failed activation waits to be tried again") {
  status_board board;
  support::teller tell(board);
  tell.state(0, session_state::idle, session_state::activating);
  tell.began(0, row::transition_active);
  tell.ended(100, row::transition_active, errc::timed_out);
  tell.state(100, session_state::activating, session_state::idle);
  CHECK(board.waits(at(600)) ==
        sentences{"instance 1: transition_active failed 0.5 s ago (the deadline passed); it is "
                  "tried again after a while"});
}

TEST_CASE("the sentence is about the row that a platform really waits for") {
  for (const row r : support::every_row) {
    support::one_session w;
    status_board board;
    w.cp.observe(board);
    w.s.usual(r) = support::act(support::manner::waits);
    w.lead_to(r);
    const sentences why = board.waits(w.time.at);
    REQUIRE_MESSAGE(!why.empty(), to_string(r));
    CHECK_MESSAGE(why.front().find(to_string(r)) != std::string::npos, why.front());
    w.cp.observe(w.seen);
  }
}

TEST_CASE("instances that are over make room for new ones") {
  status_board board;
  for (std::uint32_t instance = 1; instance <= 200; ++instance) {
    support::teller tell(board, instance);
    tell(0, event_kind::instance_created);
    tell.state(1, session_state::created, session_state::establishing);
    if (instance > 1) tell.state(2, session_state::establishing, session_state::deregistered);
  }
  CHECK(board.instances().size() == status_board::most_instances);
  CHECK(board.instances().contains(1));
  CHECK(board.instances().contains(200));
}

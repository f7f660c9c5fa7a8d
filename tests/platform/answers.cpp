// How rows answer: now or later, once, from anywhere, and never mistaken for a failure.
#include "support/connected_world.hpp"
#include "support/foreign_event.hpp"  // for foreign_event

#include <chrono>  // for minutes
#include <thread>  // for thread

using namespace lockgate;
using namespace support;

namespace {

constexpr row all_rows[] = {row::establish_session,  row::terminate_session,
                            row::transition_active,  row::transition_dormant,
                            row::add_transport_id,   row::remove_transport_id,
                            row::reach_transport_id, row::send_buffers};

/// A life in which each of the eight rows is called.
void live(connected_world& w) {
  const auto registered = w.start(w.link.register_instance());
  w.run();
  REQUIRE(registered->take().ok());
  w.app = w.cp.open_endpoint();
  const auto sent = w.start_send(w.app, w.peer, "a message");
  REQUIRE(w.run_until([&] { return sent->done(); }));
  CHECK(sent->take().ok());
  w.advance(std::chrono::minutes(5));
  REQUIRE(w.link.state() == session_state::idle);
  CHECK(w.deregister(w.link).ok());
}
const std::vector<row> whole_life = {row::establish_session,  row::transition_active,
                                     row::add_transport_id,   row::reach_transport_id,
                                     row::send_buffers,       row::remove_transport_id,
                                     row::transition_dormant, row::terminate_session};

}  // namespace

TEST_CASE("G24: every row may be pended; the platform goes on when it has completed") {
  for (const row pended : all_rows) {
    CAPTURE(to_string(pended));
    connected_world w;
    w.s.usual(pended).how = manner::waits;
    const auto registered = w.start(w.link.register_instance());
    w.run();
    REQUIRE(registered->take().ok());
    w.app = w.cp.open_endpoint();
    const auto sent = w.start_send(w.app, w.peer, "a message");
    bool ended = false;
    std::unique_ptr<running<status>> over;
    for (int rows = 0; rows < 20 && !ended; ++rows) {
      w.run();
      if (w.s.running > 0) {
        // Pended: nothing else has started, and nothing does until the completion.
        CHECK(w.s.calls.back().which == pended);
        const std::size_t calls = w.s.calls.size();
        w.advance(std::chrono::seconds(20));
        CHECK(w.s.calls.size() == calls);
        CHECK(w.s.running == 1);
        w.s.door_of(pended).open();
      } else if (sent->done() && !over) {
        while (w.s.running == 0 && w.link.state() != session_state::idle)
          w.advance(std::chrono::seconds(1));
        if (w.s.running == 0) over = w.start_deregister(w.link);
      }
      ended = over && over->done();
    }
    REQUIRE(ended);
    CHECK(sent->take().ok());
    CHECK(w.s.rows() == whole_life);
  }
}

TEST_CASE("G24, G25: a life is the same whether its rows answer now or later") {
  for (const manner how : {manner::now, manner::later}) {
    connected_world w;
    for (const row r : all_rows) w.s.usual(r).how = how;
    live(w);
    CHECK(w.s.rows() == whole_life);
    for (const row r : all_rows) {
      CHECK(w.seen.count(event_kind::row_began, r) == 1);
      CHECK(w.seen.count(event_kind::row_ended, r) == 1);
    }
  }
}

TEST_CASE("G25: the platform never waits for a completion of a row that answered now") {
  // A provider that never gives the scheduler a step of its own: with every row answering now, a
  // send that finds everything closed is over when the queue has run dry, without time passing.
  connected_world w;
  w.connect();
  const time_point before = w.time.at;
  const auto sent = w.start_send(w.app, peer_id(2), "new peer");
  w.run();
  CHECK(sent->done());
  // On an open path not even a step is needed: the row is called inside the send.
  const auto at_once = w.start_send(w.app, w.peer, "open path");
  CHECK(at_once->done());
  CHECK(w.time.at == before);
  // An error that is answered now is final as well.
  w.s.usual(row::send_buffers).answer = errc::would_block;
  const auto refused = w.start_send(w.app, w.peer, "refused");
  REQUIRE(refused->done());
  CHECK(refused->take() == errc::would_block);
}

TEST_CASE("G26: send_buffers answers now or later, with the same outcome") {
  for (const manner how : {manner::now, manner::later, manner::waits}) {
    for (const bool accepted : {true, false}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(accepted);
      connected_world w;
      w.connect();
      w.s.usual(row::send_buffers) = act(how, accepted ? status() : status(errc::would_block));
      const auto sent = w.start_send(w.app, w.peer, "second");
      w.run();
      CHECK(sent->done() == (how != manner::waits));
      w.s.door_of(row::send_buffers).open();
      w.run();
      REQUIRE(sent->completions() == 1);
      CHECK(sent->take() == (accepted ? status() : status(errc::would_block)));
      CHECK(w.link.statistics().messages_sent == (accepted ? 2u : 1u));
      CHECK(w.link.state() == session_state::active);
    }
  }
}

TEST_CASE("G27: what completes after it was given up has no effect") {
  connected_world w;
  w.s.usual(row::transition_active).how = manner::ignores_stop;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  const auto sent = w.start_send(w.app, w.peer, "demand");
  w.advance(std::chrono::minutes(2));
  REQUIRE(sent->done());
  CHECK(sent->take() == errc::terminated);
  REQUIRE(w.s.count(row::terminate_session) == 1);
  w.s.door_of(row::transition_active).open();  // S_OK, too late
  w.run();
  CHECK(w.link.state() == session_state::ended);
  CHECK(w.link.statistics().late_rows == 1);
  for (const session_state entered : w.seen.states(w.link.id()))
    CHECK(entered != session_state::active);
  CHECK(w.s.count(row::send_buffers) == 0);
  CHECK(w.s.count(row::terminate_session) == 1);
}

TEST_CASE("G27: a completion and a stop in the same turn complete an operation once") {
  for (const bool stop_first : {true, false}) {
    CAPTURE(stop_first);
    connected_world w;
    w.connect();
    w.s.usual(row::send_buffers).how = manner::waits;
    const auto sent = w.start_send(w.app, w.peer, "second");
    w.run();
    REQUIRE_FALSE(sent->done());
    if (!stop_first) w.s.door_of(row::send_buffers).open();
    sent->request_stop();
    const auto ended = w.start_deregister(w.link);
    if (stop_first) w.s.door_of(row::send_buffers).open();
    w.run();
    CHECK(sent->completions() == 1);
    CHECK(sent->take() == (stop_first ? status(errc::canceled) : status()));
    CHECK(ended->done());
    CHECK(w.s.count(row::terminate_session) == 1);
  }
}

namespace {

/// Its transition_active waits for something that happens elsewhere.
class foreign_provider {
 public:
  explicit foreign_provider(foreign_event& event) noexcept : event_(&event) {}
  void establish_session(instance) {}
  task<status> transition_active() {
    co_return co_await cancellable(
        foreign_event::wait(*event_),
        [](foreign_event::wait& w) noexcept { w.event->fire(errc::canceled); });
  }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) { return messages.size(); }
  void terminate_session(termination_reason) {}

 private:
  foreign_event* event_;
};

/// Every later answer is complete before the platform has seen that it is a later one.
class inline_provider {
 public:
  task<> establish_session(instance) { co_return; }
  task<status> transition_active() { co_return status(); }
  task<status> reach_transport_id(transport_id) { co_return status(); }
  task<accepted> send_buffers(std::span<const outgoing> messages) {
    sends += messages.size();
    co_return messages.size();
  }
  task<> terminate_session(termination_reason) { co_return; }
  std::size_t sends = 0;
};

}  // namespace

TEST_CASE("G28: a completion may come from another thread, through post") {
  platform_world w;
  foreign_event event;
  provider_instance link = w.cp.create<foreign_provider>(event);
  REQUIRE(w.register_instance(link).ok());
  endpoint app = w.cp.open_endpoint();
  const auto sent = w.start_send(app, peer_id(1), "demand");
  w.run();
  REQUIRE(event.is_awaited());
  CHECK_FALSE(sent->done());
  std::thread([&] { w.home.post([&] { event.fire(); }); }).join();
  w.run();
  CHECK(sent->done());
  CHECK(sent->take().ok());
  CHECK(link.state() == session_state::active);
}

TEST_CASE("G28: a completion may come before the row has said that it is pended") {
  platform_world w;
  provider_instance link = w.cp.create<inline_provider>();
  REQUIRE(w.register_instance(link).ok());
  endpoint app = w.cp.open_endpoint();
  CHECK(w.send(app, peer_id(1), "through all rows").ok());
  const auto at_once = w.start_send(app, peer_id(1), "open path");
  CHECK(at_once->done());
  CHECK(at_once->take().ok());
  CHECK(link.get_if<inline_provider>()->sends == 2);
  CHECK(w.deregister(link).ok());
}

TEST_CASE("G29: a pended row is not taken for a failed one") {
  connected_world w;
  w.s.usual(row::transition_active).how = manner::waits;
  w.s.usual(row::add_transport_id).how = manner::waits;
  w.s.usual(row::reach_transport_id).how = manner::waits;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  const auto sent = w.start_send(w.app, w.peer, "demand");
  w.run();
  CHECK(w.link.state() == session_state::activating);
  CHECK_FALSE(sent->done());
  w.advance(std::chrono::seconds(10));
  CHECK(w.s.count(row::transition_active) == 1);  // not backed off, not tried again
  w.s.door_of(row::transition_active).open();
  w.run();
  CHECK(w.link.state() == session_state::active);
  CHECK(w.s.count(row::add_transport_id) == 1);  // no second proposal
  CHECK(w.app.id().is_nil());
  w.s.door_of(row::add_transport_id).open();
  w.run();
  CHECK_FALSE(w.app.id().is_nil());
  CHECK(w.s.count(row::reach_transport_id) == 1);
  CHECK(w.s.count(row::send_buffers) == 0);
  w.s.door_of(row::reach_transport_id).open();
  w.run();
  CHECK(sent->done());
  CHECK(sent->take().ok());
}

TEST_CASE("U14: control rows are serialised; reaches and sends overlap each other and them") {
  connected_world w;
  w.connect();
  w.s.usual(row::reach_transport_id).how = manner::waits;
  w.s.usual(row::send_buffers).how = manner::waits;
  w.s.usual(row::add_transport_id).how = manner::waits;
  const auto slow_send = w.start_send(w.app, w.peer, "slow");
  const auto reach_2 = w.start_send(w.app, peer_id(2), "reach");
  const auto reach_3 = w.start_send(w.app, peer_id(3), "reach");
  endpoint second = w.cp.open_endpoint();
  endpoint third = w.cp.open_endpoint();
  w.run();
  CHECK(w.s.count(row::reach_transport_id) == 3);
  CHECK(w.s.count(row::send_buffers) == 2);
  CHECK(w.s.count(row::add_transport_id) == 2);  // one for each of two endpoints, not three
  CHECK(w.s.running == 4);
  w.s.door_of(row::add_transport_id).open();
  w.run();
  CHECK(w.s.count(row::add_transport_id) == 3);
  CHECK(w.s.running == 4);
}

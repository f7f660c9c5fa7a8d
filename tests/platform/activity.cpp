// When an instance is active, and what may be called only then.
#include "lockgate/signalling/memory_signalling.hpp"  // for memory_signalling
#include "support/connected_world.hpp"

#include <chrono>  // for minutes, seconds

using namespace lockgate;
using namespace support;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

/// Checks each row against the state that the instance was in when it began.
void check_rows_against_states(const recorder& seen, std::uint32_t instance) {
  session_state state = session_state::created;
  for (const event& e : seen.events) {
    if (e.instance != instance) continue;
    if (e.kind == event_kind::state_changed) state = e.to;
    if (e.kind != event_kind::row_began) continue;
    CAPTURE(to_string(e.which));
    switch (e.which) {
      case row::add_transport_id:
      case row::reach_transport_id:
      case row::send_buffers: CHECK(state == session_state::active); break;
      case row::transition_active: CHECK(state == session_state::activating); break;
      case row::transition_dormant: CHECK(state == session_state::deactivating); break;
      case row::remove_transport_id:
        CHECK((state == session_state::active || state == session_state::deactivating));
        break;
      default: break;
    }
  }
}

}  // namespace

TEST_CASE("G38: ids are added, peers reached and messages sent only while active") {
  // Demand all the time, through establish, a failed activation, dormancy and the end.
  for (int steps = 0; steps < 100; ++steps) {
    CAPTURE(steps);
    connected_world w;
    for (const row r : {row::establish_session, row::transition_active, row::transition_dormant,
                        row::add_transport_id, row::reach_transport_id, row::send_buffers})
      w.s.usual(r).how = manner::later;
    w.s.plan(row::transition_active, act(manner::later, errc::timed_out));
    const auto registered = w.start(w.link.register_instance());
    w.app = w.cp.open_endpoint();
    const auto waiting = w.start_ready(w.app);
    std::vector<std::unique_ptr<running<status>>> sends;
    for (int round = 0; round < 4; ++round) {
      for (unsigned i = 0; i < 3; ++i) sends.push_back(w.start_send(w.app, peer_id(i), "x"));
      for (int i = 0; i < steps; ++i)
        if (!w.step()) break;
      sends.push_back(w.start_send(w.app, peer_id(9), "y"));
      if (w.app.id() != transport_id()) static_cast<void>(w.app.forward(w.peer, lease_of("z")));
      w.advance(round == 2 ? seconds(150) : seconds(2));
    }
    const auto ended = w.start_deregister(w.link);
    sends.push_back(w.start_send(w.app, w.peer, "too late"));
    w.run();
    REQUIRE(ended->done());
    for (const auto& s : sends) CHECK(s->completions() == 1);
    check_rows_against_states(w.seen, w.link.id());
    CHECK(w.s.count(row::send_buffers) > 0);
  }
}

TEST_CASE("G39: a failed activation leaves the session idle, and later demand tries again") {
  for (const manner how : {manner::now, manner::later}) {
    connected_world w;
    w.s.plan(row::transition_active, act(how, errc::timed_out));
    REQUIRE(w.register_instance(w.link).ok());
    w.app = w.cp.open_endpoint();
    const auto sent = w.start_send(w.app, w.peer, "first");
    w.run();
    REQUIRE(sent->done());
    CHECK(sent->take() == errc::activation_failed);
    CHECK(w.link.state() == session_state::idle);
    CHECK(w.s.count(row::send_buffers) == 0);
    CHECK(w.s.count(row::terminate_session) == 0);
    w.advance(seconds(2));
    CHECK(w.s.count(row::transition_active) == 1);  // nobody has asked since
    CHECK(w.send(w.app, w.peer, "second").ok());
    CHECK(w.s.count(row::transition_active) == 2);
  }
}

TEST_CASE("U21: failed activations back off, doubling; standing demand retries by itself") {
  connected_world w;
  w.s.usual(row::transition_active).answer = errc::timed_out;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  const auto waits = w.start_ready(w.app);
  w.advance(seconds(400));
  std::vector<long> gaps;
  time_point last{};
  for (const row_called& c : w.s.calls) {
    if (c.which != row::transition_active) continue;
    if (last != time_point{} || !gaps.empty() || c.at != time_point{})
      gaps.push_back(static_cast<long>(std::chrono::duration_cast<seconds>(c.at - last).count()));
    last = c.at;
  }
  CHECK(gaps == std::vector<long>{1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60});
  CHECK_FALSE(waits->done());
  // One-off demand is refused meanwhile.
  CHECK(w.send(w.app, w.peer, "now?") == errc::activation_delayed);
  w.s.usual(row::transition_active).answer = {};
  w.advance(seconds(60));
  REQUIRE(waits->done());
  CHECK(waits->take().has_value());
  // Success forgets the failures.
  w.advance(std::chrono::minutes(10));
  REQUIRE(w.link.state() == session_state::idle);
  w.s.plan(row::transition_active, act(manner::now, errc::timed_out));
  CHECK(w.send(w.app, w.peer, "fails") == errc::activation_failed);
  w.advance(seconds(1));
  CHECK(w.send(w.app, w.peer, "works").ok());
}

TEST_CASE("G40: a dormancy notice may fail, take its time, or throw nothing: the result is idle") {
  for (const manner how : {manner::now, manner::later}) {
    for (const errc answer : {errc::ok, errc::provider_failed, errc::no_memory}) {
      connected_world w;
      w.connect();
      w.s.usual(row::transition_dormant) = act(how, answer);
      w.s.usual(row::remove_transport_id) = act(how, answer);
      w.advance(std::chrono::minutes(3));
      CHECK(w.link.state() == session_state::idle);
      CHECK(w.s.count(row::transition_dormant) == 1);
      CHECK(w.s.count(row::terminate_session) == 0);
      CHECK(w.send(w.app, w.peer, "awake again").ok());
      CHECK(w.s.count(row::transition_active) == 2);
    }
  }
}

namespace {

/// Has no row for dormancy: it does not want to know.
class deaf_provider {
 public:
  void establish_session(instance) {}
  status transition_active() { return ++activations, status(); }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) { return messages.size(); }
  void terminate_session(termination_reason) {}
  int activations = 0;
};

}  // namespace

TEST_CASE("G40: a provider may ignore dormancy altogether") {
  platform_world w;
  provider_instance link = w.cp.create<deaf_provider>();
  REQUIRE(w.register_instance(link).ok());
  endpoint app = w.cp.open_endpoint();
  REQUIRE(w.send(app, peer_id(1), "one").ok());
  w.advance(std::chrono::minutes(3));
  CHECK(link.state() == session_state::idle);
  REQUIRE(w.send(app, peer_id(1), "two").ok());
  CHECK(link.get_if<deaf_provider>()->activations == 2);
}

TEST_CASE("G41: registration alone activates nothing") {
  connected_world w;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();  // nor does an endpoint that nobody uses
  w.advance(std::chrono::hours(5));
  CHECK(w.link.state() == session_state::idle);
  CHECK(w.s.rows() == std::vector<row>{row::establish_session});
}

TEST_CASE("G41, U26: sends, ready, receive, listening endpoints and signals are demand") {
  memory_signalling signals;
  connected_world w;
  std::unique_ptr<running<status>> sent;
  std::unique_ptr<running<result<transport_id>>> ready;
  std::unique_ptr<running<result<incoming>>> receives;
  endpoint listens;
  w.cp.use_signalling(signals);
  bool stands = true;  // as long as it is outstanding, the instance stays active
  REQUIRE(w.register_instance(w.link).ok());
  SUBCASE("a send") {
    w.app = w.cp.open_endpoint();
    sent = w.start_send(w.app, w.peer, "hello");
    stands = false;
  }
  SUBCASE("ready, until it is") {
    w.app = w.cp.open_endpoint();
    ready = w.start_ready(w.app);
    stands = false;
  }
  SUBCASE("a receive") {
    w.app = w.cp.open_endpoint();
    receives = w.start_receive(w.app);
  }
  SUBCASE("a listening endpoint") {
    listens = w.cp.open_endpoint({.proposed_id = {}, .listening = true});
  }
  SUBCASE("a signal from a peer") {
    endpoint known = w.cp.open_endpoint();
    REQUIRE(w.ready(known).has_value());
    w.advance(std::chrono::minutes(3));
    REQUIRE(w.link.state() == session_state::idle);
    script& t = w.make_script();
    platform other(w.home);
    other.use_signalling(signals);
    provider_instance there = other.create<scripted_provider>(t);
    REQUIRE(w.register_instance(there).ok());
    CHECK(
        w.finish(awaiting<status>(t.self.signal(peer_id(5), known.id(), bytes_of("knock")))).ok());
    w.run();
    CHECK(w.link.state() == session_state::active);
    CHECK(w.finish(other.stop()).ok());
    stands = false;
    w.app = std::move(known);
  }
  w.run();
  CHECK(w.link.state() == session_state::active);
  w.advance(std::chrono::minutes(30));
  CHECK(w.link.state() == (stands ? session_state::active : session_state::idle));
  if (!stands) return;
  // The demand ends, and with it the activity.
  if (receives) receives->request_stop();
  listens.close();
  w.advance(std::chrono::minutes(3));
  CHECK(w.link.state() == session_state::idle);
}

TEST_CASE("U26: indications and sends keep an instance active; silence does not") {
  connected_world w;
  w.connect();
  for (int i = 0; i < 20; ++i) {
    w.advance(seconds(40));
    if (i % 2) CHECK(w.indicate("in").ok());
    else CHECK(w.send(w.app, w.peer, "out").ok());
  }
  CHECK(w.s.count(row::transition_active) == 1);
  w.advance(seconds(125));
  CHECK(w.link.state() == session_state::idle);
}

TEST_CASE("U6: an indication is refused until activation has succeeded, and works right after") {
  for (const bool literal : {false, true}) {
    connected_world w(platform_options{.indicate_while_activating = literal});
    REQUIRE(w.register_instance(w.link).ok());
    w.app = w.cp.open_endpoint({.proposed_id = peer_id(77)});
    REQUIRE(w.ready(w.app).has_value());
    w.advance(std::chrono::minutes(3));
    REQUIRE(w.link.state() == session_state::idle);
    CHECK(w.s.self.indicate(incoming(peer_id(77), w.peer, lease_of("idle"))) == errc::not_active);
    w.s.usual(row::transition_active).how = manner::waits;
    const auto sent = w.start_send(w.app, w.peer, "demand");
    w.run();
    REQUIRE(w.link.state() == session_state::activating);
    // The literal reading lets it pass, but no id has been added yet.
    CHECK(w.s.self.indicate(incoming(peer_id(77), w.peer, lease_of("activating"))) ==
          (literal ? errc::unknown_transport_id : errc::not_active));
  }
}

namespace {

/// Indicates in the very moment in which its activation has succeeded.
class eager_provider {
 public:
  void establish_session(instance self) { instance_ = self; }
  task<status> transition_active() {
    instance_.home().schedule(after_);  // runs as soon as this row has ended, before anything else
    co_await yield();
    co_return status();
  }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) { return messages.size(); }
  void terminate_session(termination_reason) {}
  status said = errc::ok;
  session_state seen = session_state::created;
  provider_instance* link = nullptr;

 private:
  struct look final : ready_item {
    explicit look(eager_provider& p) noexcept
        : ready_item([](ready_item& self) noexcept {
            auto& me = static_cast<look&>(self);
            if (!me.again) {
              me.again = true;  // the row yields once; its second half comes first
              return me.of.instance_.home().schedule(me);
            }
            me.of.seen = me.of.link->state();
            me.of.said = me.of.instance_.indicate(incoming(peer_id(1), peer_id(2), lease_of("x")));
          }),
          of(p) {}
    eager_provider& of;
    bool again = false;
  } after_{*this};
  instance instance_;
};

}  // namespace

TEST_CASE("U6: ACTIVE begins inside the row's completion, before the platform's next step") {
  platform_world w;
  provider_instance link = w.cp.create<eager_provider>();
  link.get_if<eager_provider>()->link = &link;
  REQUIRE(w.register_instance(link).ok());
  endpoint app = w.cp.open_endpoint();
  const auto sent = w.start_send(app, peer_id(1), "demand");
  w.run();
  CHECK(sent->done());
  CHECK(link.get_if<eager_provider>()->seen == session_state::active);
  CHECK(link.get_if<eager_provider>()->said == errc::unknown_transport_id);  // not: not_active
}

TEST_CASE(
    "U13: ids are added before the first reach, removed before dormancy, dropped at the end") {
  connected_world w;
  w.connect();
  CHECK(w.s.rows() == std::vector<row>{row::establish_session, row::transition_active,
                                       row::add_transport_id, row::reach_transport_id,
                                       row::send_buffers});
  CHECK(w.s.last(row::add_transport_id).id == w.local);
  w.advance(std::chrono::minutes(3));
  CHECK(w.s.last(row::remove_transport_id).id == w.local);
  CHECK(w.s.calls.back().which == row::transition_dormant);
  REQUIRE(w.send(w.app, w.peer, "again").ok());
  CHECK(w.s.count(row::add_transport_id) == 2);
  CHECK(w.deregister(w.link).ok());
  CHECK(w.s.count(row::remove_transport_id) == 1);  // terminate alone ends everything (U17)
  CHECK(w.s.count(row::transition_dormant) == 1);
}

TEST_CASE("U13: closing an endpoint removes its id, whatever the instance was doing with it") {
  connected_world w;
  w.connect();
  endpoint second = w.cp.open_endpoint();
  w.s.usual(row::add_transport_id).how = manner::waits;
  const auto waits = w.start_ready(second);
  w.run();
  REQUIRE(w.s.count(row::add_transport_id) == 2);
  second.close();
  w.run();
  REQUIRE(waits->done());
  CHECK(waits->take().error() == errc::closed);
  CHECK(w.s.count(row::remove_transport_id) == 0);
  w.s.door_of(row::add_transport_id).open_for_good();
  w.run();
  CHECK(w.s.count(row::remove_transport_id) == 1);
  CHECK(w.s.last(row::remove_transport_id).id == w.s.last(row::add_transport_id).id);
  w.app.close();
  w.run();
  CHECK(w.s.last(row::remove_transport_id).id == w.local);
  CHECK(w.link.state() == session_state::active);
}

TEST_CASE("U26: demand that has just ended counts, however short it was") {
  connected_world w(platform_options{.idle_time = seconds(10)});
  w.connect();
  w.advance(seconds(11));  // nothing was used since the last look
  REQUIRE(w.link.state() == session_state::active);
  const auto given_up = w.start_receive(w.app);
  w.advance(seconds(8));
  given_up->request_stop();
  w.advance(seconds(9));
  CHECK(w.link.state() == session_state::active);
  w.advance(seconds(20));
  CHECK(w.link.state() == session_state::idle);
}

TEST_CASE("U26: an instance is not left while somebody asks it for a peer") {
  connected_world w(platform_options{.row_timeout = minutes(60), .idle_time = seconds(10)});
  w.connect();
  w.s.plan(row::reach_transport_id, act(manner::waits));
  const auto sending = w.start_send(w.app, peer_id(2), "patient");
  w.advance(minutes(5));
  CHECK(w.link.state() == session_state::active);
  w.s.door_of(row::reach_transport_id).open();
  w.run();
  REQUIRE(sending->done());
  CHECK(sending->take() == status());
  w.advance(seconds(30));
  CHECK(w.link.state() == session_state::idle);
}

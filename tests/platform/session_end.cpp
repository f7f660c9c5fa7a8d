// How a session ends: its reason, its last row, and what is over once deregister has completed.
#include "support/connected_world.hpp"

#include <chrono>  // for hours, seconds

using namespace lockgate;
using namespace support;

namespace {

/// Everything at once: ids, reaches, sends to three peers, one of them slow.
struct busy : connected_world {
  busy() {
    s.usual(row::establish_session) = act(manner::later);
    s.usual(row::transition_active) = act(manner::later);
    s.usual(row::add_transport_id) = act(manner::later);
    s.usual(row::reach_transport_id) = act(manner::later);
    s.plan(row::send_buffers, act(manner::later));
    s.plan(row::send_buffers, act(manner::now));
    s.plan(row::send_buffers, act(manner::waits));
    s.usual(row::terminate_session).first = [this] { running_at_terminate = s.running; };
    registering = start(link.register_instance());
    app = cp.open_endpoint();
    other = cp.open_endpoint();
    for (unsigned i = 0; i < 6; ++i) sends.push_back(start_send(app, peer_id(i % 3), "load"));
    receiving = start_receive(other);
  }
  endpoint other;
  int running_at_terminate = -1;
  std::unique_ptr<running<status>> registering;
  std::unique_ptr<running<result<incoming>>> receiving;
  std::vector<std::unique_ptr<running<status>>> sends;

  /// Terminate came once, after every other row.
  void check_terminated(termination_reason why) {
    CHECK(s.count(row::establish_session) == 1);
    CHECK(s.count(row::terminate_session) == 1);
    CHECK(s.calls.back().which == row::terminate_session);
    CHECK(s.calls.back().reason == why);
    CHECK(running_at_terminate == 0);  // all of them end when asked to
    CHECK(s.running == 0);
  }
};

}  // namespace

TEST_CASE("G21: deregistration by the provider is reported as provider_request") {
  SUBCASE("through the handle") {
    connected_world w;
    w.connect();
    CHECK(w.deregister(w.link).ok());
    CHECK(w.s.last(row::terminate_session).reason == termination_reason::provider_request);
    CHECK(w.link.state() == session_state::deregistered);
  }
  SUBCASE("from inside a row") {
    connected_world w;
    w.s.usual(row::transition_active).how = manner::later;
    w.s.usual(row::transition_active).awaits = [](instance self) -> task<> {
      const status accepted = co_await self.deregister();
      CHECK(accepted.ok());
    };
    REQUIRE(w.register_instance(w.link).ok());
    w.app = w.cp.open_endpoint();
    CHECK(w.send(w.app, w.peer, "demand") == errc::terminated);
    w.run();
    CHECK(w.s.last(row::terminate_session).reason == termination_reason::provider_request);
    CHECK(w.link.state() == session_state::deregistered);
  }
  SUBCASE("by dropping the handle") {
    connected_world w;
    w.connect();
    w.link = provider_instance();
    CHECK(w.run_until([&] { return w.s.destroyed == 1; }));
    CHECK(w.s.last(row::terminate_session).reason == termination_reason::provider_request);
  }
  SUBCASE("the first reason counts") {
    connected_world w;
    w.connect();
    const auto ended = w.start_deregister(w.link);
    const auto stopped = w.start(w.cp.stop());
    w.run();
    CHECK(ended->done());
    CHECK(stopped->done());
    CHECK(w.s.count(row::terminate_session) == 1);
    CHECK(w.s.last(row::terminate_session).reason == termination_reason::provider_request);
  }
}

TEST_CASE("G22: terminate is delivered once and last, wherever the session is ended") {
  const termination_reason reasons[] = {termination_reason::provider_request,
                                        termination_reason::platform_shutdown};
  for (const termination_reason why : reasons) {
    for (int steps = 0; steps < 120; ++steps) {
      CAPTURE(steps);
      busy w;
      bool registered = false;
      for (int i = 0; i < steps || !registered; ++i) {
        if (!w.step()) break;
        registered = w.registering->done();
      }
      REQUIRE(w.registering->take().ok());
      std::unique_ptr<running<status>> ended;
      if (why == termination_reason::provider_request) ended = w.start_deregister(w.link);
      else ended = w.start(w.cp.stop());
      REQUIRE(w.run_until([&] { return ended->done(); }));
      w.advance(std::chrono::hours(1));
      w.check_terminated(why);
      for (const auto& sent : w.sends) CHECK(sent->completions() == 1);
    }
  }
}

TEST_CASE("G22: a row that overruns or throws ends the session with one terminate, the last row") {
  for (const row which : {row::transition_active, row::add_transport_id, row::reach_transport_id,
                          row::send_buffers}) {
    for (const manner how :
         {manner::throws, manner::throws_later, manner::waits, manner::ignores_stop}) {
      CAPTURE(to_string(which));
      CAPTURE(static_cast<int>(how));
      connected_world w;
      w.s.usual(which).how = how;
      REQUIRE(w.register_instance(w.link).ok());
      w.app = w.cp.open_endpoint();
      const auto sent = w.start_send(w.app, w.peer, "demand");
      w.advance(std::chrono::minutes(3));
      CHECK(w.s.count(row::terminate_session) == 1);
      CHECK(w.s.calls.back().which == row::terminate_session);
      const bool threw = how == manner::throws || how == manner::throws_later;
      CHECK(w.s.calls.back().reason == (threw ? termination_reason::provider_other_failure
                                              : termination_reason::provider_timeout));
      // A send that was handed over is never abandoned; all other rows are.
      CHECK(sent->done() == !(how == manner::ignores_stop && which == row::send_buffers));
      CHECK((w.link.state() == session_state::ended) == (how != manner::ignores_stop));
      w.s.door_of(which).open_for_good();
      w.run();
      CHECK(sent->completions() == 1);
      CHECK(w.link.state() == session_state::ended);
      CHECK(w.s.count(row::terminate_session) == 1);
    }
  }
}

TEST_CASE("G23: once deregister has completed no row runs and no buffer is out") {
  for (int steps = 0; steps < 120; ++steps) {
    CAPTURE(steps);
    busy w;
    for (int i = 0; i < steps || !w.registering->done(); ++i)
      if (!w.step()) break;
    const auto ended = w.start_deregister(w.link);
    // Step by step, so that nothing can happen unseen between the completion and the look.
    for (int i = 0; i < 10000 && !ended->done(); ++i) REQUIRE(w.step());
    REQUIRE(ended->done());
    CHECK(ended->take().ok());
    CHECK(w.link.state() == session_state::deregistered);
    CHECK(w.s.running == 0);
    for (const auto& sent : w.sends)
      if (!sent->done()) w.run();  // resumed, but not run yet: nothing more may be needed
    const std::size_t calls = w.s.calls.size();
    w.link = provider_instance();
    CHECK(w.s.destroyed == 1);  // at once: nobody needs the provider any more
    w.advance(std::chrono::hours(1));
    CHECK(w.s.calls.size() == calls);
    for (const auto& sent : w.sends) CHECK(sent->completions() == 1);
  }
}

TEST_CASE("G23: deregister waits for a row that ignores being stopped, and for spawned tasks") {
  connected_world w;
  w.connect();
  w.s.usual(row::send_buffers).how = manner::ignores_stop;
  const auto sent = w.start_send(w.app, w.peer, "slow");
  w.run();
  const auto ended = w.start_deregister(w.link);
  w.advance(std::chrono::hours(1));
  CHECK_FALSE(ended->done());
  CHECK_FALSE(sent->done());  // its bytes are still the provider's to read
  CHECK(w.seen.count(event_kind::provider_stuck) == 1);
  w.s.door_of(row::send_buffers).open();
  w.run();
  CHECK(ended->done());
  CHECK(sent->done());

  static bool lives;
  lives = true;
  connected_world v;
  v.connect();
  struct task_of_provider {
    static task<> work(door* d) {
      co_await uninterruptible(d->pass());
      lives = false;
    }
  };
  door held;
  REQUIRE(v.s.self.spawn(task_of_provider::work(&held)).ok());
  const auto drained = v.start_deregister(v.link);
  v.advance(std::chrono::hours(1));
  CHECK(v.s.count(row::terminate_session) == 1);
  CHECK_FALSE(drained->done());
  held.open();
  v.run();
  CHECK_FALSE(lives);
  CHECK(drained->done());
}

TEST_CASE("G23: giving up the wait for deregister ends the session all the same") {
  connected_world w;
  w.connect();
  w.s.usual(row::terminate_session).how = manner::waits;
  const auto ended = w.start_deregister(w.link);
  w.run();
  ended->request_stop();
  w.run();
  REQUIRE(ended->done());
  CHECK(ended->take() == errc::canceled);
  w.s.door_of(row::terminate_session).open();
  w.run();
  CHECK(w.link.state() == session_state::deregistered);
}

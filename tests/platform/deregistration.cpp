// Deregistration and destruction: in every state, from everywhere, once.
#include "support/child_process.hpp"
#include "support/one_session.hpp"

#include <optional>  // for optional
#include <utility>   // for move

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
using support::every_state;
using support::manner;
using support::one_session;
using support::platform_world;
using support::script;

namespace {

/// What the session's own coroutines were told, and when.
struct told {
  int times = 0;
  status outcome;
  session_state state = session_state::created;
  provider_instance* handle = nullptr;
};
inline told deregister_told;

task<> deregister_by_instance(instance self) {
  deregister_told.outcome = co_await self.deregister();
  ++deregister_told.times;
  deregister_told.state = deregister_told.handle->state();
}
task<> deregister_by_handle(instance) {
  deregister_told.outcome = co_await deregister_told.handle->deregister();
  ++deregister_told.times;
  deregister_told.state = deregister_told.handle->state();
}

task<> deregister_at_once(instance self) {
  static_cast<void>(co_await self.deregister());
}
task<> deregister_later(instance self) {
  co_await lockgate::yield();
  static_cast<void>(co_await self.deregister());
}

constexpr bool has_session(session_state s) {
  return s >= session_state::establishing && s <= session_state::terminating;
}

/// A platform of its own, so that a test can destroy it.
struct short_lived : platform_world {
  std::optional<lockgate::platform> mine{std::in_place, home};
};

}  // namespace

TEST_CASE("G17: a platform that is destroyed while an instance is registered fails fast") {
  for (const session_state state :
       {session_state::establishing, session_state::idle, session_state::activating,
        session_state::active, session_state::terminating}) {
    CAPTURE(to_string(state));
    short_lived w;
    script& s = w.make_script();
    if (state == session_state::establishing) s.usual(row::establish_session) = act(manner::waits);
    if (state == session_state::activating) s.usual(row::transition_active) = act(manner::waits);
    if (state == session_state::terminating) s.usual(row::terminate_session) = act(manner::waits);
    provider_instance p = w.mine->create<support::scripted_provider>(s);
    CHECK(w.register_instance(p) == status());
    w.run();
    auto e = w.mine->open_endpoint();
    std::unique_ptr<support::running<lockgate::result<lockgate::transport_id>>> ready;
    std::unique_ptr<support::running<status>> stopping;
    if (state > session_state::idle) ready = w.start_ready(e);
    w.run();
    if (state == session_state::terminating) stopping = w.start(w.mine->stop());
    w.run();
    REQUIRE(p.state() == state);
    const support::child_end end = support::in_child_process([&] { w.mine.reset(); });
    CHECK(end.died_saying("G17: a platform is destroyed while an instance is registered"));
    if (!stopping) stopping = w.start(w.mine->stop());
    s.open_all_for_good();
    REQUIRE(w.run_until([&] { return stopping->done(); }));
    e.close();
    w.mine.reset();
    CHECK(s.destroyed == 1);
    CHECK_FALSE(p);
  }
}

TEST_CASE("G17: a platform may be destroyed when nothing is registered any more") {
  for (const session_state state :
       {session_state::created, session_state::ended, session_state::deregistered}) {
    short_lived w;
    script& s = w.make_script();
    provider_instance p = w.mine->create<support::scripted_provider>(s);
    if (state != session_state::created) {
      CHECK(w.register_instance(p) == status());
      if (state == session_state::ended) CHECK(w.finish(w.mine->stop()) == status());
      else CHECK(w.deregister(p) == status());
    }
    CHECK(p.state() == state);
    w.mine.reset();
    CHECK(s.destroyed == 1);
    CHECK_FALSE(p);
    CHECK(w.deregister(p) == errc::not_registered);
    CHECK(w.register_instance(p) == errc::invalid_state);
  }
}

TEST_CASE("G17: after an end by the platform, the provider still owes its deregister") {
  one_session w;
  w.lead_to(row::terminate_session);
  CHECK(w.p.state() == session_state::ended);
  w.advance(std::chrono::hours(1));
  CHECK(w.p.state() == session_state::ended);
  CHECK(w.deregister(w.p) == status());
  CHECK(w.p.state() == session_state::deregistered);
  CHECK(w.s.count(row::terminate_session) == 1);
}

TEST_CASE("G18: an instance is destroyed once, by whichever handle owns it last") {
  platform_world w;
  script& s = w.make_script();
  {
    provider_instance first = w.create(s);
    provider_instance second = std::move(first);
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move)
    CHECK(second);
    provider_instance third;
    third = std::move(second);
    CHECK_FALSE(second);  // NOLINT(bugprone-use-after-move)
    CHECK(w.register_instance(third) == status());
    w.run();
    CHECK(third.state() == session_state::idle);
    provider_instance& same = third;
    third = std::move(same);
    CHECK(third);
    CHECK(s.destroyed == 0);
  }
  w.run();
  CHECK(s.destroyed == 1);
  CHECK(s.count(row::terminate_session) == 1);
}

TEST_CASE("G18: a handle that was given up refuses everything, and does no harm") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  p = provider_instance();
  CHECK(s.destroyed == 1);
  p = provider_instance();
  CHECK(s.destroyed == 1);
  CHECK(w.register_instance(p) == errc::invalid_state);
  CHECK(w.deregister(p) == errc::not_registered);
  CHECK(p.state() == session_state::deregistered);
  CHECK(p.id() == 0);
  CHECK(p.friendly_name().empty());
  CHECK(p.get_if<support::scripted_provider>() == nullptr);
}

TEST_CASE(
    "G17, G18, F17: a dropped handle deregisters, in every state; the provider outlives its rows") {
  for (const session_state state : every_state) {
    if (state == session_state::registering) continue;  // F14, in registration.cpp
    CAPTURE(to_string(state));
    one_session w;
    w.lead_to(state);
    REQUIRE(w.p.state() == state);
    const int terminated_before = w.s.count(row::terminate_session);
    w.p = provider_instance();
    if (state == session_state::terminating) {
      w.run();
      CHECK(w.s.destroyed == 0);  // the row still runs
      w.s.door_of(row::terminate_session).open();
    }
    w.run();
    CHECK(w.s.destroyed == 1);
    CHECK(w.s.count(row::terminate_session) == (has_session(state) ? 1 : terminated_before));
    if (has_session(state)) {
      CHECK(w.s.rows().back() == row::terminate_session);
      CHECK(w.reason() == (state == session_state::terminating
                               ? termination_reason::platform_shutdown
                               : termination_reason::provider_request));
    }
  }
}

TEST_CASE("F16: a provider is not destroyed inside its own row") {
  for (const manner how : {manner::now, manner::later, manner::waits}) {
    for (const row r : every_row) {
      CAPTURE(to_string(r));
      CAPTURE(static_cast<int>(how));
      one_session w;
      w.s.usual(r) = act(how);
      int destroyed_inside = -1;
      w.s.usual(r).first = [&] {
        w.p = provider_instance();
        destroyed_inside = w.s.destroyed;
      };
      w.lead_to(r);
      CHECK(destroyed_inside == 0);
      if (how == manner::waits && r == row::terminate_session) {
        CHECK(w.s.destroyed == 0);
        w.s.door_of(r).open();
      }
      w.run();
      CHECK(w.s.destroyed == 1);
      CHECK(w.s.count(row::terminate_session) == 1);
      CHECK(w.s.rows().back() == row::terminate_session);
      CHECK(w.s.running == 0);
    }
  }
}

TEST_CASE("G19: without an established session there is no terminate") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  CHECK(w.register_instance(p, {.interface_luid = 9}) == errc::interface_not_owned);
  CHECK(w.deregister(p) == errc::not_registered);
  CHECK(w.finish(w.cp.stop()) == status());
  CHECK(w.register_instance(p) == errc::closed);
  w.run();
  CHECK(p.state() == session_state::created);
  p = provider_instance();
  CHECK(s.calls.empty());
  CHECK(s.destroyed == 1);
}

TEST_CASE("G19: a registration that the platform's stop overtakes ends in neither row") {
  platform_world w;
  script& s = w.make_script();
  struct : lockgate::access_policy {
    task<status> authorise(std::string_view, std::string_view) override {
      static_cast<void>(co_await open.wait());
      co_return status();
    }
    lockgate::wait_list open;
  } policy;
  w.cp.use_access_policy(policy);
  provider_instance p = w.create(s);
  const auto registering = w.start(p.register_instance());
  const auto stopping = w.start(w.cp.stop());
  w.run();
  CHECK_FALSE(stopping->done());
  policy.open.complete_all();
  w.advance(seconds(1));
  REQUIRE(registering->done());
  CHECK(registering->take() == errc::closed);
  CHECK(stopping->done());
  CHECK(s.calls.empty());
  CHECK(p.state() == session_state::created);
}

TEST_CASE("G19: terminate says nothing to a provider before its establish") {
  for (const session_state state : every_state) {
    if (state == session_state::registering) continue;  // F14, in registration.cpp
    one_session w;
    w.lead_to(state);
    w.p = provider_instance();
    w.s.open_all_for_good();
    w.run();
    const std::vector<row> rows = w.s.rows();
    if (w.s.count(row::terminate_session) > 0) CHECK(rows.front() == row::establish_session);
    CHECK(w.s.count(row::terminate_session) == w.s.count(row::establish_session));
  }
}

TEST_CASE("U4, F15: deregister is accepted inside every row, and carried out later") {
  // In the row itself, in a task of the session, by the instance and by the handle.
  for (const bool by_handle : {false, true}) {
    for (const bool spawned : {false, true}) {
      for (const row r : every_row) {
        if (spawned && r == row::terminate_session) continue;  // nothing is spawned any more
        CAPTURE(to_string(r));
        CAPTURE(by_handle);
        CAPTURE(spawned);
        one_session w;
        deregister_told = {};
        deregister_told.handle = &w.p;
        w.s.usual(r) = act(manner::later);
        const auto work = by_handle ? deregister_by_handle : deregister_by_instance;
        if (spawned)
          w.s.usual(r).first = [&] { CHECK(w.s.self.spawn(work(w.s.self)) == status()); };
        else w.s.usual(r).awaits = work;
        w.lead_to(r);
        w.run();
        CHECK(w.time.at - w.called_at(r) == seconds(0));
        CHECK(deregister_told.times == 1);
        CHECK(deregister_told.outcome == status());
        CHECK(deregister_told.state != session_state::deregistered);
        CHECK(w.p.state() == session_state::deregistered);
        CHECK(w.s.count(row::terminate_session) == 1);
        CHECK(w.s.rows().back() == row::terminate_session);
        CHECK(w.reason() == (r == row::terminate_session ? termination_reason::platform_shutdown
                                                         : termination_reason::provider_request));
      }
    }
  }
}

TEST_CASE("U4: from anywhere else, deregister waits until the instance is drained") {
  for (const row r : every_row) {
    CAPTURE(to_string(r));
    one_session w;
    std::unique_ptr<support::running<status>> outside;
    w.s.usual(r) = act(manner::ignores_stop);
    w.s.usual(r).first = [&] { outside = w.start_deregister(w.p); };
    w.lead_to(r);
    w.advance(seconds(20));
    REQUIRE(outside);
    CHECK_FALSE(outside->done());
    CHECK(w.s.running == 1);
    w.s.door_of(r).open();
    w.run();
    REQUIRE(outside->done());
    CHECK(outside->take() == status());
    CHECK(w.s.running == 0);
    CHECK(w.p.state() == session_state::deregistered);
  }
}

TEST_CASE("U4: a deregister that gives up waiting does not give up the end") {
  one_session w;
  w.s.usual(row::terminate_session) = act(manner::waits);
  w.lead_to(row::send_buffers);
  const auto impatient = w.start_deregister(w.p);
  w.run();
  impatient->request_stop();
  w.run();
  REQUIRE(impatient->done());
  CHECK(impatient->take() == errc::canceled);
  CHECK(w.p.state() == session_state::terminating);
  w.s.door_of(row::terminate_session).open();
  w.run();
  CHECK(w.p.state() == session_state::deregistered);
}

TEST_CASE("U18, F15: several deregisters join; after that there is nothing to deregister") {
  one_session w;
  w.s.usual(row::send_buffers) = act(manner::ignores_stop);
  w.lead_to(row::send_buffers);
  const auto first = w.start_deregister(w.p);
  const auto second = w.start_deregister(w.p);
  w.run();
  CHECK_FALSE(first->done());
  CHECK_FALSE(second->done());
  w.s.door_of(row::send_buffers).open();
  w.run();
  CHECK(first->take() == status());
  CHECK(second->take() == status());
  CHECK(w.s.count(row::terminate_session) == 1);
  CHECK(w.deregister(w.p) == errc::invalid_state);
}

TEST_CASE("F22: stop ends sessions in every state, and nothing is called after it") {
  platform_world w;
  std::vector<script*> scripts;
  std::vector<provider_instance> instances;
  // One instance per state; the demand for all of them comes from one endpoint.
  for (const row waiting : {row::none, row::establish_session, row::transition_active,
                            row::add_transport_id, row::terminate_session}) {
    script& s = w.make_script();
    if (waiting != row::none) s.usual(waiting) = act(manner::waits);
    scripts.push_back(&s);
    instances.push_back(w.create(s));
    CHECK(w.register_instance(instances.back()) == status());
  }
  provider_instance never_registered = w.create(w.make_script());
  auto e = w.cp.open_endpoint();
  const auto ready = w.start_ready(e);
  w.run();
  const auto stopping = w.start(w.cp.stop());
  w.advance(seconds(1));
  CHECK_FALSE(stopping->done());  // one terminate still runs
  scripts.back()->door_of(row::terminate_session).open();
  w.advance(seconds(1));
  REQUIRE(stopping->done());
  std::size_t called = 0;
  for (const script* s : scripts) {
    CHECK(s->count(row::terminate_session) == 1);
    CHECK(s->last(row::terminate_session).reason == termination_reason::platform_shutdown);
    called += s->calls.size();
  }
  for (const provider_instance& i : instances) CHECK(i.state() == session_state::ended);
  CHECK(never_registered.state() == session_state::created);
  CHECK_FALSE(w.cp.open_endpoint());
  w.advance(std::chrono::hours(1));
  for (const script* s : scripts) called -= s->calls.size();
  CHECK(called == 0);
}

TEST_CASE("F27: the application may go while any row runs, with its senders, endpoint and handle") {
  for (const bool late : {false, true}) {
    for (const row r : every_row) {
      CAPTURE(to_string(r));
      CAPTURE(late);
      one_session w({.idle_time = seconds(10)});
      w.s.usual(r) = act(manner::ignores_stop);
      w.lead_to(r);
      if (late) w.advance(std::chrono::minutes(2));  // the row has been given up
      w.send_root.reset();
      w.ready_root.reset();
      w.e.close();
      w.p = provider_instance();
      w.run();
      CHECK(w.s.destroyed == 0);
      w.s.open_all_for_good();
      w.advance(seconds(1));
      CHECK(w.s.destroyed == 1);
      CHECK(w.s.running == 0);
      CHECK(w.s.count(row::terminate_session) == 1);
    }
  }
}

TEST_CASE("U4: a row that deregisters is not stopped for it, whatever it had awaited before") {
  for (const row r : {row::transition_active, row::reach_transport_id, row::send_buffers}) {
    for (const bool suspends_first : {false, true}) {
      CAPTURE(to_string(r));
      CAPTURE(suspends_first);
      one_session w;
      act tidy(manner::waits);
      tidy.awaits = suspends_first ? deregister_later : deregister_at_once;
      w.s.usual(r) = tidy;
      w.lead_to(r);
      CHECK(w.p.state() == session_state::terminating);
      CHECK(w.s.running == 1);
      w.s.door_of(r).open();
      w.run();
      CHECK(w.s.running == 0);
      CHECK(w.p.state() == session_state::deregistered);
    }
  }
}

TEST_CASE("G17: a platform is not destroyed while a registration is being decided") {
  short_lived w;
  support::undecided policy;
  w.mine->use_access_policy(policy);
  provider_instance p = w.mine->create<support::scripted_provider>(w.make_script());
  const auto registering = w.start(p.register_instance());
  REQUIRE(p.state() == session_state::registering);
  const support::child_end end = support::in_child_process([&] { w.mine.reset(); });
  CHECK(end.died_saying("G17: a platform is destroyed while an instance is registered"));
  const auto stopping = w.start(w.mine->stop());
  w.run();
  CHECK_FALSE(stopping->done());
  registering->destroy();
  w.run();
  CHECK(stopping->done());
  w.mine.reset();
}

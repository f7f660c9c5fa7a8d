// establish_session and the gate: what is held back until it has ended, and what is not.
#include "lockgate/signalling/memory_signalling.hpp"  // for memory_signalling

#include "support/platform_world.hpp"

#include <thread>  // for thread

using lockgate::errc;
using lockgate::event_kind;
using lockgate::instance;
using lockgate::platform_options;
using lockgate::provider_instance;
using lockgate::result;
using lockgate::row;
using lockgate::session_state;
using lockgate::status;
using lockgate::task;
using lockgate::termination_reason;
using lockgate::transport_id;
using support::act;
using support::manner;
using support::peer_id;
using support::platform_world;
using support::script;

namespace {

/// A session whose establish_session waits at its door.
struct establishing_world : platform_world {
  explicit establishing_world(manner how = manner::waits, const platform_options& options = {})
      : platform_world(options) {
    s.usual(row::establish_session) = act(how);
    CHECK(register_instance(p) == status());
    run();
    CHECK(p.state() == session_state::establishing);
  }
  void let_establish_return() {
    s.door_of(row::establish_session).open();
    run();
  }
  script& s = make_script();
  provider_instance p = create(s);
};

task<status> report(instance self) {
  co_return co_await self.report_unreachable(peer_id(1));
}
task<result<transport_id>> request(instance self) {
  co_return co_await self.request_transport_id();
}
task<status> signal(instance self) {
  co_return co_await self.signal(peer_id(1), peer_id(2), support::bytes_of("offer"));
}
task<status> deregister(instance self) {
  co_return co_await self.deregister();
}
task<> spin(instance self, int* steps) {
  while (!self.stop().stop_requested()) {
    ++*steps;
    const status slept = co_await lockgate::sleep_for(std::chrono::seconds(1));
    if (!slept.ok()) co_return;
  }
}

/// Appends a number when a pended call has been served.
task<> note_request(instance self, int number, std::vector<int>* order) {
  const result<transport_id> id = co_await self.request_transport_id();
  if (id) order->push_back(number);
}

struct outcomes {
  status own_request, own_report, own_signal, own_deregister;
};
inline outcomes seen_inside;
task<> call_everything(instance self) {
  const result<transport_id> id = co_await self.request_transport_id();
  seen_inside.own_request = id ? status() : id.error();
  seen_inside.own_report = co_await self.report_unreachable(peer_id(1));
  seen_inside.own_signal = co_await signal(self);
}
task<> deregister_inside(instance self) {
  seen_inside.own_deregister = co_await self.deregister();
}

}  // namespace

TEST_CASE("G3: no row starts before establish has returned") {
  establishing_world w;
  auto e = w.cp.open_endpoint({.listening = true});
  const auto ready = w.start_ready(e);
  const auto receive = w.start_receive(e);
  const auto send = w.start_send(e, peer_id(1), "early");
  w.advance(std::chrono::seconds(59));
  CHECK(w.s.rows() == std::vector{row::establish_session});
  w.let_establish_return();
  CHECK(send->done());
  CHECK(send->take() == status());
  CHECK(ready->done());
  CHECK(w.s.rows() == std::vector{row::establish_session, row::transition_active,
                                  row::add_transport_id, row::reach_transport_id,
                                  row::send_buffers});
}

TEST_CASE("G3, U15: an establish that never returns delays terminate without limit") {
  establishing_world w(manner::ignores_stop);
  auto e = w.cp.open_endpoint({.listening = true});
  w.advance(std::chrono::seconds(59));
  CHECK(w.seen.count(event_kind::row_overran) == 0);
  w.advance(std::chrono::seconds(1));
  CHECK(w.seen.count(event_kind::row_overran, row::establish_session) == 1);
  CHECK(w.seen.count(event_kind::provider_stuck) == 0);
  w.advance(std::chrono::seconds(5));
  CHECK(w.seen.count(event_kind::provider_stuck, row::establish_session) == 1);
  w.advance(std::chrono::hours(24));
  CHECK(w.s.rows() == std::vector{row::establish_session});
  CHECK(w.p.state() == session_state::establishing);
  w.let_establish_return();
  CHECK(w.s.rows() == std::vector{row::establish_session, row::terminate_session});
  CHECK(w.s.last(row::terminate_session).reason == termination_reason::provider_timeout);
  CHECK(w.p.state() == session_state::ended);
}

TEST_CASE("G3: shutdown and deregistration wait for establish, however long it has been stopped") {
  establishing_world w(manner::ignores_stop);
  const auto stopping = w.start(w.cp.stop());
  const auto deregistering = w.start_deregister(w.p);
  w.advance(std::chrono::hours(1));
  CHECK(w.s.rows() == std::vector{row::establish_session});
  CHECK_FALSE(stopping->done());
  CHECK_FALSE(deregistering->done());
  w.let_establish_return();
  w.advance(std::chrono::seconds(1));
  CHECK(stopping->done());
  CHECK(deregistering->done());
  CHECK(w.s.last(row::terminate_session).reason == termination_reason::platform_shutdown);
}

TEST_CASE("G4: every function may be called from inside establish, by the row itself") {
  lockgate::memory_signalling signalling;
  platform_world w;
  script& s = w.make_script();
  w.cp.use_signalling(signalling);
  status spawned = errc::canceled, indicated;
  provider_instance second;
  script& other = w.make_script();
  s.usual(row::establish_session) = act(manner::later);
  s.usual(row::establish_session).awaits = call_everything;
  s.usual(row::establish_session).first = [&] {
    spawned = s.self.spawn(deregister_inside(s.self));
    indicated = s.self.indicate({peer_id(1), peer_id(2), support::lease_of("x")});
    CHECK(s.self.now() == w.time.at);
    CHECK_FALSE(s.self.stop().stop_requested());
    static_cast<void>(s.self.random().next());
    second = w.create(other);
  };
  provider_instance p = w.create(s);
  seen_inside = {errc::canceled, errc::canceled, errc::canceled, errc::canceled};
  CHECK(w.register_instance(p) == status());
  w.run();
  CHECK(spawned == status());
  CHECK(indicated == errc::not_active);
  // What would need the row's own end is refused at once, not a deadlock.
  CHECK(seen_inside.own_request == errc::deadlock);
  CHECK(seen_inside.own_report == errc::deadlock);
  CHECK(seen_inside.own_signal == errc::deadlock);
  CHECK(seen_inside.own_deregister == status());
  CHECK(p.state() == session_state::deregistered);
  CHECK(second.state() == session_state::created);
}

TEST_CASE(
    "G4, G5: a helper's calls during establish are accepted, and held until it has returned") {
  lockgate::memory_signalling signalling;
  establishing_world w;
  w.cp.use_signalling(signalling);
  const auto reporting = w.start(report(w.s.self));
  const auto requesting = w.start(request(w.s.self));
  const auto signalling_peer = w.start(signal(w.s.self));
  int steps = 0;
  CHECK(w.s.self.spawn(spin(w.s.self, &steps)) == status());
  w.advance(std::chrono::seconds(10));
  CHECK_FALSE(reporting->done());
  CHECK_FALSE(requesting->done());
  CHECK_FALSE(signalling_peer->done());
  CHECK(steps == 11);  // what needs no gate runs beside the row
  CHECK(w.seen.count(event_kind::call_pended) == 3);
  CHECK(w.p.statistics().pended_calls == 3);
  w.let_establish_return();
  REQUIRE(reporting->done());
  REQUIRE(requesting->done());
  REQUIRE(signalling_peer->done());
  CHECK(reporting->take() == status());
  CHECK(requesting->take().has_value());
  CHECK(signalling_peer->take() == errc::unreachable);
  CHECK(w.seen.count(event_kind::call_resumed) == 3);
}

TEST_CASE("G4: another thread's calls during establish come in through post") {
  establishing_world w;
  std::unique_ptr<support::running<result<transport_id>>> requesting;
  std::thread helper([&] { w.home.post([&] { requesting = w.start(request(w.s.self)); }); });
  helper.join();
  w.run();
  REQUIRE(requesting);
  CHECK_FALSE(requesting->done());
  w.let_establish_return();
  CHECK(requesting->take().has_value());
}

TEST_CASE("G5: held calls are carried out in order, before any call that is made later") {
  for (const int held : {0, 1, 2, 50}) {
    CAPTURE(held);
    establishing_world w;
    std::vector<int> order, expected, late;
    std::vector<std::unique_ptr<support::running<>>> callers;
    for (int i = 0; i < held; ++i) {
      expected.push_back(i);
      callers.push_back(w.start(note_request(w.s.self, i, &order)));
    }
    w.run();
    CHECK(order.empty());
    w.s.door_of(row::establish_session).open();
    while (w.home.run_one()) {  // step by step: a call comes as soon as the gate is open
      if (w.p.state() != session_state::idle || !late.empty()) continue;
      callers.push_back(w.start(note_request(w.s.self, held, &late)));
      CHECK(w.seen.count(event_kind::call_resumed) == held);
    }
    CHECK(late == std::vector{held});
    CHECK(order == expected);
  }
}

TEST_CASE("G5: a deregister from inside establish ends the session after it has returned") {
  for (const bool by_the_row : {true, false}) {
    CAPTURE(by_the_row);
    platform_world w;
    script& s = w.make_script();
    act establish(manner::ignores_stop);
    if (by_the_row) establish.awaits = deregister_inside;
    else establish.first = [&] { CHECK(s.self.spawn(deregister_inside(s.self)) == status()); };
    s.usual(row::establish_session) = establish;
    seen_inside.own_deregister = errc::canceled;
    provider_instance p = w.create(s);
    CHECK(w.register_instance(p) == status());
    w.advance(std::chrono::seconds(50));
    CHECK(seen_inside.own_deregister == status());
    CHECK(p.state() == session_state::establishing);
    CHECK(s.count(row::terminate_session) == 0);
    s.door_of(row::establish_session).open();
    w.run();
    CHECK(s.rows() == std::vector{row::establish_session, row::terminate_session});
    CHECK(s.last(row::terminate_session).reason == termination_reason::provider_request);
    CHECK(p.state() == session_state::deregistered);
  }
}

TEST_CASE("G5, F4: held calls complete with an error when establish ends in any other way") {
  enum class end { throws, times_out, shut_down, deregistered };
  for (const end how : {end::throws, end::times_out, end::shut_down, end::deregistered}) {
    CAPTURE(static_cast<int>(how));
    platform_world w;
    script& s = w.make_script();
    s.usual(row::establish_session) =
        act(how == end::throws ? manner::throws_later : manner::waits);
    s.usual(row::establish_session).takes = std::chrono::seconds(1);
    provider_instance p = w.create(s);
    CHECK(w.register_instance(p) == status());
    w.run();
    const auto first = w.start(request(s.self));
    const auto second = w.start(report(s.self));
    std::unique_ptr<support::running<status>> ending;
    if (how == end::shut_down) ending = w.start(w.cp.stop());
    if (how == end::deregistered) ending = w.start_deregister(p);
    w.advance(std::chrono::seconds(61));
    REQUIRE(first->done());
    REQUIRE(second->done());
    CHECK(first->completions() == 1);
    CHECK(first->take().error() == errc::terminated);
    CHECK(second->take() == errc::terminated);
    CHECK(s.count(row::terminate_session) == 1);
    // Calls that come later are refused at once.
    const auto late = w.start(request(s.self));
    CHECK(late->take().error() == errc::terminated);
  }
}

TEST_CASE("G5: a held call can be given up") {
  establishing_world w;
  const auto first = w.start(request(w.s.self));
  const auto second = w.start(request(w.s.self));
  first->request_stop();
  w.run();
  REQUIRE(first->done());
  CHECK(first->take().error() == errc::canceled);
  CHECK_FALSE(second->done());
  w.let_establish_return();
  CHECK(second->take().has_value());
  CHECK(first->completions() == 1);
}

TEST_CASE("G5: a caller whose frame goes takes its held call along") {
  establishing_world w;
  auto gone = w.start(request(w.s.self));
  const auto stays = w.start(request(w.s.self));
  gone.reset();
  w.let_establish_return();
  CHECK(stays->take().has_value());
}

TEST_CASE("G6: indicate fails unless the instance is active, also inside every row") {
  platform_world w({.idle_time = std::chrono::seconds(10)});
  script& s = w.make_script();
  std::vector<std::pair<row, status>> answers;
  transport_id local = peer_id(9);
  for (const row r : {row::establish_session, row::terminate_session, row::transition_active,
                      row::transition_dormant, row::add_transport_id, row::remove_transport_id,
                      row::reach_transport_id, row::send_buffers})
    s.usual(r).first = [&, r] {
      lockgate::incoming message(local, peer_id(2), support::lease_of("x"));
      answers.emplace_back(r, s.self.indicate(std::move(message)));
      CHECK(message.size() ==
            (!answers.back().second.ok() ? 1 : 0));  // refused: still the provider's
    };
  provider_instance p = w.create(s);
  CHECK(w.register_instance(p) == status());
  auto e = w.cp.open_endpoint();
  const auto id = w.ready(e);
  REQUIRE(id.has_value());
  local = *id;
  CHECK(w.send(e, peer_id(2), "out") == status());
  REQUIRE(w.run_until([&] { return s.count(row::transition_dormant) == 1; }));
  CHECK(w.deregister(p) == status());
  const std::vector<std::pair<row, status>> expected{
      {row::establish_session, errc::not_active},
      {row::transition_active, errc::not_active},
      {row::add_transport_id, errc::unknown_transport_id},  // active, but the id is not yet added
      {row::reach_transport_id, {}},
      {row::send_buffers, {}},
      {row::remove_transport_id, errc::not_active},
      {row::transition_dormant, errc::not_active},
      {row::terminate_session, errc::not_active}};
  REQUIRE(answers.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(answers[i].first == expected[i].first);
    CHECK(answers[i].second == expected[i].second);
  }
  CHECK(e.statistics().messages_received == 2);
  CHECK(p.statistics().drops[lockgate::drop_cause::not_active] == 5);
}

TEST_CASE("G6, U6: indicate while activation is outstanding, strictly and literally") {
  for (const bool literal : {false, true}) {
    CAPTURE(literal);
    platform_world w({.indicate_while_activating = literal});
    script& s = w.make_script();
    s.usual(row::transition_active) = act(manner::waits);
    provider_instance p = w.create(s);
    CHECK(w.register_instance(p) == status());
    auto e = w.cp.open_endpoint();
    const auto ready = w.start_ready(e);
    w.run();
    CHECK(p.state() == session_state::activating);
    const status during = s.self.indicate({peer_id(1), peer_id(2), support::lease_of("x")});
    // No id is added before the activation: the literal reading gets as far as the id.
    CHECK(during == (literal ? errc::unknown_transport_id : errc::not_active));
  }
}

TEST_CASE("G7: the session is up whatever establish has done") {
  const act ways[] = {act(manner::now), act(manner::later), act(manner::waits)};
  for (const act& way : ways) {
    platform_world w;
    script& s = w.make_script();
    s.usual(row::establish_session) = way;
    s.usual(row::establish_session).answer = errc::unreachable;  // it has no result to give
    provider_instance p = w.create(s);
    CHECK(w.register_instance(p) == status());
    w.run();
    s.door_of(row::establish_session).open();
    w.run();
    CHECK(p.state() == session_state::idle);
    auto e = w.cp.open_endpoint();
    CHECK(w.ready(e).has_value());
    CHECK(p.state() == session_state::active);
  }
}

TEST_CASE("G8: a provider that could not prepare fails its activation, and no message is sent") {
  for (const manner how : {manner::now, manner::later}) {
    platform_world w;
    script& s = w.make_script();
    s.usual(row::transition_active) = act(how, errc::unreachable);
    provider_instance p = w.create(s);
    CHECK(w.register_instance(p) == status());
    auto e = w.cp.open_endpoint();
    CHECK(w.send(e, peer_id(1), "lost") == errc::activation_failed);
    CHECK(p.state() == session_state::idle);
    CHECK(s.count(row::send_buffers) == 0);
    CHECK(s.count(row::reach_transport_id) == 0);
    CHECK(s.count(row::add_transport_id) == 0);
  }
}

TEST_CASE("G9: an activation right after establish may pend until the preparation is done") {
  platform_world w;
  script& s = w.make_script();
  s.usual(row::transition_active) = act(manner::waits);
  provider_instance p = w.create(s);
  CHECK(w.register_instance(p) == status());
  auto e = w.cp.open_endpoint();
  const auto send = w.start_send(e, peer_id(1), "patient");
  w.advance(std::chrono::seconds(29));
  CHECK_FALSE(send->done());
  CHECK(p.state() == session_state::activating);
  CHECK(s.count(row::send_buffers) == 0);
  s.door_of(row::transition_active).open();
  w.run();
  REQUIRE(send->done());
  CHECK(send->take() == status());
}

TEST_CASE("G10: every row concerns the instance that was created, of several") {
  platform_world w({.idle_time = std::chrono::seconds(10)});
  script* scripts[3] = {&w.make_script(), &w.make_script(), &w.make_script()};
  provider_instance instances[3] = {w.create(*scripts[0]), w.create(*scripts[1]),
                                    w.create(*scripts[2])};
  for (provider_instance& i : instances) CHECK(w.register_instance(i) == status());
  auto e = w.cp.open_endpoint();
  for (int i = 0; i < 3; ++i) {
    for (int other = 0; other < 3; ++other)
      scripts[other]->usual(row::reach_transport_id) =
          act(manner::now, other == i ? status() : status(errc::unreachable));
    CHECK(w.send(e, peer_id(static_cast<unsigned>(i)), "to one") == status());
  }
  REQUIRE(w.run_until([&] { return scripts[2]->count(row::transition_dormant) == 1; }));
  for (provider_instance& i : instances) CHECK(w.deregister(i) == status());
  for (int i = 0; i < 3; ++i) {
    const script& s = *scripts[i];
    const auto* const self = instances[i].get_if<support::scripted_provider>();
    REQUIRE(self);
    for (const support::row_called& c : s.calls) CHECK(c.provider == self);
    for (int r = 1; r <= 8; ++r) CHECK(s.count(static_cast<row>(r)) >= 1);
    CHECK(s.count(row::send_buffers) == 1);
    for (int other = 0; other < i; ++other) CHECK_FALSE(s.self == scripts[other]->self);
  }
}

TEST_CASE("G10: calls made with an instance concern that instance") {
  platform_world w;
  script& first = w.make_script();
  script& second = w.make_script();
  provider_instance a = w.create(first), b = w.create(second);
  CHECK(w.register_instance(a) == status());
  CHECK(w.register_instance(b) == status());
  w.run();
  const auto ending = w.start(deregister(second.self));
  w.run();
  CHECK(ending->take() == status());
  CHECK(a.state() == session_state::idle);
  CHECK(b.state() == session_state::deregistered);
  CHECK(first.count(row::terminate_session) == 0);
}

TEST_CASE("U24: inside establish, register is an error, create is allowed, destroy is held back") {
  platform_world w;
  script& s = w.make_script();
  script& other = w.make_script();
  provider_instance p = w.create(s);
  provider_instance created;
  std::unique_ptr<support::running<status>> again;
  s.usual(row::establish_session).first = [&] {
    again = w.start(p.register_instance());
    created = w.create(other);
    p = provider_instance();
  };
  CHECK(w.register_instance(p) == status());
  w.run();
  REQUIRE(again);
  CHECK(again->take() == errc::already_registered);
  CHECK(created.state() == session_state::created);
  CHECK(s.rows() == std::vector{row::establish_session, row::terminate_session});
  CHECK(s.last(row::terminate_session).reason == termination_reason::provider_request);
  CHECK(s.destroyed == 1);
  CHECK(w.register_instance(created) == status());
}

TEST_CASE("U25: demand that comes before the session is up waits, without limit where it awaits") {
  establishing_world w(manner::waits, {.send_queue_messages = 3});
  auto e = w.cp.open_endpoint();
  std::vector<std::unique_ptr<support::running<status>>> senders;
  for (int i = 0; i < 100; ++i) senders.push_back(w.start_send(e, peer_id(1), "awaited"));
  for (int i = 0; i < 3; ++i)
    CHECK(e.forward(peer_id(2), support::lease_of("taken over")) == status());
  auto refused = support::lease_of("one too many");
  CHECK(e.forward(peer_id(2), std::move(refused)) == errc::queue_full);
  CHECK(refused.size() == 12);  // still the caller's
  w.run();
  for (const auto& sender : senders) CHECK_FALSE(sender->done());
  w.let_establish_return();
  for (const auto& sender : senders) {
    REQUIRE(sender->done());
    CHECK(sender->take() == status());
  }
  CHECK(w.p.statistics().messages_sent == 103);
}

TEST_CASE("U25: demand that waits is refused with an error when the session ends instead") {
  establishing_world w;
  auto e = w.cp.open_endpoint();
  const auto send = w.start_send(e, peer_id(1), "never");
  CHECK(e.forward(peer_id(2), support::lease_of("dropped")) == status());
  w.run();
  CHECK_FALSE(send->done());
  CHECK(w.deregister(w.p) == status());
  REQUIRE(send->done());
  CHECK(send->take() == errc::terminated);
  CHECK(e.statistics().drops[lockgate::drop_cause::send_failed] == 1);
  CHECK(w.s.rows() == std::vector{row::establish_session, row::terminate_session});
}

TEST_CASE("U15, U16: an establish that overruns its deadline ends the session when it is stopped") {
  establishing_world w(manner::waits, {.establish_timeout = std::chrono::seconds(7)});
  w.advance(std::chrono::seconds(7) - std::chrono::nanoseconds(1));
  CHECK(w.p.state() == session_state::establishing);
  w.advance(std::chrono::nanoseconds(1));
  CHECK(w.p.state() == session_state::ended);
  CHECK(w.s.last(row::terminate_session).reason == termination_reason::provider_timeout);
}

TEST_CASE("U16: an exception from establish ends the session; the registration stays good") {
  for (const manner how : {manner::throws, manner::throws_later}) {
    platform_world w;
    script& s = w.make_script();
    s.usual(row::establish_session) = act(how);
    provider_instance p = w.create(s);
    CHECK(w.register_instance(p) == status());
    w.run();
    CHECK(w.seen.count(event_kind::row_threw, row::establish_session) == 1);
    CHECK(s.rows() == std::vector{row::establish_session, row::terminate_session});
    CHECK(s.last(row::terminate_session).reason == termination_reason::provider_other_failure);
    CHECK(p.state() == session_state::ended);
    CHECK(w.deregister(p) == status());
  }
}

// Who waits from without - no task of the session, which its end stops anyway - is told, whatever
// ends the wait.
#include "lockgate/signalling/memory_signalling.hpp"  // for memory_signalling
#include "support/one_session.hpp"

#include <cstddef>      // for size_t
#include <memory>       // for unique_ptr
#include <string>       // for string
#include <string_view>  // for string_view

using namespace lockgate;
using namespace support;

namespace {

/// Requires that somebody who waited has been told by now.
template <class T>
T told(const std::unique_ptr<running<T>>& waiting, std::string_view what) {
  REQUIRE_MESSAGE(waiting->done(), "waits for ever: ", std::string(what));
  return waiting->take();
}
template <class T>
void require_waiting(const std::unique_ptr<running<T>>& waiting) {
  REQUIRE_FALSE(waiting->done());
}

auto start_receive_signal(one_session& w) {
  return w.start(awaiting<result<peer_signal>>(w.s.self.receive_signal()));
}
auto start_send_signal(one_session& w, const transport_id& to) {
  return w.start(awaiting<status>(w.s.self.signal(w.e.id(), to, bytes_of("hello"))));
}

/// Leads a send to the row that it waits behind, which does not return when asked to stop.
std::unique_ptr<running<status>> send_behind(one_session& w, row r) {
  w.s.usual(r) = act(manner::ignores_stop);
  REQUIRE(w.register_instance(w.p).ok());
  w.e = w.cp.open_endpoint();
  auto sends = w.start_send(w.e, peer_id(1), "x");
  w.run();
  REQUIRE(w.s.count(r) == 1);
  require_waiting(sends);
  return sends;
}

/// Signalling that carries when the test says so.
class slow_signalling final : public signalling {
 public:
  task<status> send(signal_message) override { return carry(); }
  void attach(signal_sink&) override {}
  void detach(signal_sink&) noexcept override {}
  void id_in_use(signal_sink&, const transport_id&, bool) override {}
  wait_list carried;

 private:
  task<status> carry() { co_return co_await carried.wait(); }
};

}  // namespace

TEST_CASE("who waits for a signal from without is told when one arrives") {
  memory_signalling signals;
  one_session w;
  w.cp.use_signalling(signals);
  w.lead_to(row::send_buffers);
  const auto waits = start_receive_signal(w);
  w.run();
  require_waiting(waits);
  signal_message message;
  message.to = w.e.id();
  message.from = peer_id(1);
  REQUIRE(w.finish(signals.send(std::move(message))).ok());
  w.run();
  CHECK(told(waits, "a signal that has arrived")->from == peer_id(1));
}

TEST_CASE("who waits for a signal from without is told when the session ends") {
  one_session w;
  w.lead_to(row::send_buffers);
  w.s.usual(row::terminate_session) = act(manner::waits);
  const auto waits = start_receive_signal(w);
  w.run();
  require_waiting(waits);
  const auto ends = w.start_deregister(w.p);
  w.run();
  CHECK(told(waits, "a signal that cannot come any more").error() == errc::terminated);
}

TEST_CASE("who sends a signal from without is told when it has been carried") {
  slow_signalling signals;
  one_session w;
  w.cp.use_signalling(signals);
  w.lead_to(row::send_buffers);
  const auto sends = start_send_signal(w, peer_id(1));
  w.run();
  require_waiting(sends);
  signals.carried.complete_all(errc::unreachable);
  w.run();
  CHECK(told(sends, "a signal that was carried") == errc::unreachable);
}

TEST_CASE("who waits for an id is told when it is there, refused, or the endpoint closed") {
  for (const status answer : {status(), status(errc::no_memory)}) {
    CAPTURE(answer.message());
    one_session w;
    w.s.usual(row::add_transport_id) = act(manner::waits, answer);
    REQUIRE(w.register_instance(w.p).ok());
    w.e = w.cp.open_endpoint();
    const auto first = w.start_ready(w.e);
    const auto second = w.start_ready(w.e);
    w.run();
    require_waiting(first);
    w.s.door_of(row::add_transport_id).open_for_good();
    w.run();
    CHECK(told(first, "an id that was decided").has_value() == answer.ok());
    CHECK(told(second, "an id that was decided").has_value() == answer.ok());
  }
  one_session w;
  w.e = w.cp.open_endpoint();
  const auto waits = w.start_ready(w.e);
  w.run();
  require_waiting(waits);
  w.e.close();
  w.run();
  CHECK(told(waits, "the id of a closed endpoint").error() == errc::closed);
}

TEST_CASE("who sends is told when the activation it waits for succeeds or fails") {
  for (const status answer : {status(), status(errc::provider_failed)}) {
    CAPTURE(answer.message());
    one_session w;
    w.s.usual(row::transition_active) = act(manner::waits, answer);
    REQUIRE(w.register_instance(w.p).ok());
    w.e = w.cp.open_endpoint();
    const auto sends = w.start_send(w.e, peer_id(1), "x");
    w.run();
    require_waiting(sends);
    w.s.door_of(row::transition_active).open();
    w.run();
    const status expected = answer.ok() ? status() : status(errc::activation_failed);
    CHECK(told(sends, "an activation that was decided") == expected);
  }
}

TEST_CASE("who sends is told when its id is added or refused") {
  for (const status answer : {status(), status(errc::no_memory)}) {
    CAPTURE(answer.message());
    one_session w;
    w.s.usual(row::add_transport_id) = act(manner::waits, answer);
    REQUIRE(w.register_instance(w.p).ok());
    w.e = w.cp.open_endpoint();
    const auto sends = w.start_send(w.e, peer_id(1), "x");
    w.run();
    require_waiting(sends);
    w.s.door_of(row::add_transport_id).open_for_good();
    w.run();
    CHECK(told(sends, "an id that was decided").ok() == answer.ok());
  }
}

TEST_CASE("who sends is told of the session's end, though a row that it waits behind goes on") {
  for (const row r : {row::transition_active, row::add_transport_id, row::reach_transport_id}) {
    CAPTURE(to_string(r));
    one_session w;
    const auto sends = send_behind(w, r);
    const auto ends = w.start_deregister(w.p);
    REQUIRE_MESSAGE(w.run_until([&] { return sends->done(); }), "the sender waits for ever");
    CHECK_FALSE(sends->take().ok());
    require_waiting(ends);  // the row is still there
    w.s.open_all_for_good();
    w.run();
    CHECK(told(ends, "the end of the last row").ok());
  }
}

TEST_CASE("who sends is told when its endpoint closes, though a row that it waits behind goes on") {
  for (const row r : {row::transition_active, row::add_transport_id, row::reach_transport_id}) {
    CAPTURE(to_string(r));
    one_session w;
    const auto sends = send_behind(w, r);
    w.e.close();
    w.run();
    CHECK(told(sends, "a path that was closed") == errc::closed);
  }
}

TEST_CASE("who receives is told when the endpoint closes, by its owner or by stop()") {
  for (const bool by_stop : {false, true}) {
    CAPTURE(by_stop);
    one_session w;
    w.lead_to(row::send_buffers);
    const auto receives = w.start_receive(w.e);
    w.run();
    require_waiting(receives);
    if (by_stop) w.stopping = w.start(w.cp.stop());
    else w.e.close();
    w.run();
    CHECK(told(receives, "a message for a closed endpoint").error() == errc::closed);
  }
}

TEST_CASE("G23: all who wait for the end are told when the last row has returned, whichever") {
  for (const row r : every_row) {
    CAPTURE(to_string(r));
    if (r == row::terminate_session) continue;  // below
    one_session w;
    w.s.usual(r) = act(manner::ignores_stop);
    w.lead_to(r);
    const auto first = w.start_deregister(w.p);
    const auto stops = w.start(w.cp.stop());
    w.run();
    require_waiting(first);
    require_waiting(stops);
    w.s.door_of(r).open_for_good();
    w.run();
    CHECK(told(first, "the end of an instance").ok());
    CHECK(told(stops, "the end of all instances").ok());
  }
  one_session w;
  w.s.usual(row::terminate_session) = act(manner::ignores_stop);
  w.lead_to(row::send_buffers);
  const auto first = w.start_deregister(w.p);
  const auto stops = w.start(w.cp.stop());
  w.run();
  require_waiting(first);
  require_waiting(stops);
  w.s.door_of(row::terminate_session).open_for_good();
  w.run();
  CHECK(told(first, "terminate_session's return").ok());
  CHECK(told(stops, "terminate_session's return").ok());
}

TEST_CASE("who stops the platform is told when a registration that is open has been decided") {
  for (const status answer : {status(), status(errc::registration_refused)}) {
    CAPTURE(answer.message());
    one_session w;
    w.policy.answer = answer;
    w.lead_to(session_state::registering);
    const auto stops = w.start(w.cp.stop());
    w.run();
    require_waiting(stops);
    w.policy.open.complete_all();
    w.run();
    CHECK(told(stops, "a registration that was decided").ok());
    CHECK_FALSE(w.registering_root->take().ok());
  }
}

TEST_CASE("a call of the provider's that is held is told when the session ends") {
  one_session w;
  w.lead_to(session_state::establishing);
  const auto held = w.start(awaiting<result<transport_id>>(w.s.self.request_transport_id()));
  w.run();
  require_waiting(held);
  const auto ends = w.start_deregister(w.p);
  w.run();
  CHECK(told(held, "a held call of an ended session").error() == errc::terminated);
}

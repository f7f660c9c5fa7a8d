// Diagrams, compared with the files in golden/.
#include "lockgate/observe/mermaid.hpp"  // for mermaid

#include "lockgate/lockgate.hpp"  // for platform

#include "support/doctest.hpp"
#include "support/world.hpp"  // for world, running

#include <filesystem>  // for path
#include <fstream>     // for ifstream
#include <iterator>    // for istreambuf_iterator
#include <optional>    // for optional
#include <string>      // for string

using namespace lockgate;
using namespace std::chrono_literals;

namespace {

std::string golden(const char* name) {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "golden" / name);
  REQUIRE_MESSAGE(file.good(), "no golden file " << name);
  return {std::istreambuf_iterator<char>(file), {}};
}

transport_id id_of(unsigned char last) {
  std::array<std::byte, 16> bytes{};
  bytes[0] = std::byte{0xfd};
  bytes[15] = std::byte{last};
  return transport_id(bytes);
}

/// Reaches everybody but one peer, refuses its first activation, and asks for an id too early.
class moody {
 public:
  task<> establish_session(instance cp) {
    const status spawned = cp.spawn(ask_for_id(cp));
    REQUIRE(spawned.ok());
    const status slept = co_await sleep_for(5ms);
    REQUIRE(slept.ok());
    cp_ = cp;
  }
  void terminate_session(termination_reason) {}
  status transition_active() { return activations_++ == 0 ? status(errc::timed_out) : status(); }
  status reach_transport_id(transport_id peer) {
    return peer == id_of(2) ? status(errc::unreachable) : status();
  }
  sent send_buffers(std::span<const outgoing> messages) {
    for (const outgoing& m : messages) {
      auto memory = std::make_unique<std::byte[]>(m.payload.size());
      lease copy = lease::wrap(
          {memory.get(), m.payload.size()},
          [](void* p) noexcept { delete[] static_cast<std::byte*>(p); }, memory.get());
      static_cast<void>(memory.release());
      const status echoed = cp_.indicate(incoming(m.local, m.remote, std::move(copy)));
      REQUIRE(echoed.ok());
    }
    return messages.size();
  }

 private:
  static task<> ask_for_id(instance cp) {
    const result<transport_id> id = co_await cp.request_transport_id();
    REQUIRE(id.has_value());
  }
  instance cp_;
  int activations_ = 0;
};

task<> use(platform& cp, provider_instance& link) {
  const status registered = co_await link.register_instance();
  REQUIRE(registered.ok());
  endpoint app = cp.open_endpoint({.proposed_id = id_of(1)});
  const std::array<std::byte, 3> hello{};
  const status early = co_await app.send_to(id_of(3), chain(hello));
  CHECK(early == errc::activation_failed);
  const auto ready = co_await app.ready();
  REQUIRE(ready.has_value());
  for (int i = 0; i < 3; ++i) {
    const status sent_now = co_await app.send_to(id_of(3), chain(hello));
    CHECK(sent_now.ok());
  }
  const status refused = co_await app.send_to(id_of(2), chain(hello));
  CHECK(refused == errc::unreachable);
  app.close();
  const status stopped = co_await cp.stop();
  CHECK(stopped.ok());
}

}  // namespace

TEST_CASE("the diagram of a session reads as it went, whether messages were listed or counted") {
  for (const auto messages : {timeline::traffic::listed, timeline::traffic::counted}) {
    support::world w;
    timeline events(256, messages);
    platform cp(w.home);
    cp.observe(events);
    provider_instance link = cp.create<moody>();
    support::running<> run(w.home, use(cp, link));
    w.advance(10s);
    REQUIRE(run.done());
    const participant name{link.id(), "moody"};
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

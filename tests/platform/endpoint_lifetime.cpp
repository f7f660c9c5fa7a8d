// An endpoint that closes, and a platform that goes, between a completion and the step that sees
// it.
#include "lockgate/lockgate.hpp"        // for platform
#include "support/connected_world.hpp"  // for connected_world
#include "support/doctest.hpp"          // for CHECK
#include "support/platform_world.hpp"   // for peer_id, bytes_of, lease_of
#include "support/world.hpp"            // for world

#include <optional>  // for optional
#include <span>      // for span
#include <utility>   // for in_place

using namespace lockgate;

namespace {

/// Gives every message back to its sender at once.
class mirror {
 public:
  void establish_session(instance self) { instance_ = self; }
  void terminate_session(termination_reason) {}
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) {
    for (const outgoing& m : messages)
      if (const status s =
              instance_.indicate(incoming(m.local, m.remote, support::lease_of("back")));
          !s.ok())
        return s;
    return messages.size();
  }

 private:
  instance instance_;
};

struct outcome {
  std::optional<result<incoming>> received;
  std::optional<result<transport_id>> ready;
};

task<> receive_into(endpoint* from, outcome* out) {
  out->received = co_await from->receive();
}
task<> ready_into(endpoint* from, outcome* out) {
  out->ready = co_await from->ready();
}

task<> send_then_close(endpoint* from) {
  const status sent_ok = co_await from->send_to(support::peer_id(1), support::bytes_of("out"));
  CHECK(sent_ok.ok());
  from->close();  // the receiver has its message, and has not run yet
}

task<> begin(provider_instance* link, endpoint* from) {
  const status registered = co_await link->register_instance();
  REQUIRE(registered.ok());
  const result<transport_id> id = co_await from->ready();
  REQUIRE(id.has_value());
  const status reached = co_await from->send_to(support::peer_id(1), support::bytes_of("out"));
  REQUIRE(reached.ok());
  const result<incoming> first = co_await from->receive();
  REQUIRE(first.has_value());
}

task<> stop(platform* p) {
  co_await p->stop();
}

}  // namespace

TEST_CASE("F51: an endpoint closes between a message's delivery and the step that reads it") {
  support::world w;
  platform cp(w.home);
  provider_instance link = cp.create<mirror>();
  endpoint app = cp.open_endpoint();
  support::running<> beginning(w.home, begin(&link, &app));
  w.home.run_ready();
  REQUIRE(beginning.done());

  outcome got;
  support::running<> receiving(w.home, receive_into(&app, &got));
  support::running<> sending(w.home, send_then_close(&app));
  CHECK_FALSE(got.received.has_value());
  w.home.run_ready();
  REQUIRE(got.received.has_value());
  REQUIRE(got.received->has_value());
  CHECK((**got.received).size() == 4);

  support::running<> stopping(w.home, stop(&cp));
  w.home.run_ready();
  CHECK(stopping.done());
}

TEST_CASE("F51: the platform goes while a receiver and a caller of ready() have not run yet") {
  support::world w;
  outcome got;
  std::optional<platform> cp(std::in_place, w.home);
  endpoint app = cp->open_endpoint();
  support::running<> receiving(w.home, receive_into(&app, &got));
  support::running<> waiting(w.home, ready_into(&app, &got));
  w.home.run_ready();
  CHECK_FALSE(got.received.has_value());
  cp.reset();  // completes both with `closed`; they run afterwards
  CHECK_FALSE(app);
  w.home.run_ready();
  REQUIRE(got.received.has_value());
  REQUIRE(got.ready.has_value());
  CHECK(got.received->error() == errc::closed);
  CHECK(got.ready->error() == errc::closed);
}

TEST_CASE("a receiver destroyed with messages it has not read: they are counted as dropped") {
  support::connected_world w;
  w.connect();
  const auto receiving = w.start_receive(w.app);
  w.run();
  REQUIRE(w.indicate("one") == status());
  receiving->destroy();
  CHECK(w.app.statistics().drops[drop_cause::endpoint_closed] == 1);
  const auto again = w.start_receive(w.app);
  REQUIRE(w.indicate("two") == status());
  w.run();
  REQUIRE(again->done());
  CHECK(again->take().has_value());
  CHECK(w.app.statistics().drops.total() == 1);
}

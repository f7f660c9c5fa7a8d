#include "lockgate/testing/virtual_stream.hpp"   // for virtual_stream
#include "lockgate/testing/trial.hpp"            // for trial
#include "lockgate/testing/virtual_network.hpp"  // for virtual_network

#include <doctest/doctest.h>  // for TEST_CASE

#include <array>     // for array
#include <chrono>    // for seconds
#include <cstddef>   // for byte
#include <optional>  // for optional
#include <string>    // for string
#include <vector>    // for vector

namespace lt = lockgate::testing;
using namespace std::chrono_literals;
using lockgate::errc;
using lockgate::ip_address;
using lockgate::result;
using lockgate::socket_address;
using lockgate::status;
using lockgate::task;
using bytes = std::vector<std::byte>;

namespace {

/// Numbers every byte, so that one that is missing, doubled or out of order shows.
bytes numbered(std::size_t count) {
  bytes out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 256);
  return out;
}

/// One end of a stream, and what has happened to it.
struct end {
  std::optional<lt::virtual_stream> stream;
  status opened = errc::would_block, sent = errc::would_block, ended = errc::would_block;
  bytes got;
};

task<> connects(lt::virtual_host* host, lockgate::stream_target target, end* here) {
  result<lt::virtual_stream> made = co_await host->connect(target);
  here->opened = made.error();
  if (made) here->stream.emplace(std::move(*made));
}
task<> accepts(lt::virtual_listener* listener, end* here) {
  result<lt::virtual_stream> made = co_await listener->accept();
  here->opened = made.error();
  if (made) here->stream.emplace(std::move(*made));
}
task<> sends(end* here, bytes what) {
  here->sent = co_await here->stream->send(what);
}
task<> receives(end* here) {
  std::array<std::byte, 1000> into;
  for (;;) {
    const result<std::size_t> count = co_await here->stream->receive(into);
    if (!count) {
      here->ended = count.error();
      co_return;
    }
    here->got.insert(here->got.end(), into.begin(), into.begin() + std::ptrdiff_t(*count));
  }
}
task<> looks_up(lt::virtual_host* host, std::string name, result<std::vector<ip_address>>* found) {
  *found = co_await host->resolve(name);
}

/// A client behind a NAT box and a server outside.
class world {
 public:
  explicit world(const lt::nat_behaviour& behaviour = lt::nat::port_restricted,
                 std::string certificate = {})
      : trial(source_, trace_, fifo()), net(trial.home(), 1),
        box(net.add_nat(net.internet(), ip_address::v4(198, 51, 100, 1), behaviour)),
        client(net.add_host(box.inside, ip_address::v4(10, 0, 0, 2))),
        server(net.add_host(net.internet(), ip_address::v4(203, 0, 113, 1))),
        listener(std::move(*server.listen({ip_address(), 80, 0}, certificate))) {}
  ~world() {
    trial.actors_stop().request_stop();
    trial.run_for(1s);
  }

  /// Opens a stream from the client's side to the server's.
  void open() {
    trial.start(accepts(&listener, &there));
    trial.start(connects(&client, target(), &here));
    trial.run_for(300s);
  }
  void send(end& from, const bytes& what, lockgate::duration wait = 1s) {
    trial.start(sends(&from, what));
    trial.run_for(wait);
  }
  void receive(end& at) {
    trial.start(receives(&at));
    trial.run_for(1s);
  }
  static lockgate::stream_target target() {
    lockgate::stream_target t;
    t.to = {ip_address::v4(203, 0, 113, 1), 80, 0};
    return t;
  }

 private:
  static lt::trial_options fifo() {
    lt::trial_options o;
    o.any_order = false;
    return o;
  }
  lt::choices source_ = lt::choices::replay("0");
  lt::trace trace_;

 public:
  lt::trial trial;
  lt::virtual_network net;
  lt::nat_box& box;
  lt::virtual_host& client;
  lt::virtual_host& server;
  lt::virtual_listener listener;
  end here, there;
};

}  // namespace

TEST_CASE("a stream carries bytes both ways, through a NAT box that blocks UDP") {
  world w(lt::nat::udp_blocked);
  w.open();
  REQUIRE(w.here.opened.ok());
  REQUIRE(w.there.opened.ok());
  CHECK(w.there.stream->remote_address().ip == w.box.streams.external());
  CHECK(w.here.stream->local_address().ip == ip_address::v4(10, 0, 0, 2));
  w.receive(w.here);
  w.receive(w.there);
  w.send(w.here, numbered(5000));
  w.send(w.there, numbered(3));
  CHECK(w.there.got == numbered(5000));
  CHECK(w.here.got == numbered(3));
  CHECK(w.here.sent.ok());
}

TEST_CASE("a lossy, reordering, corrupting link delays a stream and damages nothing") {
  world w;
  w.box.link.loss = 200'000;
  w.box.link.duplication = 100'000;
  w.box.link.reordering = 100'000;
  w.box.link.corruption = 50'000;
  w.open();
  REQUIRE(w.here.opened.ok());
  REQUIRE(w.there.opened.ok());
  w.receive(w.there);
  w.send(w.here, numbered(300'000), 3600s);
  CHECK(w.here.sent.ok());
  CHECK(w.there.got == numbered(300'000));
  CHECK(w.net.statistics().lost > 20);
  CHECK(w.net.statistics().corrupted > 5);
}

TEST_CASE("a send waits for a reader that takes its time") {
  world w;
  w.open();
  w.send(w.here, numbered(200'000), 600s);
  CHECK(w.here.sent == errc::would_block);  // still waiting
  w.receive(w.there);
  w.trial.run_for(600s);
  CHECK(w.here.sent.ok());
  CHECK(w.there.got == numbered(200'000));
}

TEST_CASE("half-close: the other direction goes on") {
  world w;
  w.open();
  w.receive(w.here);
  w.receive(w.there);
  w.send(w.here, numbered(10));
  w.here.stream->end_sending();
  w.trial.run_for(1s);
  CHECK(w.there.ended == errc::closed);
  CHECK(w.there.got == numbered(10));
  w.send(w.there, numbered(20));
  CHECK(w.here.got == numbered(20));
  CHECK(w.here.ended == errc::would_block);  // still waiting
  w.send(w.here, numbered(1));
  CHECK(w.here.sent == errc::closed);
  w.there.stream->close();
  w.trial.run_for(1s);
  CHECK(w.here.ended == errc::closed);
}

TEST_CASE("close: what was sent still arrives; the closer's own operations end") {
  world w;
  w.open();
  w.receive(w.here);
  w.send(w.here, numbered(4000));
  w.here.stream->close();
  w.trial.run_for(1s);
  CHECK(w.here.ended == errc::closed);
  w.receive(w.there);
  CHECK(w.there.got == numbered(4000));
  CHECK(w.there.ended == errc::closed);
}

TEST_CASE("close with something unread, and abort, reset the other end") {
  for (const bool aborts : {false, true}) {
    CAPTURE(aborts);
    world w;
    w.open();
    w.receive(w.there);
    if (aborts) {
      w.here.stream->abort();
    } else {
      w.send(w.there, numbered(4));
      w.here.stream->close();
    }
    w.trial.run_for(1s);
    CHECK(w.there.ended == std::errc::connection_reset);
    w.send(w.there, numbered(1));
    CHECK(w.there.sent == std::errc::connection_reset);
  }
}

TEST_CASE("nobody listens, nobody answers, nobody accepts") {
  {
    world w;
    w.listener.close();
    w.open();
    CHECK(w.there.opened == errc::closed);
    CHECK(w.here.opened == std::errc::connection_refused);
  }
  {
    world w;
    w.box.link.up = false;
    const auto begun = w.trial.now();
    w.open();
    CHECK(w.here.opened == errc::timed_out);
    CHECK(w.trial.now() - begun >= 120s);
  }
  {
    world w;
    w.trial.start(connects(&w.client, world::target(), &w.here));
    w.trial.run_for(1s);
    REQUIRE(w.here.opened.ok());
    w.receive(w.here);
    w.listener.close();
    w.trial.run_for(1s);
    CHECK(w.here.ended == std::errc::connection_reset);
  }
}

TEST_CASE("a pulled cable is noticed when something has been sent for two minutes") {
  world w;
  w.open();
  w.receive(w.here);
  w.box.link.up = false;
  w.trial.run_for(3600s);
  CHECK(w.here.ended == errc::would_block);  // silence is no failure
  w.send(w.here, numbered(1), 300s);
  CHECK(w.here.ended == errc::timed_out);
}

TEST_CASE("a NAT box that reboots cuts streams: the far end resets what it does not know") {
  world w;
  w.open();
  w.receive(w.here);
  w.box.rebind();
  w.send(w.here, numbered(1), 10s);
  CHECK(w.here.ended == std::errc::connection_reset);
}

TEST_CASE("strangers get in by a forwarded port only") {
  world w;
  auto inside = w.client.listen({ip_address(), 90, 0});
  REQUIRE(inside);
  lockgate::stream_target door;
  door.to = {w.box.streams.external(), 5000, 0};
  w.trial.start(connects(&w.server, door, &w.there));
  w.trial.run_for(300s);
  CHECK(w.there.opened == errc::timed_out);
  w.box.streams.forward(5000, {ip_address::v4(10, 0, 0, 2), 90, 0});
  w.trial.start(connects(&w.server, door, &w.there));
  w.trial.run_for(1s);
  CHECK(w.there.opened.ok());
}

TEST_CASE("TLS: the server proves its name, or nothing comes of it") {
  struct row {
    const char* certificate;
    bool secured;
    const char* name;
    status outcome;
  };
  const row rows[] = {
      {"turn.example", true, "turn.example", {}},
      {"other.example", true, "turn.example", std::make_error_code(std::errc::permission_denied)},
      {"", true, "turn.example", errc::malformed},
      {"turn.example", false, "", std::make_error_code(std::errc::connection_refused)},
      {"", false, "", {}}};
  for (const row& r : rows) {
    CAPTURE(r.certificate);
    CAPTURE(r.secured);
    world w(lt::nat::port_restricted, r.certificate);
    lockgate::stream_target target = world::target();
    target.secured = r.secured;
    target.name = r.name;
    w.trial.start(connects(&w.client, target, &w.here));
    w.trial.run_for(10s);
    CHECK(w.here.opened == r.outcome);
  }
}

TEST_CASE("stopped operations end at once, and leave nothing behind") {
  world w;
  w.box.link.up = false;
  w.trial.start(connects(&w.client, world::target(), &w.here));
  w.trial.start(accepts(&w.listener, &w.there));
  w.trial.run_for(1s);
  w.trial.actors_stop().request_stop();
  w.trial.run_for(1s);
  CHECK(w.here.opened == errc::canceled);
  CHECK(w.there.opened == errc::canceled);
}

TEST_CASE("names: addresses, failures, delays, and a server that never answers") {
  world w;
  lt::virtual_name known;
  known.addresses = {ip_address::v4(203, 0, 113, 1), ip_address::v4(203, 0, 113, 2)};
  known.delay = 2s;
  w.net.set_name("known", known);
  lt::virtual_name broken;
  broken.failure = errc::timed_out;
  w.net.set_name("broken", broken);
  lt::virtual_name silent;
  silent.delay = lockgate::duration::max();
  w.net.set_name("silent", silent);

  const auto look_up = [&](const char* name) {
    auto found = std::make_unique<result<std::vector<ip_address>>>(errc::would_block);
    w.trial.start(looks_up(&w.client, name, found.get()));
    w.trial.run_for(1s);
    return found;
  };
  CHECK(look_up("192.0.2.7")->value() == std::vector<ip_address>(1, ip_address::v4(192, 0, 2, 7)));
  CHECK(look_up("unknown")->error() == errc::unreachable);
  CHECK(look_up("broken")->error() == errc::timed_out);
  const auto found = look_up("known");
  CHECK(found->error() == errc::would_block);
  w.trial.run_for(2s);
  CHECK(found->value() == known.addresses);
  const auto never = look_up("silent");
  w.trial.run_for(86'400s);
  CHECK(never->error() == errc::would_block);
  w.trial.actors_stop().request_stop();
  w.trial.run_for(1s);
  CHECK(never->error() == errc::canceled);
}

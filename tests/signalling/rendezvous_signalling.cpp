// Signalling through a rendezvous server, in virtual time: both ways to it, their loss, and the
// end.
#include "lockgate/signalling/rendezvous_signalling.hpp"

#include "lockgate/crypto/openssl.hpp"                // for openssl_crypto
#include "lockgate/signalling/rendezvous_router.hpp"  // for rendezvous_router
#include "lockgate/testing/virtual_network.hpp"       // for virtual_network
#include "support/doctest.hpp"
#include "support/world.hpp"  // for world, running

#include <array>    // for array
#include <chrono>   // for seconds
#include <cstdint>  // for uint8_t
#include <memory>   // for shared_ptr, make_shared, unique_ptr
#include <set>      // for set
#include <span>     // for span
#include <string>   // for string
#include <vector>   // for vector

using namespace lockgate;
using namespace std::chrono_literals;

namespace {

using signalling_type = rendezvous_signalling<testing::virtual_host, openssl_crypto>;

transport_id id(std::uint8_t number) {
  std::array<std::byte, 16> bytes{};
  bytes[15] = std::byte{number};
  return transport_id(bytes);
}

/// A platform as signalling sees it: it has ids, and takes what comes for them.
class recording_sink final : public signal_sink {
 public:
  void signal_arrived(signal_message message) noexcept override {
    CHECK(ids.contains(message.to));
    texts.emplace_back(reinterpret_cast<const char*>(message.blob.data()), message.blob.size());
  }
  bool has_id(const transport_id& one) const noexcept override { return ids.contains(one); }

  std::set<transport_id> ids;
  std::vector<std::string> texts;  ///< of what has come, in order
};

/// The router behind sockets, as the rendezvous program has it.
class server {
 public:
  /// Where a message came from: an address, or a connection.
  struct origin {
    socket_address at;
    std::shared_ptr<server_wire> connection;
    friend bool operator==(const origin&, const origin&) = default;
  };

  server(testing::virtual_host& host, task_group& tasks, const socket_address& at)
      : host_(host), tasks_(tasks), socket_(*host.open_datagram(at)), listener_(*host.listen(at)) {
    CHECK(tasks_.spawn(serve_udp(this)).ok());
    CHECK(tasks_.spawn(accept(this)).ok());
  }
  void break_connections() {
    for (const auto& open : connections_) open->close();
  }

  bool hears_udp = true;
  std::size_t accepted = 0;       ///< connections
  std::size_t registrations = 0;  ///< that have come, over both ways

 private:
  static task<> serve_udp(server* self) {
    std::array<received_datagram, 8> batch;
    for (;;) {
      const result<std::size_t> got = co_await self->socket_.receive(batch);
      if (!got) co_return;
      for (received_datagram& one : std::span(batch).first(*got)) {
        if (self->hears_udp) self->take(one.payload.bytes(), {one.from, nullptr});
        one.payload.reset();
      }
    }
  }
  static task<> accept(server* self) {
    for (;;) {
      auto stream = co_await self->listener_.accept();
      if (!stream) co_return;
      ++self->accepted;
      const auto made = std::make_shared<stream_wire<testing::virtual_stream>>(
          std::move(*stream), self->host_.buffers());
      self->connections_.push_back(made);
      CHECK(self->tasks_.spawn(work(made)).ok());
      CHECK(self->tasks_.spawn(serve(self, made)).ok());
    }
  }
  static task<> work(std::shared_ptr<server_wire> over) { co_await over->work(); }
  static task<> serve(server* self, std::shared_ptr<server_wire> over) {
    std::array<received_datagram, 8> batch;
    for (;;) {
      const result<std::size_t> got = co_await over->receive(batch);
      if (!got) break;
      for (received_datagram& one : std::span(batch).first(*got)) {
        self->take(one.payload.bytes(), {socket_address(), over});
        one.payload.reset();
      }
    }
    self->router_.forget({socket_address(), over});
    over->close();
  }
  void take(bytes_view bytes, const origin& from) {
    const auto message = decode(bytes, hmac_);
    if (message && message->kind == stun::message_class::request) ++registrations;
    router_.receive(bytes, from, host_.home().now(), [&](const origin& to, bytes_view out) {
      if (to.connection) return to.connection->send_control(out);
      const outgoing_datagram one{to.at, chain(out)};
      CHECK(socket_.try_send({&one, 1}).count == 1);
    });
  }

  testing::virtual_host& host_;
  task_group& tasks_;
  testing::virtual_socket socket_;
  testing::virtual_listener listener_;
  std::vector<std::shared_ptr<server_wire>> connections_;
  openssl_crypto::hmac_sha256 hmac_{std::as_bytes(std::span(std::string_view("key")))};
  rendezvous_router<origin, openssl_crypto> router_{"key"};
};

/// Two programs, 20 ms from a server between them, each with one id.
struct signalling_world : support::world {
  signalling_world() {
    for (std::uint8_t i = 0; i < 2; ++i) {
      auto& host = net.add_host(net.internet(), ip_address::v4(192, 0, 2, std::uint8_t(i + 1)));
      sides[i] = std::make_unique<signalling_type>(host, at, "key");
      sides[i]->attach(sinks[i]);
      use(i, id(std::uint8_t(i + 1)), true);
    }
  }
  ~signalling_world() {
    for (const auto& side : sides)
      if (side) close(*side);
    tasks.request_stop();
    advance(1s);
  }
  void use(std::size_t side, const transport_id& one, bool in_use) {
    if (in_use) sinks[side].ids.insert(one);
    else sinks[side].ids.erase(one);
    sides[side]->id_in_use(sinks[side], one, in_use);
  }
  status send(std::string_view text, const transport_id& to = id(2)) {
    signal_message message;
    message.from = id(1);
    message.to = to;
    message.channel = "turn";
    const auto bytes = std::as_bytes(std::span(text));
    message.blob.assign(bytes.begin(), bytes.end());
    support::running<status> sending(home, sides[0]->send(std::move(message)));
    REQUIRE(sending.done());
    return sending.take();
  }
  void close(signalling_type& which) {
    support::running<> closing(home, which.close());
    advance(1s);
    REQUIRE(closing.done());
  }

  testing::virtual_network net{home, 1};
  socket_address at{ip_address::v4(192, 0, 2, 9), 7000};
  task_group tasks{home};
  testing::virtual_host& server_host = net.add_host(net.internet(), at.ip);
  server between{server_host, tasks, at};
  std::array<recording_sink, 2> sinks;
  std::array<std::unique_ptr<signalling_type>, 2> sides;
};

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("rendezvous: a signal goes over UDP and TCP, and arrives once") {
  signalling_world w;
  w.advance(200ms);
  CHECK(w.send("hello").ok());
  w.advance(200ms);
  CHECK(w.sinks[1].texts == texts{"hello"});
  CHECK(w.sinks[0].texts.empty());
  CHECK(w.sides[1]->rejected() == 0);
}

TEST_CASE("rendezvous: each of several platforms gets what is for its ids, until it leaves") {
  signalling_world w;
  recording_sink second;
  w.sides[1]->attach(second);
  second.ids.insert(id(3));
  w.sides[1]->id_in_use(second, id(3), true);
  w.advance(200ms);
  CHECK(w.send("to the first", id(2)).ok());
  CHECK(w.send("to the second", id(3)).ok());
  w.advance(200ms);
  CHECK(w.sinks[1].texts == texts{"to the first"});
  CHECK(second.texts == texts{"to the second"});

  w.sides[1]->detach(second);
  CHECK(w.send("too late", id(3)).ok());
  CHECK(w.send("still here", id(2)).ok());
  w.advance(200ms);
  CHECK(second.texts.size() == 1);
  CHECK(w.sinks[1].texts == texts{"to the first", "still here"});
}

TEST_CASE(
    "rendezvous: where UDP does not pass, a broken connection is made anew after two seconds") {
  signalling_world w;
  w.between.hears_udp = false;
  w.advance(1s);
  REQUIRE(w.between.accepted == 2);
  CHECK(w.send("over TCP").ok());
  w.advance(200ms);
  CHECK(w.sinks[1].texts == texts{"over TCP"});

  w.between.break_connections();
  w.advance(1900ms);
  CHECK(w.between.accepted == 2);
  w.advance(200ms);
  CHECK(w.between.accepted == 4);
  w.advance(100ms);  // registers without being asked to
  CHECK(w.send("over the next").ok());
  w.advance(200ms);
  CHECK(w.sinks[1].texts == texts{"over TCP", "over the next"});
}

TEST_CASE(
    "rendezvous: a registration is repeated until it is answered, and then every 15 seconds") {
  signalling_world w;
  w.server_host.link.up = false;
  w.advance(10s);
  REQUIRE(w.between.registrations == 0);
  w.server_host.link.up = true;
  w.advance(16s);
  CHECK(w.send("hello").ok());
  w.advance(200ms);
  CHECK(w.sinks[1].texts == texts{"hello"});

  w.use(1, id(3), true);
  std::size_t before = w.between.registrations;
  w.advance(14s);
  CHECK(w.between.registrations - before <= 2 * 2 + 2 * 2);  // the new one twice, the old ones once
  before = w.between.registrations;
  w.use(1, id(3), false);
  w.advance(60s);
  CHECK(w.between.registrations - before >= 2 * 2 * 60 / 15 - 4);  // two ids, each over two ways
  CHECK(w.between.registrations - before <= 2 * 2 * 60 / 15 + 4);
}

TEST_CASE("rendezvous: an id that is given up and taken again is registered again at once") {
  signalling_world w;
  w.advance(200ms);
  w.use(1, id(2), false);
  w.advance(1s);
  const std::size_t before = w.between.registrations;
  w.use(1, id(2), true);
  w.advance(100ms);
  CHECK(w.between.registrations > before);
  w.use(1, id(2), false);  // the answer to the first is under way, and is for nobody
  w.use(1, id(2), true);
  w.advance(200ms);
  CHECK(w.send("hello").ok());
  w.advance(200ms);
  CHECK(w.sinks[1].texts == texts{"hello"});
}

TEST_CASE("rendezvous: what was closed sends nothing, takes nothing, and says so") {
  signalling_world w;
  w.advance(200ms);
  CHECK(w.send("under way").ok());
  w.close(*w.sides[1]);
  CHECK(w.sinks[1].texts.empty());
  w.close(*w.sides[0]);
  CHECK(w.send("too late") == errc::closed);
  const auto sent = w.net.statistics().sent;
  w.advance(60s);
  CHECK(w.net.statistics().sent == sent);
}

TEST_CASE("rendezvous: it may be destroyed without close, while it connects, receives and pauses") {
  signalling_world w;
  for (const duration age : {0ms, 25ms, 500ms}) {
    w.advance(age);
    w.sides[0].reset();
    w.advance(100ms);
    w.sides[0] = std::make_unique<signalling_type>(
        w.net.add_host(w.net.internet(), ip_address::v4(192, 0, 2, std::uint8_t(20 + age / 5ms))),
        w.at, "key");
  }
  w.advance(1s);
  w.between.break_connections();
  w.advance(1s);
  w.sides[0].reset();
  w.advance(10s);
}

TEST_CASE("rendezvous: 65536 senders are remembered, and one who is does not make them forgotten") {
  rendezvous_replay_guard guard;
  const auto is_new = [&](std::uint64_t sender) {
    rendezvous_message m;
    m.sender = sender;
    m.count = 1;
    return guard.is_new(m);
  };
  for (std::uint64_t i = 1; i <= 65'536; ++i) REQUIRE(is_new(i));
  CHECK_FALSE(is_new(1));
  CHECK_FALSE(is_new(65'536));
  CHECK(is_new(65'537));  // begins anew: bounded
  CHECK_FALSE(is_new(65'537));
}

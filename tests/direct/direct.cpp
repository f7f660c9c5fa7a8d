// The direct provider on a network that does what the test says.
#include "lockgate/direct/direct.hpp"  // for direct

#include "lockgate/lockgate.hpp"  // for platform

#include "support/allocation.hpp"  // for allocations_made
#include "support/doctest.hpp"
#include "support/scripted_network.hpp"  // for scripted_network
#include "support/world.hpp"             // for world, running

#include <optional>  // for optional
#include <string>    // for string
#include <vector>    // for vector

using namespace lockgate;
using namespace std::chrono_literals;
using support::running;
using support::scripted_network;
using support::scripted_wire;

namespace {

using provider_type = direct<scripted_network>;
static_assert(id_aware_provider<provider_type>);

constexpr std::uint16_t my_port = 4000;

transport_id id_of(unsigned char last) {
  std::array<std::byte, 16> bytes{};
  bytes[0] = std::byte{0xfd};
  bytes[15] = std::byte{last};
  return transport_id(bytes);
}
const transport_id me = id_of(1), alice = id_of(2), bob = id_of(3), nobody = id_of(9);
const socket_address at_alice{ip_address::v4(192, 0, 2, 2), 7000, 0};
const socket_address at_bob{ip_address::v4(192, 0, 2, 3), 7000, 0};
const socket_address at_nobody{ip_address::v4(192, 0, 2, 9), 7000, 0};

chain bytes_of(const std::string& text) {
  return chain(std::as_bytes(std::span(text)));
}

/// A platform with one direct provider, and an endpoint with the id `me`, which is ready.
struct direct_world : support::world {
  direct_world() {
    REQUIRE(peers.add(alice, at_alice).ok());
    REQUIRE(peers.add(bob, at_bob).ok());
    peers.bind(me, {ip_address::v4(127, 0, 0, 1), my_port, 0});
    run_to_end(start());
  }
  ~direct_world() {
    running<> ending(home, stop());
    advance(1s);
    CHECK(ending.done());
    CHECK(net.buffers().statistics().outstanding == 0);
  }
  void run_to_end(task<> work) {
    running<> r(home, std::move(work));
    advance(1s);
    REQUIRE(r.done());
  }
  task<> start() {
    const status registered = co_await link.register_instance();
    REQUIRE(registered.ok());
    app = cp.open_endpoint({.proposed_id = me, .listening = true});
    const auto id = co_await app.ready();
    REQUIRE(id.has_value());
    REQUIRE(*id == me);
  }
  task<> stop() {
    const status stopped = co_await cp.stop();
    CHECK(stopped.ok());
  }
  task<> send_one(transport_id to, std::string text, status* outcome) {
    *outcome = co_await app.send_to(to, bytes_of(text));
  }
  task<> send_all(std::vector<std::string> texts, std::vector<transport_id> to, accepted* outcome) {
    std::vector<message_to> batch;
    for (std::size_t i = 0; i < texts.size(); ++i)
      batch.push_back({to[i % to.size()], bytes_of(texts[i])});
    *outcome = co_await app.send_to(batch);
  }
  /// The texts of what has arrived at the endpoint.
  task<> receive_all(std::size_t count, std::vector<std::string>* texts) {
    while (texts->size() < count) {
      result<incoming> message = co_await app.receive();
      REQUIRE(message.has_value());
      const auto bytes = message->contiguous();
      texts->emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  }
  [[nodiscard]] const direct_counters& counters() const {
    return link.get_if<provider_type>()->counters();
  }
  [[nodiscard]] scripted_wire& wire() { return *net.wires.at(my_port); }
  void open_path(transport_id to) {
    status outcome = errc::canceled;
    run_to_end(send_one(to, "first", &outcome));
    REQUIRE(outcome.ok());
    wire().sent.clear();
  }

  scripted_network net{home};
  peer_table peers;
  platform cp{net};
  provider_instance link = cp.create<provider_type>(net, peers);
  endpoint app;
};

}  // namespace

TEST_CASE("a local id is a socket, bound as the table says") {
  direct_world w;
  CHECK(w.link.get_if<provider_type>()->local_address(me).port == my_port);
  CHECK(w.link.get_if<provider_type>()->local_address(nobody) == socket_address());

  endpoint other = w.cp.open_endpoint();
  w.advance(1s);
  const auto address = w.link.get_if<provider_type>()->local_address(other.id());
  CHECK(address.port >= 50000);  // any
  CHECK(address.ip.is_unspecified());
  other.close();
  w.advance(1s);
  CHECK(w.net.wires.at(address.port)->closed);
  CHECK_FALSE(w.wire().closed);
}

TEST_CASE("an id whose socket cannot be opened is refused") {
  direct_world w;
  w.net.open_failure = std::make_error_code(std::errc::address_in_use);
  endpoint other = w.cp.open_endpoint({.proposed_id = nobody});
  result<transport_id> id = me;
  const auto ask = [](endpoint* at, result<transport_id>* out) -> task<> {
    *out = co_await at->ready();
  };
  w.run_to_end(ask(&other, &id));
  CHECK(id.error() == errc::duplicate_transport_id);  // the one asked for was refused
}

TEST_CASE("messages leave for the address of their peer, in order and unchanged") {
  direct_world w;
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back("message " + std::to_string(i));
  accepted outcome;
  w.run_to_end(w.send_all(texts, {alice, bob}, &outcome));
  CHECK(outcome.count == texts.size());
  REQUIRE(w.wire().sent.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CHECK(w.wire().sent[i].bytes == texts[i]);
    CHECK(w.wire().sent[i].to == (i % 2 == 0 ? at_alice : at_bob));
  }
  CHECK(w.counters().sent == texts.size());
}

TEST_CASE("a peer without a row of the table is unreachable, also when the row goes later") {
  direct_world w;
  status outcome;
  w.run_to_end(w.send_one(nobody, "hello", &outcome));
  CHECK(outcome == errc::unreachable);
  w.open_path(alice);
  w.peers.remove(alice);
  w.run_to_end(w.send_one(alice, "hello", &outcome));
  CHECK(outcome == errc::unreachable);
  CHECK(w.wire().sent.empty());
  REQUIRE(w.peers.add(alice, at_bob) == errc::duplicate_transport_id);
  REQUIRE(w.peers.add(alice, at_nobody).ok());
  w.run_to_end(w.send_one(alice, "hello", &outcome));
  CHECK(outcome.ok());
  REQUIRE(w.wire().sent.size() == 1);
  CHECK(w.wire().sent[0].to == at_nobody);
}

TEST_CASE("a send waits only while its socket has to, and nothing overtakes it") {
  direct_world w;
  w.open_path(alice);
  w.wire().credit = 3;
  accepted first;
  running<> batch(w.home, w.send_all({"0", "1", "2", "3", "4", "5"}, {alice}, &first));
  status second = errc::canceled;
  running<> later(w.home, w.send_one(alice, "6", &second));
  w.advance(1s);
  CHECK_FALSE(batch.done());
  CHECK_FALSE(later.done());
  CHECK(w.wire().sent.size() == 3);
  w.wire().let_pass(1);
  w.advance(1s);
  CHECK(w.wire().sent.size() == 4);
  w.wire().let_pass(100);
  w.advance(1s);
  REQUIRE(batch.done());
  REQUIRE(later.done());
  CHECK(first.count == 6);
  CHECK(second.ok());
  REQUIRE(w.wire().sent.size() == 7);
  for (std::size_t i = 0; i < 7; ++i) CHECK(w.wire().sent[i].bytes == std::to_string(i));
  CHECK(w.counters().waits == 2);
}

TEST_CASE("a send that waits ends with its socket") {
  direct_world w;
  w.open_path(alice);
  w.wire().credit = 1;
  accepted outcome;
  running<> batch(w.home, w.send_all({"0", "1"}, {alice}, &outcome));
  w.advance(1s);
  CHECK_FALSE(batch.done());
  w.wire().close();
  w.advance(1s);
  REQUIRE(batch.done());
  CHECK(outcome.count == 1);
  CHECK(outcome.why == errc::closed);
}

TEST_CASE("a send that waits ends with its session") {
  std::optional<direct_world> w(std::in_place);
  w->open_path(alice);
  w->wire().credit = 0;
  status outcome;
  running<> waiting(w->home, w->send_one(alice, "x", &outcome));
  w->advance(1s);
  CHECK_FALSE(waiting.done());
  w->run_to_end(w->stop());
  w->advance(1s);
  REQUIRE(waiting.done());
  CHECK(outcome == errc::canceled);
}

TEST_CASE("datagrams of known peers are handed up in order; the others are dropped and counted") {
  direct_world w;
  w.net.put(my_port, at_alice, "a0");
  w.net.put(my_port, at_nobody, "intruder");
  w.net.put(my_port, at_bob, "b0");
  w.net.put(my_port, at_alice, "cut", true);
  w.net.put(my_port, at_alice, "");
  w.net.put(my_port, at_alice, "a1");
  w.net.wake(my_port);
  std::vector<std::string> texts;
  w.run_to_end(w.receive_all(3, &texts));
  CHECK(texts == std::vector<std::string>{"a0", "b0", "a1"});
  CHECK(w.counters().received == 3);
  CHECK(w.counters().unknown_sender == 1);
  CHECK(w.counters().truncated == 1);
  CHECK(w.counters().empty == 1);
  CHECK(w.counters().dropped() == 3);
  CHECK(w.net.buffers().statistics().outstanding == 0);
}

TEST_CASE("a message says where and when it arrived, and lies where the network put it") {
  direct_world w;
  w.net.put(my_port, at_bob, "here");
  const std::byte* const memory = w.wire().arrived.front().payload.bytes().data();
  w.net.wake(my_port);
  const copy_statistics before = copies_made;
  const auto look = [](direct_world* in, const std::byte* expected) -> task<> {
    result<incoming> message = co_await in->app.receive();
    REQUIRE(message.has_value());
    CHECK(message->part(0).bytes().data() == expected);
    CHECK(message->local == me);
    CHECK(message->remote == bob);
    CHECK(message->arrived.local_address.port == my_port);
    CHECK(message->arrived.time == in->time.at);
  };
  running<> r(w.home, look(&w, memory));
  w.home.run_ready();
  CHECK(r.done());
  CHECK(copies_made.copies == before.copies);
}

TEST_CASE("a full receive queue is counted and holds nothing") {
  support::world w;
  scripted_network net(w.home);
  peer_table peers;
  REQUIRE(peers.add(alice, at_alice).ok());
  peers.bind(me, {ip_address::v4(127, 0, 0, 1), my_port, 0});
  platform_options options;
  options.receive_queue_bytes = 1000;
  platform cp(net, options);
  provider_instance link = cp.create<provider_type>(net, peers);
  const auto life = [](platform* p, provider_instance* l, endpoint* e) -> task<> {
    const status registered = co_await l->register_instance();
    REQUIRE(registered.ok());
    *e = p->open_endpoint({.proposed_id = me, .listening = true});
  };
  endpoint app;
  running<> begin(w.home, life(&cp, &link, &app));
  w.advance(1s);
  for (int i = 0; i < 10; ++i) net.put(my_port, at_alice, std::string(200, 'x'));
  net.wake(my_port);
  w.advance(1s);
  const auto& counters = link.get_if<provider_type>()->counters();
  CHECK(counters.received + counters.queue_full == 10);
  CHECK(counters.queue_full > 0);
  CHECK(net.buffers().statistics().outstanding <= counters.received);
  const auto end = [](platform* p) -> task<> {
    const status stopped = co_await p->stop();
    CHECK(stopped.ok());
  };
  running<> ending(w.home, end(&cp));
  w.advance(1s);
  REQUIRE(ending.done());
  CHECK(net.buffers().statistics().outstanding == 0);
}

TEST_CASE("a socket that can no longer receive ends the session") {
  direct_world w;
  w.wire().fail_receive(std::make_error_code(std::errc::bad_file_descriptor));
  w.advance(1s);
  CHECK(w.link.state() == session_state::deregistered);
  CHECK(w.wire().closed);
}

TEST_CASE("removing an id closes its socket; the instance drains without a leak") {
  direct_world w;
  w.net.put(my_port, at_alice, "unread");
  w.net.wake(my_port);
  w.advance(1s);
  CHECK(w.net.buffers().statistics().outstanding == 1);
  w.app.close();
  w.advance(1s);
  CHECK(w.wire().closed);
  CHECK(w.net.buffers().statistics().outstanding == 0);
  w.app = w.cp.open_endpoint({.proposed_id = me, .listening = true});
  w.advance(1s);
  CHECK_FALSE(w.wire().closed);  // the id again, with a new socket on the same port
}

#if !LOCKGATE_ASAN  // which sees every frame, so that none is recycled
TEST_CASE("in a steady state nothing is allocated, sending one or many, or receiving") {
  direct_world w;
  w.open_path(alice);
  const auto exchange = [](direct_world* in, int rounds) -> task<> {
    const std::array<std::byte, 8> bytes{};
    std::array<message_to, 40> batch;
    batch.fill({alice, chain(bytes)});
    for (int i = 0; i < rounds; ++i) {
      const status one = co_await in->app.send_to(alice, chain(bytes));
      REQUIRE(one.ok());
      const accepted many = co_await in->app.send_to(batch);
      REQUIRE(many.count == batch.size());
      in->wire().sent.clear();
      in->net.put(my_port, at_alice, "answer");
      in->net.wake(my_port);
      const result<incoming> answer = co_await in->app.receive();
      REQUIRE(answer.has_value());
    }
  };
  w.run_to_end(exchange(&w, 2));
  task<> work = exchange(&w, 100);
  const std::uint64_t before = support::allocations_made();
  running<> again(w.home, std::move(work));
  w.advance(1s);
  REQUIRE(again.done());
  CHECK(support::allocations_made() == before);
}
#endif

// The turn provider in virtual time, through a network and a server that do what they should not.
#include "support/turn_world.hpp"  // for turn_world

#include <array>   // for array
#include <memory>  // for make_shared, shared_ptr
#include <set>     // for set
#include <string>  // for string

using namespace lockgate;
using namespace std::chrono_literals;
using support::turn_world;

namespace {

constexpr std::uint32_t percent = 10'000;  // parts per million

/// RFC 8445 section 11 and RFC 8489 section 6.2.1: within this a dead allocation is noticed.
constexpr auto keep_alive_and_transaction = 15s + 39'500ms;

/// What else may lie between the end of all faults and the next message: the platform's longest
/// back-off, and the relay's longest pause between attempts.
constexpr auto longest_recovery = keep_alive_and_transaction + 60s + 64s;

using packet = turn_world::server::packet;
using replies = turn_world::server::replies;

std::size_t allocations(const turn_world& w) {
  std::size_t count = 0;
  for (const auto& one : w.servers) count += one->allocations();
  return count;
}
/// Lets a server that speaks UDP be spoken to over TCP: a socket of its own for each stream.
class stream_front {
 public:
  stream_front(turn_world& w, std::size_t server)
      : host_(*w.server_hosts[server]), server_(w.servers[server]->at()), tasks_(w.tasks),
        listener_(std::move(host_.listen(server_).value())) {
    CHECK(tasks_.spawn(accept(this)).ok());
  }
  std::uint64_t messages = 0;  ///< from clients
  int streams = 0;             ///< that are open

 private:
  using wire = stream_wire<testing::virtual_stream>;
  using socket = testing::virtual_socket;

  static task<> accept(stream_front* self) {
    for (;;) {
      auto stream = co_await self->listener_.accept();
      if (!stream) break;
      ++self->streams;
      const auto in = std::make_shared<wire>(std::move(*stream), self->host_.buffers());
      socket_address any;
      any.ip = self->server_.ip;
      const auto out = std::make_shared<socket>(std::move(self->host_.open_datagram(any).value()));
      CHECK(self->tasks_.spawn(write(in)).ok());
      CHECK(self->tasks_.spawn(carry_out(self, in, out)).ok());
      CHECK(self->tasks_.spawn(carry_back(in, out)).ok());
    }
  }
  static task<> write(std::shared_ptr<wire> in) { co_await in->work(); }
  static task<> carry_out(stream_front* self, std::shared_ptr<wire> in,
                          std::shared_ptr<socket> out) {
    std::array<received_datagram, 8> batch;
    for (;;) {
      const result<std::size_t> got = co_await in->receive(batch);
      if (!got) break;
      for (received_datagram& one : std::span(batch).first(*got)) {
        ++self->messages;
        const outgoing_datagram on{self->server_, chain(one.payload.bytes())};
        CHECK(out->try_send({&on, 1}).count == 1);
        one.payload.reset();
      }
    }
    --self->streams;
    out->close();
  }
  static task<> carry_back(std::shared_ptr<wire> in, std::shared_ptr<socket> out) {
    std::array<received_datagram, 8> batch;
    for (;;) {
      const result<std::size_t> got = co_await out->receive(batch);
      if (!got) break;
      for (received_datagram& one : std::span(batch).first(*got)) {
        in->send_control(one.payload.bytes());
        one.payload.reset();
      }
    }
    in->close();
  }

  testing::virtual_host& host_;
  socket_address server_;
  task_group& tasks_;
  testing::virtual_listener listener_;
};

stun::method method_of(const packet& request) {
  return stun::message_view::parse(request)->method();
}

}  // namespace

TEST_CASE("virtual turn: from registration to the first message in five round trips") {
  turn_world w;
  w.open();
  w.send_every(0, 100ms);
  const time_point began = w.now();
  REQUIRE(w.carries(1, 10s));
  // Challenge and allocation 40 ms, the announcement 10 ms on top of that, its answer 10 ms, and
  // the message 20 ms: the signalling is twice as near as the server is.
  CHECK(w.now() - began <= 100ms);
  CHECK(w.servers[0]->allocations() == 2);
}

TEST_CASE("virtual turn: a peer that is slower to get in has heard of us by then") {
  turn_world w;
  w.sides[1].box->link.delay = 25ms;  // three times as far from the server as we are
  w.signals.delay = 30ms;             // one way, as from there to the server
  w.open();
  w.send_every(0, 100ms);
  const time_point began = w.now();
  REQUIRE(w.carries(1, 10s));
  // Our announcement is there after 70 ms, its challenge and allocation take 120. Then its own
  // announcement takes 30 ms, and the message 40, which is let through for being 10 ms later at
  // the server than the permission.
  CHECK(w.now() - began <= 190ms);
}

TEST_CASE("F59 virtual turn: loss, duplication, reordering, jitter and corruption") {
  for (const std::uint32_t loss : {0u, 5u, 20u, 40u, 60u}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(loss);
      CAPTURE(seed);
      turn_world w(seed);
      w.signals.loss = loss * percent;
      w.on_every_link([&](testing::link_quality& link) {
        link.loss = loss * percent;
        link.jitter = 30ms;
        link.duplication = link.reordering = 5 * percent;
        link.corruption = percent;
      });
      w.open();
      w.send_every(0, 200ms);
      w.send_every(1, 300ms);
      w.pass(3min);
      if (loss <= 20) {
        CHECK(w.sides[0].received > 0);
        CHECK(w.sides[1].received > 0);
      }
      // From now on nothing is wrong with the network, and within a bounded time with anything.
      w.signals.loss = 0;
      w.on_every_link([](testing::link_quality& link) { link = {}; });
      CHECK(w.carries(0, longest_recovery));
      CHECK(w.carries(1, longest_recovery));
    }
  }
}

TEST_CASE("F60 virtual turn: what a cut line or a one-sided one stops goes on when it is healed") {
  for (const bool both : {true, false}) {
    turn_world w;
    w.open();
    w.send_every(0, 200ms);
    w.send_every(1, 200ms);
    REQUIRE(w.carries(0, 5s, 10));
    testing::link_quality& cut = w.sides[0].box->link;
    if (both) cut.up = false;
    else w.sides[0].box->table.change_behaviour(testing::nat::udp_blocked);  // of one host only
    w.pass(10min);
    const std::uint64_t before = w.sides[1].received;
    w.pass(10s);
    CHECK(w.sides[1].received == before);
    cut.up = true;
    w.sides[0].box->table.change_behaviour(testing::nat::symmetric);
    CHECK(w.carries(1, longest_recovery));
    CHECK(w.carries(0, keep_alive_and_transaction));
  }
}

TEST_CASE("F61 virtual turn: a NAT that rebinds costs a keep-alive and a transaction at most") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    turn_world w(seed);
    w.open();
    w.send_every(0, 300ms);
    w.send_every(1, 300ms);
    REQUIRE(w.carries(0, 5s));
    REQUIRE(w.carries(1, 5s));
    w.on_every_link([](testing::link_quality& link) { link.loss = 5 * percent; });
    testing::split_mix random(seed);
    for (int i = 0; i < 15; ++i) {
      w.pass(std::chrono::milliseconds(random.below(90'000)));
      testing::virtual_nat& table = w.sides[random.below(2)].box->table;
      if (random.below(2) == 0) table.rebind();
      else table.reboot();
    }
    w.pass(keep_alive_and_transaction);
    for (const auto& s : w.sides) {
      CHECK(s.longest_gap < keep_alive_and_transaction);
      CHECK(w.now() - s.last_received < 5s);
    }
  }
}

TEST_CASE("F61 virtual turn: mappings that live for 30 s only are kept alive") {
  testing::nat_behaviour hasty = testing::nat::symmetric;
  hasty.lifetime = 30s;
  turn_world w(1, 1, hasty);
  w.open();
  w.send_every(0, 5min);
  w.send_every(1, 7min);
  w.pass(2h);
  CHECK(w.sides[0].events.count(event_kind::row_ended, row::transition_active) == 1);
  CHECK(w.sides[1].received >= 24);
  CHECK(w.sides[0].received >= 17);
  CHECK(allocations(w) == 2);
}

TEST_CASE("F63 virtual turn: a server that reboots, and one that is gone for a while") {
  turn_world w;
  w.open();
  w.send_every(0, 50ms);
  w.send_every(1, 50ms);
  REQUIRE(w.carries(0, 5s, 10));
  for (int i = 0; i < 5; ++i) {
    w.servers[0]->reboot();
    CHECK(w.carries(0, keep_alive_and_transaction, 10));
    CHECK(w.carries(1, keep_alive_and_transaction, 10));
  }
  w.servers[0]->is_silent = true;
  w.pass(5min);
  w.servers[0]->reboot();
  w.servers[0]->is_silent = false;
  CHECK(w.carries(0, longest_recovery, 10));
  for (const auto& s : w.sides)
    for (const auto& [number, times] : s.seen) CHECK(times == 1);
}

TEST_CASE("F63 virtual turn: answers from another address than the server's are dropped") {
  turn_world w;
  auto elsewhere = w.server_hosts[0]->open_datagram({w.servers[0]->at().ip, 3479}).value();
  bool is_astray = true;
  w.sides[0].box->table.change_behaviour(testing::nat::full_cone);  // lets them in
  w.sides[1].box->table.change_behaviour(testing::nat::full_cone);
  w.servers[0]->instead = [&](replies& says, const packet&, packet honest) -> packet {
    if (!is_astray) return honest;
    const chain bytes{bytes_view(honest)};
    const outgoing_datagram one{says.mapped, bytes};
    static_cast<void>(elsewhere.try_send({&one, 1}));
    return {};
  };
  w.options.open_timeout = 2s;
  w.open();
  w.send_every(0, 100ms);
  w.pass(20s);
  CHECK(w.sides[0].events.count(event_kind::row_ended, row::transition_active) >= 1);
  CHECK(w.sides[1].received == 0);
  is_astray = false;
  w.servers[0]->reboot();
  CHECK(w.carries(1, 2min));
}

TEST_CASE(
    "F65 virtual turn: a host's address goes and another comes, and nothing spins meanwhile") {
  turn_world w;
  w.open();
  w.send_every(0, 100ms);
  REQUIRE(w.carries(1, 5s, 10));
  testing::virtual_host& host = *w.sides[0].host;
  const ip_address old = host.addresses().front();
  host.remove_address(old);
  const std::uint64_t wakes = w.wakes;
  w.pass(5min);
  CHECK(w.wakes - wakes < 2 * 3000);  // ten sends a second, and some retries
  host.add_address(ip_address::v4(10, 0, 1, 77));
  CHECK(w.carries(1, longest_recovery));
}

TEST_CASE("F66 virtual turn: NATs in series, and the same addresses inside and outside") {
  turn_world w;
  auto& shared =
      w.net.add_nat(w.net.internet(), ip_address::v4(198, 51, 100, 77), testing::nat::symmetric);
  for (std::size_t i = 0; i < 2; ++i) {
    // Behind the shared one both boxes have an address that a host behind the other has as well.
    auto& box = w.net.add_nat(shared.inside, ip_address::v4(10, 0, 0, std::uint8_t(i + 1)),
                              testing::nat::symmetric);
    auto& host = w.net.add_host(box.inside, ip_address::v4(10, 0, 0, std::uint8_t(2 - i)));
    w.sides[i].host = &host;
  }
  w.open();
  w.send_every(0, 100ms);
  w.send_every(1, 100ms);
  CHECK(w.carries(0, 5s, 10));
  CHECK(w.carries(1, 5s, 10));
}

TEST_CASE("F66 virtual turn: a peer that cannot hear us is not called reachable") {
  turn_world w;
  w.options.reach_timeout = 2s;
  w.sides[1].box->table.change_behaviour(testing::nat::udp_blocked);
  w.open();
  w.send_every(0, 1s);
  w.pass(1min);
  CHECK(w.sides[0].sent == 0);
  CHECK(w.sides[0].refused > 0);
}

TEST_CASE("virtual turn: all nine kinds of NAT with all nine, but for blocked UDP") {
  for (const auto& [name_a, a] : testing::nat::kinds)
    for (const auto& [name_b, b] : testing::nat::kinds) {
      if (a.blocks_udp || b.blocks_udp) continue;
      CAPTURE(name_a);
      CAPTURE(name_b);
      turn_world w;
      w.sides[0].box->table.change_behaviour(a);
      w.sides[1].box->table.change_behaviour(b);
      w.open();
      w.send_every(0, 100ms);
      w.send_every(1, 100ms);
      CHECK(w.carries(0, 1s));
      CHECK(w.carries(1, 1s));
    }
}

TEST_CASE("virtual turn: a slow server is waited for, a slow one beside a fast one is not") {
  SUBCASE("alone") {
    turn_world w;
    w.servers[0]->delay = 3s;
    w.open();
    w.send_every(0, 100ms);
    CHECK(w.carries(1, 30s));
  }
  SUBCASE("beside a fast one") {
    turn_world w(1, 2);
    w.servers[0]->delay = 3s;
    w.open();
    w.send_every(0, 100ms);
    CHECK(w.carries(1, 1s));
    CHECK(w.servers[1]->allocations() == 2);
  }
}

TEST_CASE("virtual turn: UDP that loses a datagram is waited for, once it has been answered") {
  turn_world w;
  w.options.servers[0].tcp = true;
  stream_front tcp(w, 0);
  std::set<socket_address> lost;
  w.servers[0]->instead = [&](replies& says, const packet&, packet honest) -> packet {
    const bool is_udp = says.mapped.ip != w.servers[0]->at().ip;
    if (is_udp && says.has_allocation && lost.insert(says.mapped).second) return {};
    return honest;
  };
  w.open();
  w.send_every(0, 100ms);
  const time_point began = w.now();
  REQUIRE(w.carries(1, 10s));
  CHECK(lost.size() == 2);
  CHECK(w.now() - began >= 500ms);  // both allocations were repeated
  CHECK(w.now() - began <= 700ms);
  CHECK(tcp.streams == 0);  // with which a server gives up what was allocated over them
  const std::uint64_t over_tcp = tcp.messages;
  CHECK(over_tcp > 0);
  REQUIRE(w.carries(1, 10s, 50));
  CHECK(tcp.messages == over_tcp);
}

TEST_CASE("virtual turn: UDP that falls silent, or was never heard, does not hold up TCP") {
  for (const bool answers_once : {true, false}) {
    CAPTURE(answers_once);
    turn_world w;
    w.options.servers[0].tcp = true;
    stream_front tcp(w, 0);
    w.servers[0]->instead = [&](replies& says, const packet&, packet honest) -> packet {
      const bool is_udp = says.mapped.ip != w.servers[0]->at().ip;
      return is_udp && (says.has_allocation || !answers_once) ? packet() : honest;
    };
    w.open();
    w.send_every(0, 100ms);
    const time_point began = w.now();
    REQUIRE(w.carries(1, 10s));
    // A round trip of 20 ms more than over UDP; no timer is waited for unless UDP had answered.
    CHECK(w.now() - began <= (answers_once ? 1200ms : 140ms));
    const std::uint64_t over_tcp = tcp.messages;
    REQUIRE(w.carries(1, 10s, 50));
    CHECK(tcp.messages >= over_tcp + 50);
  }
}

TEST_CASE("virtual turn: what the losers of a race were granted is given back") {
  turn_world w(1, 3);
  w.server_hosts[1]->link.delay = 3ms;  // these answer while the race is being decided
  w.server_hosts[2]->link.delay = 8ms;
  w.open();
  w.send_every(0, 100ms);
  REQUIRE(w.carries(1, 5s));
  w.pass(1s);
  CHECK(w.servers[0]->allocations() == 2);
  CHECK(w.servers[1]->allocations() == 0);
  CHECK(w.servers[2]->allocations() == 0);
}

TEST_CASE(
    "virtual turn: 486 and 508 leave a server alone for a minute, however often it is tried") {
  turn_world w;
  w.servers[0]->instead = [&](replies& says, const packet& request, packet honest) -> packet {
    if (method_of(request) != stun::method::allocate || !says.has_allocation) return honest;
    return says.error(request, stun::error_code::allocation_quota_reached, true);
  };
  w.begin(0);
  w.pass(5s);
  const std::uint64_t asked = w.servers[0]->requests;
  CHECK(asked >= 2);
  w.pass(50s);
  CHECK(w.servers[0]->requests == asked);
  CHECK(w.sides[0].events.count(event_kind::row_ended, row::transition_active) > 1);
  w.servers[0]->instead = {};
  w.servers[0]->reboot();
  CHECK(w.within(3min, [&] { return w.servers[0]->allocations() == 1; }));
}

TEST_CASE("virtual turn: while one server rests another one serves") {
  turn_world w(1, 2);
  w.servers[0]->instead = [&](replies& says, const packet& request, packet honest) -> packet {
    if (method_of(request) != stun::method::allocate || !says.has_allocation) return honest;
    return says.error(request, stun::error_code::insufficient_capacity, true);
  };
  w.open();
  w.send_every(0, 100ms);
  CHECK(w.carries(1, 5s));
  CHECK(w.servers[1]->allocations() == 2);
}

TEST_CASE("virtual turn: lies of a server end in an error or in nothing, never in a wrong claim") {
  enum class kind { relay_at_loopback, unsigned_success, redirect_to_loopback, twice, other_id };
  for (const kind how : {kind::relay_at_loopback, kind::unsigned_success,
                         kind::redirect_to_loopback, kind::twice, kind::other_id}) {
    CAPTURE(int(how));
    turn_world w;
    w.options.allow_private_peers = false;
    w.options.open_timeout = 3s;
    w.servers[0]->instead = [&](replies& says, const packet& request, packet honest) -> packet {
      const bool grants = stun::message_view::parse(honest)->kind() == stun::message_class::success;
      if (!grants) return honest;
      switch (how) {
        case kind::relay_at_loopback:
          return says.allocated(request, {ip_address::v4(127, 0, 0, 1), 5000});
        case kind::unsigned_success: honest.resize(honest.size() - 24); break;
        case kind::redirect_to_loopback:
          return says.error(request, stun::error_code::try_alternate, true, [](stun::encoder& e) {
            e.address(stun::attribute_type::alternate_server, {ip_address::v4(127, 0, 0, 1), 3478});
          });
        case kind::twice: break;
        case kind::other_id: honest[8] ^= std::byte{1}; break;
      }
      if (how == kind::unsigned_success) {  // the length must fit what is left
        honest[2] = static_cast<std::byte>((honest.size() - 20) >> 8);
        honest[3] = static_cast<std::byte>(honest.size() - 20);
      }
      return honest;
    };
    w.begin(0);
    w.pass(30s);
    bool is_active = false;
    for (const event& e : w.sides[0].events.events)
      is_active = is_active || (e.kind == event_kind::row_ended &&
                                e.which == row::transition_active && e.result.ok());
    CHECK(is_active == (how == kind::twice));
  }
}

TEST_CASE(
    "F77 virtual turn: a peer that has vanished is sent to no longer than its answer is good") {
  turn_world w;
  platform_options how;
  how.reach_lifetime = w.options.reach_freshness = w.options.reach_timeout = 10s;
  w.open(how);
  w.send_every(0, 100ms);
  REQUIRE(w.carries(1, 5s));
  w.sides[1].host->link.up = false;
  w.signals.loss = 100 * percent;
  w.pass(30s);  // all three, one after the other; RFC 7675 section 5.1
  const std::uint64_t sent = w.sides[0].sent;
  w.pass(5min);  // the server's answers to our own keep-alives are no consent of the peer's
  CHECK(w.sides[0].sent == sent);
  CHECK(w.sides[0].refused > 0);
  w.sides[1].host->link.up = true;
  w.signals.loss = 0;
  CHECK(w.carries(1, longest_recovery));
}

TEST_CASE("F79 virtual turn: secrets are in nothing that leaves, through every mishap") {
  turn_world w;
  w.servers[0]->is_logging = true;
  w.open();
  w.send_every(0, 100ms);
  REQUIRE(w.carries(1, 5s));
  w.servers[0]->reboot();
  w.sides[0].box->table.rebind();
  w.pass(5min);
  std::string all = w.servers[0]->log;
  for (const auto& s : w.sides)
    all.append(reinterpret_cast<const char*>(s.events.events.data()),
               s.events.events.size() * sizeof(event));
  CHECK(all.find("alice") != all.npos);
  CHECK(all.find(turn_world::password) == all.npos);
}

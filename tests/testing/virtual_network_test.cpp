#include "lockgate/testing/virtual_network.hpp"  // for virtual_network

#include "lockgate/testing/trial.hpp"  // for trial

#include <doctest/doctest.h>  // for TEST_CASE

#include <array>    // for array
#include <chrono>   // for seconds
#include <cstddef>  // for byte
#include <map>      // for map
#include <vector>   // for vector

namespace lt = lockgate::testing;
using namespace std::chrono_literals;
using lockgate::errc;
using lockgate::ip_address;
using lockgate::socket_address;
using lockgate::status;
using lockgate::task;

namespace {

struct arrival {
  socket_address from;
  std::vector<std::byte> payload;
  bool truncated;
};
using arrivals = std::vector<arrival>;

task<> listens(lt::virtual_socket* socket, arrivals* into, status* ended) {
  std::array<lockgate::received_datagram, 8> got;
  for (;;) {
    const lockgate::result<std::size_t> count = co_await socket->receive(got);
    if (!count) {
      *ended = count.error();
      co_return;
    }
    for (std::size_t i = 0; i < *count; ++i) {
      const auto bytes = got[i].payload.bytes();
      into->push_back({got[i].from, {bytes.begin(), bytes.end()}, got[i].arrived.truncated});
      got[i] = lockgate::received_datagram();
    }
  }
}

/// A host behind a NAT box, another one behind the same, and two servers outside.
class world {
 public:
  explicit world(const lt::nat_behaviour& behaviour)
      : trial(source_, trace_, fifo()), net(trial.home(), 1),
        box(net.add_nat(net.internet(), ip_address::v4(198, 51, 100, 1), behaviour)),
        inside(open(box.inside, inside_address, 4000)),
        neighbour(open(box.inside, socket_address{ip_address::v4(10, 0, 0, 3), 4000, 0}.ip, 4000)),
        server(open(net.internet(), ip_address::v4(203, 0, 113, 1), 7)),
        server_other_port(open_again(ip_address::v4(203, 0, 113, 1), 8)),
        other(open(net.internet(), ip_address::v4(203, 0, 113, 2), 7)) {}
  ~world() {
    for (auto& s : sockets_) s->socket.close();
    trial.run_for(1s);
  }

  struct end {
    lt::virtual_host* host = nullptr;
    lt::virtual_socket socket;
    arrivals got;
    status ended;
    [[nodiscard]] socket_address address() const {
      return {host->addresses().front(), socket.local_address().port, 0};
    }
  };

  bool send(end& from, const socket_address& to, std::size_t size = 3) {
    const std::vector<std::byte> bytes(size, std::byte{0x5a});
    const lockgate::outgoing_datagram datagram{to, lockgate::chain(bytes)};
    const bool taken = from.socket.try_send({&datagram, 1}).count == 1;
    trial.run_for(1s);
    return taken;
  }
  /// Where `from` is seen by `to`.
  socket_address seen(end& from, end& to) {
    to.got.clear();
    send(from, to.address());
    return to.got.empty() ? socket_address() : to.got.front().from;
  }
  bool gets_through(end& from, const socket_address& to, end& at) {
    at.got.clear();
    send(from, to);
    return !at.got.empty();
  }

  static constexpr ip_address inside_address = ip_address::v4(10, 0, 0, 2);

 private:
  static lt::trial_options fifo() {
    lt::trial_options o;
    o.any_order = false;
    return o;
  }
  lt::choices source_ = lt::choices::replay("0");
  lt::trace trace_;
  std::vector<std::unique_ptr<end>> sockets_;

  end& open(lt::address_realm& where, const ip_address& address, std::uint16_t port) {
    return open_on(net.add_host(where, address), port);
  }
  end& open_again(const ip_address& address, std::uint16_t port) {
    for (auto& s : sockets_)
      if (s->host->has(address)) return open_on(*s->host, port);
    return open_on(*sockets_.front()->host, port);
  }
  end& open_on(lt::virtual_host& host, std::uint16_t port) {
    sockets_.push_back(std::make_unique<end>());
    end& e = *sockets_.back();
    e.host = &host;
    e.socket = std::move(*host.open_datagram({ip_address(), port, 0}));
    trial.start(listens(&e.socket, &e.got, &e.ended));
    return e;
  }

 public:
  lt::trial trial;
  lt::virtual_network net;
  lt::nat_box& box;
  end& inside;
  end& neighbour;
  end& server;
  end& server_other_port;
  end& other;
};

}  // namespace

TEST_CASE("each kind of NAT maps and filters as it is named (RFC 4787)") {
  for (const auto& [name, behaviour] : lt::nat::kinds) {
    CAPTURE(name);
    world w(behaviour);
    const socket_address first = w.seen(w.inside, w.server);
    if (behaviour.blocks_udp) {
      CHECK(first == socket_address());
      continue;
    }
    CHECK((first.ip == w.box.table.external()) == behaviour.translates);
    if (behaviour.translates)
      CHECK((first.port == 4000) == (behaviour.ports == lt::port_allocation::preserving));
    // Filtering, before anything else is sent.
    const bool anybody = behaviour.filtering == lt::nat_scope::endpoint_independent;
    const bool same_address = anybody || behaviour.filtering == lt::nat_scope::address;
    CHECK(w.gets_through(w.server, first, w.inside));
    CHECK(w.gets_through(w.server_other_port, first, w.inside) == same_address);
    CHECK(w.gets_through(w.other, first, w.inside) == anybody);
    // Mapping.
    if (behaviour.moved_by_early_packet) continue;
    const bool same_for_ports = behaviour.mapping != lt::nat_scope::address_and_port;
    const bool same_for_all = behaviour.mapping == lt::nat_scope::endpoint_independent;
    CHECK((w.seen(w.inside, w.server_other_port) == first) == same_for_ports);
    CHECK((w.seen(w.inside, w.other) == first) == same_for_all);
  }
}

TEST_CASE("a leaky NAT moves a mapping out of the way of an early packet") {
  world w(lt::nat::leaky);
  const socket_address first = w.seen(w.inside, w.server);
  CHECK_FALSE(w.gets_through(w.other, first, w.inside));
  CHECK(w.seen(w.inside, w.other).port != first.port);
  CHECK(w.seen(w.inside, w.server) == first);
}

TEST_CASE("an unused mapping ends with its lifetime; outbound packets keep it") {
  world w(lt::nat::full_cone);
  const socket_address first = w.seen(w.inside, w.server);
  for (int i = 0; i < 5; ++i) {
    w.trial.run_for(100s);
    CHECK(w.seen(w.inside, w.server) == first);
  }
  CHECK(w.gets_through(w.server, first, w.inside));
  w.trial.run_for(121s);
  CHECK_FALSE(w.gets_through(w.server, first, w.inside));
}

TEST_CASE("reboot and rebinding") {
  world w(lt::nat::port_restricted);
  const socket_address first = w.seen(w.inside, w.server);
  w.box.table.rebind();
  CHECK_FALSE(w.gets_through(w.server, first, w.inside));
  const socket_address second = w.seen(w.inside, w.server);
  CHECK(second.port != first.port);
  w.box.table.reboot();
  CHECK(w.box.table.mapping_count() == 0);
  CHECK_FALSE(w.gets_through(w.server, second, w.inside));
}

TEST_CASE("hairpin: only where the box does it, and with the external source address (REQ-9)") {
  world closed(lt::nat::full_cone);
  const socket_address without = closed.seen(closed.inside, closed.server);
  CHECK_FALSE(closed.gets_through(closed.neighbour, without, closed.inside));

  lt::nat_behaviour does = lt::nat::full_cone;
  does.hairpin = true;
  world w(does);
  const socket_address with = w.seen(w.inside, w.server);
  REQUIRE(w.gets_through(w.neighbour, with, w.inside));
  CHECK(w.inside.got.front().from.ip == w.box.table.external());
  // Neighbours also reach each other directly.
  CHECK(w.gets_through(w.neighbour, w.inside.address(), w.inside));
}

TEST_CASE("two boxes in a row translate twice, and a forwarded port lets strangers in") {
  world w(lt::nat::port_restricted);
  lt::nat_box& inner = w.net.add_nat(w.box.inside, ip_address::v4(10, 0, 0, 9), lt::nat::symmetric);
  lt::virtual_host& deep = w.net.add_host(inner.inside, ip_address::v4(192, 168, 0, 2));
  world::end e;
  e.host = &deep;
  e.socket = std::move(*deep.open_datagram({ip_address(), 9, 0}));
  CHECK(w.seen(e, w.server).ip == w.box.table.external());

  w.box.table.forward(5000, w.inside.address());
  const socket_address door{w.box.table.external(), 5000, 0};
  CHECK(w.gets_through(w.other, door, w.inside));
  CHECK(w.seen(w.inside, w.other) == door);
}

TEST_CASE("links lose, duplicate, corrupt and delay as often as they say") {
  world w(lt::nat::full_cone);
  lt::link_quality& link = w.inside.host->link;
  link.loss = 200'000;
  link.duplication = 100'000;
  link.corruption = 50'000;
  for (int i = 0; i < 4000; ++i) w.send(w.inside, w.server.address());
  const lt::network_statistics& s = w.net.statistics();
  CHECK(s.lost > 700);
  CHECK(s.lost < 900);
  CHECK(s.duplicated > 250);
  CHECK(s.duplicated < 400);
  CHECK(s.corrupted > 110);
  CHECK(s.corrupted < 210);
  CHECK(w.server.got.size() == 4000 - s.lost + s.duplicated);
  std::size_t damaged = 0;
  for (const arrival& a : w.server.got)
    damaged += a.payload != std::vector<std::byte>(3, std::byte{0x5a});
  CHECK(damaged >= s.corrupted);
}

TEST_CASE("what a link does not take, and what a slab does not hold") {
  world w(lt::nat::full_cone);
  const std::vector<std::byte> large(1473);
  const lockgate::outgoing_datagram datagram{w.server.address(), lockgate::chain(large)};
  CHECK(w.inside.socket.try_send({&datagram, 1}).why == errc::message_too_large);
  w.inside.host->link.largest_payload = 9000;
  CHECK(w.send(w.inside, w.server.address(), 5000));
  REQUIRE(w.server.got.size() == 1);
  CHECK(w.server.got.front().truncated);
  CHECK(w.server.got.front().payload.size() == 2048);
}

TEST_CASE("addresses and links come and go") {
  world w(lt::nat::full_cone);
  w.inside.host->remove_address(world::inside_address);
  CHECK_FALSE(w.send(w.inside, w.server.address()));
  w.inside.host->add_address(world::inside_address);
  CHECK(w.gets_through(w.inside, w.server.address(), w.server));
  w.box.link.up = false;
  CHECK_FALSE(w.gets_through(w.inside, w.server.address(), w.server));
  w.box.link.up = true;
  CHECK(w.gets_through(w.inside, w.server.address(), w.server));
}

TEST_CASE("F89: closing a socket completes its receive, and what arrives with it is dropped") {
  world w(lt::nat::full_cone);
  const std::vector<std::byte> bytes(3);
  const lockgate::outgoing_datagram datagram{w.server.address(), lockgate::chain(bytes)};
  static_cast<void>(w.inside.socket.try_send({&datagram, 1}));
  w.server.socket.close();
  w.trial.run_for(1s);
  CHECK(w.server.ended == errc::closed);
  CHECK(w.server.got.empty());
  CHECK(w.server.host->buffers().statistics().outstanding == 0);
  CHECK(w.net.statistics().overflowed == 1);
}

TEST_CASE("ports: one socket each, and any free one for port 0") {
  world w(lt::nat::full_cone);
  CHECK(w.server.host->open_datagram({ip_address(), 7, 0}).error() == errc::invalid_argument);
  const auto any = w.server.host->open_datagram(socket_address());
  REQUIRE(any);
  CHECK(any->local_address().port >= 49152);
  CHECK(w.server.host->open_datagram({ip_address::v4(1, 2, 3, 4), 0, 0}).error() ==
        errc::unreachable);
}

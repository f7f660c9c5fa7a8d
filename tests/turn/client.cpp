// The TURN client against a scripted server, in virtual time.
#include "support/scripted_turn.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

using namespace lockgate_test;
using action = stun::turn_action_type;
using reason = stun::turn_reason;
using received = stun::turn_received_type;
using stun::address_family;

namespace {

std::size_t count_of(const turn_rig& rig, method m) {
  std::size_t n = 0;
  for (const packet& p : rig.sent) n += view(p).method() == m;
  return n;
}
packet bytes(std::initializer_list<int> values) {
  packet out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

}  // namespace

TEST_CASE("turn: challenge, allocation, and what was learnt from it") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  REQUIRE(rig.sent.size() == 1);
  const packet first = rig.take();
  CHECK(view(first).method() == method::allocate);
  CHECK_FALSE(has(first, attribute_type::username));
  CHECK(has(first, attribute_type::requested_transport));
  rig.give(server.challenge(first));
  REQUIRE(rig.sent.size() == 1);
  const packet second = rig.take();
  CHECK(view(second).id() != view(first).id());
  CHECK(text(second, attribute_type::username) == "alice");
  CHECK(server.verifies(second));
  rig.give(server.allocated(second));
  const auto told = rig.take_told();
  CHECK(told.type == action::allocated);
  CHECK(rig.client.relayed(address_family::v4) == relay_v4);
  CHECK(rig.client.mapped() == client_seen);
  CHECK(rig.sent.empty());
}

TEST_CASE("turn: with remembered credentials everything goes out in one flight") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  server.has_allocation = false;

  stun::turn_client<openssl_crypto> again({}, rig.auth, rig.random);
  const auto peer = again.add_peer(peer_a, rig.now);
  REQUIRE(peer);
  again.start(server_at, rig.now);
  std::vector<packet> flight;
  for (auto a = again.next(rig.now); a.type == action::send; a = again.next(rig.now))
    flight.emplace_back(a.bytes.begin(), a.bytes.end());
  REQUIRE(flight.size() == 3);
  CHECK(view(flight[0]).method() == method::allocate);
  CHECK(view(flight[1]).method() == method::create_permission);
  CHECK(view(flight[2]).method() == method::channel_bind);
  for (const packet& p : flight) {
    CHECK(server.verifies(p));
    CHECK(again.receive(server.honest(p), rig.now).type == received::control);
  }
  std::vector<action> told;
  for (auto a = again.next(rig.now); a.type != action::wait; a = again.next(rig.now))
    told.push_back(a.type);
  CHECK(told == std::vector{action::allocated, action::permitted, action::bound});
}

TEST_CASE("turn: requests that overtook Allocate are sent again after it, once") {
  for (const auto code : {error_code::allocation_mismatch, error_code::bad_request}) {
    turn_rig rig;
    scripted_server server;
    REQUIRE(rig.client.add_peer(peer_a, rig.now));
    rig.start();
    rig.give(server.challenge(rig.take()));
    REQUIRE(rig.sent.size() == 3);
    const packet allocate = rig.take();
    rig.give(server.error(rig.take(), code, true));
    rig.give(server.error(rig.take(), code, true));
    CHECK(rig.sent.empty());  // no spinning while there is no allocation
    rig.give(server.allocated(allocate));
    CHECK(rig.take_told().type == action::allocated);
    CHECK(count_of(rig, method::create_permission) == 1);
    CHECK(count_of(rig, method::channel_bind) == 1);
    server.has_allocation = true;
    rig.serve(server);
    CHECK(rig.take_told().type == action::permitted);
    CHECK(rig.take_told().type == action::bound);
  }
}

TEST_CASE("turn: data in both directions lies where the datagram has it, never copied") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto peer = rig.client.add_peer(peer_a, rig.now).value();
  CHECK(peer == 0x4000);
  std::array<std::byte, stun::max_turn_header_size> header{};
  CHECK(rig.client.frame(peer, 5, header).error() == lockgate::errc::would_block);
  rig.pump();
  // The permission has been asked for: a Send indication may follow at once.
  auto frame = rig.client.frame(peer, 5, header);
  REQUIRE(frame);
  CHECK(frame->header == 36);
  CHECK(frame->padding == 3);
  packet whole(header.begin(), header.begin() + 36);
  const packet payload = bytes({1, 2, 3, 4, 5});
  whole.insert(whole.end(), payload.begin(), payload.end());
  whole.resize(whole.size() + frame->padding);
  const auto m = view(whole);
  CHECK(m.kind() == message_class::indication);
  CHECK(m.method() == method::send);
  CHECK(stun::read_xor_address(*m.find(attribute_type::xor_peer_address), m.id()) == peer_a);
  CHECK(std::ranges::equal(m.find(attribute_type::data)->value, payload));

  rig.serve(server);
  CHECK(rig.take_told().type == action::permitted);
  CHECK(rig.take_told().type == action::bound);
  frame = rig.client.frame(peer, 5, header);
  REQUIRE(frame);
  CHECK(frame->header == 4);
  CHECK(frame->padding == 0);
  CHECK(std::ranges::equal(std::span(header).first(4), bytes({0x40, 0, 0, 5})));

  auto got = rig.give(bytes({0x40, 0, 0, 2, 8, 9, 0, 0}));
  CHECK(got.type == received::data);
  CHECK(got.peer == peer);
  CHECK(got.address == peer_a);
  CHECK(got.offset == 4);
  CHECK(got.length == 2);
  const packet indication = scripted_server::data_indication(peer_a, payload);
  got = rig.give(indication);
  CHECK(got.type == received::data);
  CHECK(got.peer == peer);
  CHECK(std::ranges::equal(std::span(indication).subspan(got.offset, got.length), payload));
  socket_address other_port = peer_a;
  other_port.port = 9;
  got = rig.give(scripted_server::data_indication(other_port, payload));
  CHECK(got.type == received::data);
  CHECK(got.peer == 0);
  CHECK(got.address == other_port);
}

TEST_CASE("turn: over a stream ChannelData is padded") {
  stun::turn_config config;
  config.requests.via = stun::transport::stream;
  turn_rig rig(config);
  scripted_server server;
  rig.allocate(server);
  const auto peer = rig.client.add_peer(peer_a, rig.now).value();
  rig.pump();
  rig.serve(server);
  std::array<std::byte, stun::max_turn_header_size> header{};
  const auto frame = rig.client.frame(peer, 5, header);
  REQUIRE(frame);
  CHECK(frame->header == 4);
  CHECK(frame->padding == 3);
}

TEST_CASE("turn: ICMP reports reach the user, strangers' data does not (RFC 8656 21)") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto peer = rig.client.add_peer(peer_a, rig.now).value();
  rig.pump();
  rig.serve(server);
  packet report(200);
  stun::encoder e(report, message_class::indication, method::data, {});
  e.xor_address(attribute_type::xor_peer_address, peer_a);
  e.bytes(attribute_type::icmp, bytes({0, 0, 3, 4, 0, 0, 5, 0x14}));
  report.resize(e.size());
  const auto got = rig.give(report);
  CHECK(got.type == received::icmp);
  CHECK(got.peer == peer);
  CHECK(got.icmp.type == 3);
  CHECK(got.icmp.code == 4);
  CHECK(got.icmp.data == 1300);

  CHECK(rig.give(scripted_server::data_indication(peer_b, bytes({1}))).type == received::dropped);
  CHECK(rig.client.drops().not_permitted == 1);
  CHECK(rig.give(bytes({0x40, 1, 0, 1, 7})).type == received::dropped);
  CHECK(rig.client.drops().unknown_channel == 1);
  rig.client.remove_peer(peer);
  CHECK(rig.give(bytes({0x40, 0, 0, 1, 7})).type == received::dropped);
  CHECK(rig.give(scripted_server::data_indication(peer_a, bytes({1}))).type == received::dropped);
  CHECK(rig.client.drops().not_permitted == 2);
}

TEST_CASE("F75 turn: no permission for private peers unless the settings allow it") {
  turn_rig rig;
  const auto v6 = [](std::initializer_list<int> head, std::initializer_list<int> tail) {
    std::array<std::byte, 16> out{};
    std::size_t i = 0;
    for (const int b : head) out[i++] = static_cast<std::byte>(b);
    i = 16 - tail.size();
    for (const int b : tail) out[i++] = static_cast<std::byte>(b);
    return socket_address{ip_address(out), 5000};
  };
  const std::vector<socket_address> private_ones = {{ip_address::v4(10, 0, 0, 1), 5000},
                                                    {ip_address::v4(172, 16, 0, 1), 5000},
                                                    {ip_address::v4(192, 168, 1, 1), 5000},
                                                    {ip_address::v4(100, 64, 0, 1), 5000},
                                                    {ip_address::v4(127, 0, 0, 1), 5000},
                                                    {ip_address::v4(169, 254, 0, 1), 5000},
                                                    v6({}, {0xff, 0xff, 127, 0, 0, 1}),
                                                    v6({}, {0xff, 0xff, 10, 0, 0, 1}),
                                                    v6({0, 0x64, 0xff, 0x9b}, {10, 0, 0, 1}),
                                                    v6({0x20, 2, 10, 0, 0, 1}, {}),
                                                    v6({0xfe, 0x80}, {1}),
                                                    v6({0xfd}, {1}),
                                                    v6({}, {1}),
                                                    v6({}, {127, 0, 0, 1})};
  const std::vector<socket_address> never_ones = {{ip_address::v4(0, 0, 0, 0), 5000},
                                                  {ip_address::v4(224, 0, 0, 1), 5000},
                                                  {ip_address::v4(255, 255, 255, 255), 5000},
                                                  v6({}, {}),
                                                  v6({0xff, 2}, {1})};
  stun::turn_config open;
  open.allow_private_peers = true;
  turn_rig lab(open);
  for (const auto& a : private_ones) {
    CHECK(rig.client.add_peer(a, rig.now).error() == lockgate::errc::unreachable);
    CHECK(lab.client.add_peer(a, lab.now));
  }
  for (const auto& a : never_ones) {
    CHECK(rig.client.add_peer(a, rig.now).error() == lockgate::errc::unreachable);
    CHECK(lab.client.add_peer(a, lab.now).error() == lockgate::errc::unreachable);
  }
  CHECK(rig.client.add_peer({peer_a.ip, 0}, rig.now).error() == lockgate::errc::invalid_argument);
}

TEST_CASE("F75 turn: a relayed address that nobody can send to is refused") {
  for (const ip_address& bad : {ip_address::v4(0), ip_address(), ip_address::v4(127, 0, 0, 1),
                                ip_address::v4(224, 0, 0, 1)}) {
    turn_rig rig;
    scripted_server server;
    rig.start();
    rig.give(server.challenge(rig.take()));
    rig.give(server.allocated(rig.take(), {bad, 50000}));
    const auto told = rig.take_told();
    CHECK(told.type == action::failed);
    CHECK(told.reason == reason::protocol_error);
  }
}

TEST_CASE("turn: both families in one allocation") {
  stun::turn_config config;
  config.families = stun::turn_families::both;
  const auto allocate = [&](turn_rig& rig, const extra_attributes& extra) {
    scripted_server server;
    rig.start();
    rig.give(server.challenge(rig.take()));
    const packet request = rig.take();
    CHECK(has(request, attribute_type::additional_address_family));
    CHECK_FALSE(has(request, attribute_type::requested_address_family));
    rig.give(server.success(request, extra));
    CHECK(rig.take_told().type == action::allocated);
  };
  const auto relayed = [](const socket_address& a) {
    return [a](stun::encoder& e) { e.xor_address(attribute_type::xor_relayed_address, a); };
  };
  using state = stun::turn_family_state;
  SUBCASE("asked two, got two") {
    turn_rig rig(config);
    allocate(rig, [&](stun::encoder& e) {
      relayed(relay_v4)(e);
      relayed(relay_v6)(e);
    });
    CHECK(rig.client.relayed(address_family::v4) == relay_v4);
    CHECK(rig.client.relayed(address_family::v6) == relay_v6);
  }
  SUBCASE("asked two, got one, no reason given (coturn 4.6.1)") {
    turn_rig rig(config);
    allocate(rig, relayed(relay_v4));
    CHECK(rig.client.family_state(address_family::v4) == state::allocated);
    CHECK(rig.client.family_state(address_family::v6) == state::ignored);
  }
  for (const auto& [number, outcome] :
       {std::pair{40, state::unsupported}, std::pair{8, state::busy}}) {
    turn_rig rig(config);
    allocate(rig, [&, in_hundred = number](stun::encoder& e) {
      relayed(relay_v4)(e);
      e.bytes(attribute_type::address_error_code,
              bytes({2, 0, in_hundred == 40 ? 4 : 5, in_hundred}));
    });
    CHECK(rig.client.family_state(address_family::v6) == outcome);
  }
}

TEST_CASE("turn: 443 - a peer of a family without relayed address") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  SUBCASE("is refused by the server") {
    const auto peer = rig.client.add_peer(peer_a, rig.now).value();
    rig.pump();
    rig.give(server.error(rig.take(), error_code::peer_family_mismatch, true));
    const auto told = rig.take_told();
    CHECK(told.type == action::refused);
    CHECK(told.code == error_code::peer_family_mismatch);
    std::array<std::byte, stun::max_turn_header_size> header{};
    CHECK(rig.client.frame(peer, 1, header).error() == lockgate::errc::unreachable);
    CHECK(rig.client.is_allocated());
  }
  SUBCASE("is known to be refused before the server is asked") {
    const auto peer = rig.client.add_peer(relay_v6, rig.now).value();
    rig.pump();
    CHECK(rig.sent.empty());
    const auto told = rig.take_told();
    CHECK(told.type == action::refused);
    CHECK(told.peer == peer);
  }
}

TEST_CASE("turn: errors to Allocate, each handled its own way") {
  const struct {
    error_code code;
    action type;
    reason why;
    lockgate::duration least;
  } cases[] = {
      {error_code::bad_request, action::failed, reason::refused, 0s},
      {error_code::forbidden, action::failed, reason::refused, 0s},
      {error_code::allocation_mismatch, action::reconnect, reason::address_in_use, 0s},
      {error_code::address_family_not_supported, action::failed, reason::unsupported_family, 0s},
      {error_code::wrong_credentials, action::reconnect, reason::address_in_use, 0s},
      {error_code::unsupported_transport, action::failed, reason::refused, 0s},
      {error_code::peer_family_mismatch, action::failed, reason::refused, 0s},
      {error_code::allocation_quota_reached, action::reconnect, reason::busy, 60s},
      {error_code::insufficient_capacity, action::reconnect, reason::busy, 60s},
      {error_code{404}, action::failed, reason::refused, 0s},
      {error_code::unknown_attribute, action::failed, reason::refused, 0s},
  };
  for (const auto& c : cases) {
    CAPTURE(static_cast<int>(c.code));
    turn_rig rig;
    scripted_server server;
    rig.start();
    rig.give(server.challenge(rig.take()));
    rig.give(server.error(rig.take(), c.code, true));
    REQUIRE(rig.told.size() == 1);
    const auto told = rig.take_told();
    CHECK(told.type == c.type);
    CHECK(told.reason == c.why);
    CHECK(told.code == c.code);
    if (c.type == action::reconnect) {
      CHECK(told.deadline >= rig.now + c.least);
      CHECK(told.address == server_at);
    }
    rig.advance(10min);
    CHECK(rig.sent.empty());  // the machine is at rest until it is started again
  }
}

TEST_CASE("turn: 437 to Allocate takes two more ports, then a pause of two minutes") {
  turn_rig rig;
  scripted_server server;
  server.has_allocation = true;
  for (int i = 1; i <= 6; ++i) {
    rig.start();
    rig.serve(server);
    const auto told = rig.take_told();
    REQUIRE(told.type == action::reconnect);
    CHECK(told.deadline == (i % 3 == 0 ? rig.now + 2min : rig.now));
  }
}

TEST_CASE("turn: 500 is tried four times more, then it is busy") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  rig.give(server.challenge(rig.take()));
  int asked = 0;
  while (rig.told.empty() && asked < 20) {
    REQUIRE(rig.sent.size() == 1);
    ++asked;
    rig.give(server.error(rig.take(), error_code::server_error, true));
    CHECK(rig.sent.empty());  // not at once
    if (rig.told.empty()) rig.advance_to(rig.deadline);
  }
  CHECK(asked == 5);
  CHECK(rig.take_told().reason == reason::busy);
}

TEST_CASE("turn: 420 for DONT-FRAGMENT is asked again without it") {
  stun::turn_config config;
  config.dont_fragment = true;
  turn_rig rig(config);
  scripted_server server;
  rig.start();
  rig.give(server.challenge(rig.take()));
  const packet request = rig.take();
  CHECK(has(request, attribute_type::dont_fragment));
  rig.give(server.error(request, error_code::unknown_attribute, true, [](stun::encoder& e) {
    const attribute_type unknown[] = {attribute_type::dont_fragment};
    e.unknown_attributes(unknown);
  }));
  REQUIRE(rig.sent.size() == 1);
  CHECK_FALSE(has(rig.sent[0], attribute_type::dont_fragment));
  rig.serve(server);
  CHECK(rig.take_told().type == action::allocated);
}

TEST_CASE("turn: the schedule of retransmissions, and silence is a timeout") {
  turn_rig rig;
  std::vector<lockgate::duration> at;
  const auto begin = rig.now;
  rig.start();
  while (rig.told.empty()) {
    for (std::size_t n = rig.sent.size(); n > 0; --n) {
      rig.take();
      at.push_back(rig.now - begin);
    }
    rig.advance_to(rig.deadline);
  }
  CHECK(at ==
        std::vector<lockgate::duration>{0ms, 500ms, 1500ms, 3500ms, 7500ms, 15500ms, 31500ms});
  CHECK(rig.now - begin == 39500ms);
  const auto told = rig.take_told();
  CHECK(told.type == action::reconnect);
  CHECK(told.reason == reason::timed_out);
}

TEST_CASE("turn: keep-alive refreshes, channel before permission expires, and jitter in bounds") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto peer = rig.client.add_peer(peer_a, rig.now).value();
  rig.pump();
  rig.serve(server);
  rig.told.clear();
  auto bound_at = rig.now, refreshed_at = rig.now;
  int refreshes = 0, binds = 0;
  for (const auto end = rig.now + 1h; rig.now < end;) {
    rig.advance_to(rig.deadline);
    while (!rig.sent.empty()) {
      const packet p = rig.take();
      if (view(p).method() == method::refresh) {
        ++refreshes;
        CHECK(rig.now - refreshed_at >= 13500ms);
        CHECK(rig.now - refreshed_at <= 15s);
        refreshed_at = rig.now;
      } else {
        REQUIRE(view(p).method() == method::channel_bind);
        ++binds;
        CHECK(stun::read_channel(*view(p).find(attribute_type::channel_number)) == peer);
        CHECK(rig.now - bound_at >= 216s);
        CHECK(rig.now - bound_at <= 240s);
        bound_at = rig.now;
      }
      rig.give(server.honest(p));
    }
  }
  CHECK(refreshes >= 240);
  CHECK(binds >= 15);
  CHECK(rig.told.empty());
}

TEST_CASE("turn: a lifetime of 0 or of years is clamped") {
  for (const auto lifetime : {0u, 1u, 0xffffffffu}) {
    stun::turn_config config;
    config.keep_alive = 24h;
    turn_rig rig(config);
    scripted_server server;
    server.lifetime = lifetime;
    rig.allocate(server);
    REQUIRE(rig.client.is_allocated());
    CHECK(rig.deadline - rig.now >= 4s);
    CHECK(rig.deadline - rig.now <= 3540s);
  }
}

TEST_CASE("turn: a granted lifetime is refreshed in time, on either side of each bound") {
  struct row {
    std::uint32_t granted;
    lockgate::duration refreshed;  ///< at the latest; nine tenths of it at the earliest
  };
  // A minute before the end, or at half of it if that is later; never later than the keep-alive.
  for (const auto& [granted, refreshed] : std::initializer_list<row>{{0, 5s},
                                                                     {1, 5s},
                                                                     {9, 5s},
                                                                     {10, 5s},
                                                                     {11, 5500ms},
                                                                     {119, 59500ms},
                                                                     {120, 60s},
                                                                     {121, 61s},
                                                                     {359, 299s},
                                                                     {360, 300s},
                                                                     {361, 300s},
                                                                     {0xffffffff, 300s}}) {
    CAPTURE(granted);
    stun::turn_config config;
    config.keep_alive = 5min;
    turn_rig rig(config);
    scripted_server server;
    server.lifetime = granted;
    rig.allocate(server);
    REQUIRE(rig.client.is_allocated());
    CHECK(rig.deadline - rig.now >= refreshed * 9 / 10);
    CHECK(rig.deadline - rig.now <= refreshed);
  }
  // The longest that is believed is an hour.
  for (const std::uint32_t granted : {3599u, 3600u, 3601u}) {
    CAPTURE(granted);
    stun::turn_config config;
    config.keep_alive = 24h;
    turn_rig rig(config);
    scripted_server server;
    server.lifetime = granted;
    rig.allocate(server);
    const lockgate::duration latest = granted == 3599 ? 3539s : 3540s;
    CHECK(rig.deadline - rig.now >= latest * 9 / 10);
    CHECK(rig.deadline - rig.now <= latest);
  }
}

TEST_CASE("F63 turn: a server that lost its state, seen by Refresh, is asked again at once") {
  for (const auto code : {error_code::allocation_mismatch, error_code::bad_request}) {
    turn_rig rig;
    scripted_server server;
    rig.allocate(server);
    const auto peer = rig.client.add_peer(peer_a, rig.now).value();
    rig.pump();
    rig.serve(server);
    rig.told.clear();
    // It rebooted: first it does not know the nonce, then it does not know the allocation.
    server.has_allocation = false;
    server.nonce = "nonce-after-reboot";
    rig.advance_to(rig.deadline);
    rig.give(server.honest(rig.take()));
    REQUIRE(rig.sent.size() == 1);
    rig.give(server.error(rig.take(), code, true));
    CHECK(rig.take_told().type == action::lost);
    std::array<std::byte, stun::max_turn_header_size> header{};
    CHECK(rig.client.frame(peer, 1, header).error() == lockgate::errc::would_block);
    REQUIRE(rig.sent.size() == 3);  // Allocate and the peer's requests, in one flight
    rig.serve(server);
    CHECK(rig.take_told().type == action::allocated);
    CHECK(rig.take_told().type == action::permitted);
    const auto told = rig.take_told();
    CHECK(told.type == action::bound);
    CHECK(told.peer == peer);
  }
}

TEST_CASE("F63 turn: an allocation that keeps getting lost is not asked for without pause") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto lose = [&] {
    server.has_allocation = false;
    rig.advance_to(rig.deadline);
    rig.give(server.honest(rig.take()));
  };
  lose();
  CHECK(rig.take_told().type == action::lost);
  rig.serve(server);
  CHECK(rig.take_told().type == action::allocated);
  lose();
  const auto told = rig.take_told();
  CHECK(told.type == action::reconnect);
  CHECK(told.reason == reason::allocation_lost);
  CHECK(told.deadline > rig.now);
}

TEST_CASE("F63 turn: an allocation that lived, and was lost, is asked for again without pause") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  for (int reboot = 0; reboot < 5; ++reboot) {
    rig.advance_to(rig.deadline);
    rig.serve(server);  // a Refresh succeeds: it lives
    server.has_allocation = false;
    rig.advance_to(rig.deadline);
    rig.serve(server);
    CHECK(rig.take_told().type == action::lost);
    CHECK(rig.take_told().type == action::allocated);
  }
}

TEST_CASE("F63 turn: 400 to a permission asks whether the allocation lives") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  REQUIRE(rig.client.add_peer(peer_a, rig.now));
  rig.pump();
  const packet permission = rig.take(), binding = rig.take();
  rig.give(server.error(permission, error_code::bad_request, true));
  REQUIRE(rig.sent.size() == 1);
  CHECK(view(rig.sent[0]).method() == method::refresh);
  SUBCASE("it does: the peer is refused, nothing else changes") {
    rig.serve(server);
    const auto told = rig.take_told();
    CHECK(told.type == action::refused);
    CHECK(told.code == error_code::bad_request);
    CHECK(rig.client.is_allocated());
  }
  SUBCASE("it does not: a new one") {
    rig.give(server.error(rig.take(), error_code::bad_request, true));
    CHECK(rig.take_told().type == action::lost);
    CHECK(count_of(rig, method::allocate) == 1);
  }
}

TEST_CASE("turn: an unexpected 400 to ChannelBind deletes the allocation and starts again (12.3)") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  REQUIRE(rig.client.add_peer(peer_a, rig.now));
  rig.pump();
  rig.give(server.honest(rig.take()));
  CHECK(rig.take_told().type == action::permitted);
  rig.give(server.error(rig.take(), error_code::bad_request, true));
  REQUIRE(rig.sent.size() == 1);
  rig.give(server.honest(rig.take()));  // it lives
  REQUIRE(rig.sent.size() == 1);
  CHECK(stun::read_u32(*view(rig.sent[0]).find(attribute_type::lifetime)) == 0u);
  CHECK(rig.told.empty());
  rig.serve(server);
  CHECK_FALSE(server.has_allocation);
  const auto told = rig.take_told();
  CHECK(told.type == action::reconnect);  // coturn answers 437 on the old 5-tuple for a while
  CHECK(told.reason == reason::allocation_lost);
  rig.start();
  rig.serve(server);
  CHECK(rig.take_told().type == action::allocated);
}

TEST_CASE("turn: 403 refuses the peer, 508 to ChannelBind leaves Send indications") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto a = rig.client.add_peer(peer_a, rig.now).value();
  const auto b = rig.client.add_peer(peer_b, rig.now).value();
  rig.pump();
  REQUIRE(rig.sent.size() == 4);
  rig.give(server.error(rig.take(), error_code::forbidden, true));
  const auto told = rig.take_told();
  CHECK(told.type == action::refused);
  CHECK(told.peer == a);
  rig.take();
  rig.give(server.honest(rig.take()));
  CHECK(rig.take_told().type == action::permitted);
  rig.give(server.error(rig.take(), error_code::insufficient_capacity, true));
  std::array<std::byte, stun::max_turn_header_size> header{};
  CHECK(rig.client.frame(b, 4, header)->header == 36);
  // The permission is now refreshed by itself.
  std::size_t permissions = 0;
  for (const auto end = rig.now + 20min; rig.now < end;) {
    rig.advance_to(rig.deadline);
    permissions += count_of(rig, method::create_permission);
    CHECK(count_of(rig, method::channel_bind) == 0);
    rig.serve(server);
  }
  CHECK(permissions >= 5);
}

TEST_CASE("turn: a refused permission for want of capacity is asked for again after a minute") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto peer = rig.client.add_peer(peer_a, rig.now).value();
  rig.pump();
  rig.give(server.error(rig.take(), error_code::insufficient_capacity, true));
  CHECK(rig.take_told().type == action::refused);
  rig.sent.clear();
  for (const auto end = rig.now + 61s; rig.now < end && rig.told.empty();) {
    rig.advance_to(rig.deadline);
    rig.serve(server);
  }
  CHECK(rig.take_told().type == action::permitted);
  CHECK(rig.take_told().type == action::bound);
  std::array<std::byte, stun::max_turn_header_size> header{};
  CHECK(rig.client.frame(peer, 4, header)->header == 4);
}

TEST_CASE("turn: release deletes the allocation; success, 437, 400 and silence all end it") {
  for (int how = 0; how < 4; ++how) {
    turn_rig rig;
    scripted_server server;
    rig.allocate(server);
    rig.client.release(rig.now);
    rig.pump();
    REQUIRE(rig.sent.size() == 1);
    const packet request = rig.take();
    CHECK(stun::read_u32(*view(request).find(attribute_type::lifetime)) == 0u);
    if (how == 0) rig.give(server.honest(request));
    else if (how == 1) rig.give(server.error(request, error_code::allocation_mismatch, true));
    else if (how == 2) rig.give(server.error(request, error_code::bad_request, true));
    else rig.advance(40s);
    CHECK(rig.take_told().type == action::released);
    CHECK_FALSE(rig.client.is_allocated());
  }
  turn_rig early;
  early.start();
  early.client.release(early.now);
  early.sent.clear();
  early.pump();
  CHECK(early.sent.empty());  // no signed Allocate was sent: there is nothing to delete
  CHECK(early.take_told().type == action::released);
}

TEST_CASE("turn: channels are unique, kept for their peer, and not given to another too early") {
  stun::turn_config config;
  turn_rig rig(config);
  scripted_server server;
  rig.allocate(server);
  const auto address = [](int i) {
    return socket_address{ip_address::v4(203, 0, 113, 5), static_cast<std::uint16_t>(1000 + i)};
  };
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 4096; ++i) seen.insert(rig.client.add_peer(address(i), rig.now).value());
  CHECK(seen.size() == 4096);
  CHECK(*seen.begin() == stun::first_channel);
  CHECK(*seen.rbegin() == stun::last_channel);
  CHECK(rig.client.add_peer(peer_a, rig.now).error() == lockgate::errc::queue_full);
  CHECK(rig.client.add_peer(address(7), rig.now).value() == 0x4007);
  rig.pump();
  rig.client.remove_peer(0x4007);
  CHECK(rig.client.add_peer(peer_a, rig.now).error() == lockgate::errc::queue_full);
  CHECK(rig.client.add_peer(address(7), rig.now).value() == 0x4007);
  rig.client.remove_peer(0x4007);
  CHECK(rig.client.add_peer(peer_a, rig.now + 16min).value() == 0x4007);
}

TEST_CASE("F59 turn: a session through loss, duplication and reordering comes up every time") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    fixed_random dice(seed);
    turn_rig rig;
    scripted_server server;
    // A real server answers a repeated request as it did the first time (RFC 8489 6.3.1).
    std::map<stun::transaction_id, packet> answers;
    std::multimap<time_point, packet> to_client;
    std::uint16_t peer = rig.client.add_peer(peer_a, rig.now).value();
    bool bound = false;
    rig.client.start(server_at, rig.now);
    for (const auto end = rig.now + 5min; rig.now < end && !(bound && rig.client.is_allocated());) {
      rig.pump();
      while (!rig.sent.empty()) {
        const packet p = rig.take();
        for (auto copies = dice.below(10) < 4 ? 0 : 1 + dice.below(2); copies > 0; --copies) {
          auto [at, fresh] = answers.try_emplace(view(p).id());
          if (fresh) at->second = server.honest(p);
          if (dice.below(10) >= 4) to_client.emplace(rig.now + 1ms * dice.below(900), at->second);
        }
      }
      for (const auto& told : rig.told) {
        bound = bound || (told.type == action::bound && told.peer == peer);
        if (told.type == action::reconnect) {
          server.has_allocation = false;  // a new port at the client: the old session is another's
          rig.client.start(server_at, std::max(rig.now, told.deadline));
        }
      }
      rig.told.clear();
      rig.pump();
      const auto next = to_client.empty() ? lockgate::never : to_client.begin()->first;
      rig.now = std::max(rig.now, std::min(rig.deadline, next));
      if (!to_client.empty() && to_client.begin()->first <= rig.now) {
        static_cast<void>(rig.client.receive(to_client.begin()->second, rig.now));
        to_client.erase(to_client.begin());
      }
    }
    CHECK(bound);
    CHECK(rig.client.is_allocated());
  }
}

TEST_CASE("F67 turn: bytes that are no message, or no answer, are counted and change nothing") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  REQUIRE(rig.client.add_peer(peer_a, rig.now));
  rig.pump();
  rig.serve(server);
  rig.told.clear();
  const auto before = rig.deadline;
  CHECK(rig.give({}).type == received::dropped);
  CHECK(rig.give(bytes({0x80, 1, 2, 3})).type == received::dropped);
  CHECK(rig.give(bytes({0x40, 0, 0, 9, 1})).type == received::dropped);
  packet bad_address = scripted_server::data_indication(peer_a, bytes({1}));
  bad_address[25] = std::byte{9};  // no such family
  CHECK(rig.give(bad_address).type == received::dropped);
  CHECK(rig.client.drops().malformed == 4);
  packet other(40);
  stun::encoder e(other, message_class::indication, method::binding, {});
  other.resize(e.size());
  CHECK(rig.give(other).type == received::dropped);
  packet unknown(200);
  stun::encoder f(unknown, message_class::indication, method::data, {});
  f.xor_address(attribute_type::xor_peer_address, peer_a);
  f.bytes(attribute_type::data, bytes({1}));
  f.flag(attribute_type{0x7ff0});
  unknown.resize(f.size());
  CHECK(rig.give(unknown).type == received::dropped);
  CHECK(rig.client.drops().unexpected == 2);
  CHECK(rig.deadline == before);
  CHECK(rig.sent.empty());
  CHECK(rig.told.empty());
}

TEST_CASE("turn: a payload that no length field can hold is refused") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto peer = rig.client.add_peer(peer_a, rig.now).value();
  rig.pump();
  std::array<std::byte, stun::max_turn_header_size> header{};
  CHECK(rig.client.frame(peer, 65500, header).error() == lockgate::errc::message_too_large);
  CHECK(rig.client.frame(peer, 65000, header));
  CHECK(rig.client.frame(0x3fff, 1, header).error() == lockgate::errc::unreachable);
  CHECK(rig.client.frame(0x4001, 1, header).error() == lockgate::errc::unreachable);
}

TEST_CASE("turn: IPv6 is asked for by REQUESTED-ADDRESS-FAMILY, and nothing else is taken") {
  stun::turn_config config;
  config.families = stun::turn_families::v6;
  for (const bool right : {true, false}) {
    turn_rig rig(config);
    scripted_server server;
    rig.start();
    rig.give(server.challenge(rig.take()));
    const packet request = rig.take();
    const auto family = view(request).find(attribute_type::requested_address_family);
    REQUIRE(family);
    CHECK(stun::read_u32(*family) == 0x02000000u);
    rig.give(server.allocated(request, right ? relay_v6 : relay_v4));
    CHECK(rig.take_told().type == (right ? action::allocated : action::failed));
    if (!right) continue;
    const auto peer = rig.client.add_peer(relay_v6, rig.now).value();
    rig.pump();
    CHECK(rig.client.family_state(address_family::v4) == stun::turn_family_state::not_requested);
    std::array<std::byte, stun::max_turn_header_size> header{};
    CHECK(rig.client.frame(peer, 1, header)->header == stun::max_turn_header_size);
  }
}

TEST_CASE("turn: 441 to a peer's request means another's allocation: a new 5-tuple") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  REQUIRE(rig.client.add_peer(peer_a, rig.now));
  rig.pump();
  rig.give(server.error(rig.take(), error_code::wrong_credentials, true));
  const auto told = rig.take_told();
  CHECK(told.type == action::reconnect);
  CHECK(told.reason == reason::address_in_use);
}

TEST_CASE("turn: a channel whose renewal is refused falls back to Send indications") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto peer = rig.client.add_peer(peer_a, rig.now).value();
  rig.pump();
  rig.serve(server);
  std::array<std::byte, stun::max_turn_header_size> header{};
  CHECK(rig.client.frame(peer, 1, header)->header == 4);
  for (bool renewed = false; !renewed;) {
    rig.advance_to(rig.deadline);
    const packet p = rig.take();
    renewed = view(p).method() == method::channel_bind;
    rig.give(renewed ? server.error(p, error_code::insufficient_capacity, true) : server.honest(p));
  }
  CHECK(rig.client.frame(peer, 1, header)->header == 36);
  CHECK(count_of(rig, method::create_permission) == 1);  // the channel kept it alive until now
}

TEST_CASE("turn: a name longer than USERNAME may be is refused before anything is sent") {
  fixed_random random;
  stun::authenticator<openssl_crypto> auth(std::string(509, 'a'), "secret");
  stun::turn_client<openssl_crypto> client({}, auth, random);
  client.start(server_at, time_point{1h});
  CHECK(client.next(time_point{1h}).type == action::failed);
}

TEST_CASE("turn: a success without a relayed address, a challenge without nonce") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  rig.give(server.challenge(rig.take()));
  rig.give(server.success(rig.take()));
  CHECK(rig.take_told().reason == reason::protocol_error);
  turn_rig other;
  other.start();
  other.give(server.error(other.take(), error_code::unauthenticated, false));
  CHECK(other.take_told().reason == reason::protocol_error);
}

TEST_CASE("turn: a server that asks for no credentials is served without") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  packet answer(200);
  const packet request = rig.take();
  stun::encoder e(answer, message_class::success, method::allocate, view(request).id());
  e.xor_address(attribute_type::xor_relayed_address, relay_v4);
  answer.resize(e.size());
  rig.give(answer);
  CHECK(rig.take_told().type == action::allocated);
}

// Long-term authentication of requests against honest, confused and hostile answers.
#include "support/scripted_turn.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace lockgate_test;
using action = stun::turn_action_type;
using reason = stun::turn_reason;
using received = stun::turn_received_type;

namespace {

const packet both_algorithms = {std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0},
                                std::byte{0}, std::byte{2}, std::byte{0}, std::byte{0}};
const packet md5_only = {std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}};
const packet unheard_of = {std::byte{0}, std::byte{9}, std::byte{0}, std::byte{0}};

stun::turn_config over(stun::transport via) {
  stun::turn_config config;
  config.requests.via = via;
  return config;
}

}  // namespace

TEST_CASE("F71 auth: SHA-256 and USERHASH when the nonce cookie and the algorithms say so") {
  turn_rig rig;
  scripted_server server;
  server.nonce = "obMatJos2wAAArest";
  server.algorithms = both_algorithms;
  server.sha256_key = server.sha256_code = true;
  rig.start();
  rig.give(server.challenge(rig.take()));
  REQUIRE(rig.sent.size() == 1);
  const packet request = rig.take();
  CHECK_FALSE(has(request, attribute_type::username));
  CHECK_FALSE(has(request, attribute_type::message_integrity));
  const auto userhash =
      openssl_crypto::sha256({stun::bytes_of("alice"), stun::bytes_of(":example.org")}).value();
  CHECK(std::ranges::equal(view(request).find(attribute_type::userhash)->value, userhash));
  CHECK(std::ranges::equal(view(request).find(attribute_type::password_algorithms)->value,
                           both_algorithms));  // verbatim
  CHECK(stun::read_u32(*view(request).find(attribute_type::password_algorithm)) == 0x20000u);
  CHECK(server.verifies(request));
  rig.give(server.allocated(request));
  CHECK(rig.take_told().type == action::allocated);
}

TEST_CASE("F71 auth: MD5 key, but SHA-256 code, when only MD5 is offered as algorithm") {
  turn_rig rig;
  scripted_server server;
  server.nonce = "obMatJos2gAAArest";
  server.algorithms = md5_only;
  server.sha256_code = true;
  rig.start();
  rig.serve(server);
  CHECK(rig.take_told().type == action::allocated);
}

TEST_CASE("F71 auth: a cookie without PASSWORD-ALGORITHMS is bid-down and not answered") {
  for (const auto* nonce : {"obMatJos2gAAArest", "obMatJos2AAABrest"}) {
    turn_rig rig;
    scripted_server server;
    server.nonce = nonce;
    rig.start();
    rig.give(server.challenge(rig.take()));
    CHECK(rig.sent.empty());
    const auto told = rig.take_told();
    CHECK(told.type == action::failed);
    CHECK(told.reason == reason::bid_down);
  }
}

TEST_CASE("F71 auth: no common algorithm") {
  turn_rig rig;
  scripted_server server;
  server.algorithms = unheard_of;
  rig.start();
  rig.give(server.challenge(rig.take()));
  CHECK(rig.sent.empty());
  CHECK(rig.take_told().reason == reason::no_algorithm);
}

TEST_CASE("F71 auth: once algorithms were offered, nothing weaker is used again") {
  for (const packet& weaker : {packet{}, md5_only}) {
    turn_rig rig;
    scripted_server server;
    server.nonce = "obMatJos2gAAArest";
    server.algorithms = both_algorithms;
    server.sha256_key = server.sha256_code = true;
    rig.allocate(server);
    rig.advance_to(rig.deadline);
    const packet refresh = rig.take();
    scripted_server liar = server;
    liar.nonce = "other";
    liar.algorithms = weaker;
    rig.give(liar.challenge(refresh, error_code::stale_nonce));
    CHECK(rig.sent.empty());  // over UDP a liar's word does not end the request
    rig.give(server.honest(refresh));
    CHECK(rig.told.empty());
    CHECK(rig.client.is_allocated());
  }
}

TEST_CASE("F71 auth: 401 again stops; a different realm is not answered") {
  turn_rig rig;
  scripted_server server;
  server.password = "not-what-the-client-has";
  rig.start();
  rig.give(server.challenge(rig.take()));
  rig.give(server.challenge(rig.take()));
  CHECK(rig.sent.empty());
  auto told = rig.take_told();
  CHECK(told.type == action::failed);
  CHECK(told.reason == reason::bad_credentials);

  turn_rig other(over(stun::transport::stream));
  scripted_server first;
  other.allocate(first);
  first.realm = "evil.example";
  other.advance_to(other.deadline);
  other.give(first.challenge(other.take(), error_code::stale_nonce));
  CHECK(other.sent.empty());
  told = other.take_told();
  CHECK(told.reason == reason::realm_changed);
}

TEST_CASE("F71 auth: remembered credentials answered with 401 and a fresh nonce are tried once") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  stun::turn_client<openssl_crypto> again({}, rig.auth, rig.random);
  again.start(server_at, rig.now);
  auto next = again.next(rig.now);
  REQUIRE(next.type == action::send);
  server.nonce = "nonce-2";
  static_cast<void>(
      again.receive(server.challenge({next.bytes.begin(), next.bytes.end()}), rig.now));
  next = again.next(rig.now);
  REQUIRE(next.type == action::send);
  server.nonce = "nonce-3";
  static_cast<void>(
      again.receive(server.challenge({next.bytes.begin(), next.bytes.end()}), rig.now));
  CHECK(again.next(rig.now).reason == reason::bad_credentials);
}

TEST_CASE("F71 auth: 438 for ever ends after four answers") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  rig.give(server.challenge(rig.take()));
  int answered = 0;
  while (!rig.sent.empty() && answered < 100) {
    server.nonce += "x";
    ++answered;
    rig.give(server.challenge(rig.take(), error_code::stale_nonce));
  }
  CHECK(answered == 4);  // the 401 counts too
  CHECK(rig.take_told().reason == reason::bad_credentials);
}

TEST_CASE("F71 auth: requests in flight together all survive one new nonce") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  server.nonce = "nonce-2";
  REQUIRE(rig.client.add_peer(peer_a, rig.now));
  REQUIRE(rig.client.add_peer(peer_b, rig.now));
  rig.pump();
  REQUIRE(rig.sent.size() == 4);
  rig.serve(server);
  CHECK(rig.told.size() == 4);
  for (const auto& told : rig.told)
    CHECK((told.type == action::permitted || told.type == action::bound));
}

TEST_CASE("F72 auth: unsigned and wrongly signed answers over UDP end nothing") {
  turn_rig rig;
  scripted_server server, impostor;
  impostor.password = "guess";
  rig.start();
  rig.give(server.challenge(rig.take()));
  const packet request = rig.take();
  rig.give(server.error(request, error_code::bad_request, false));
  rig.give(server.error(request, error_code::forbidden, false));
  rig.give(impostor.allocated(request));
  rig.give(impostor.error(request, error_code::insufficient_capacity, true));
  CHECK(rig.told.empty());
  CHECK(rig.client.drops().untrusted == 4);
  SUBCASE("the true answer still counts") {
    rig.give(server.allocated(request));
    CHECK(rig.take_told().type == action::allocated);
  }
  SUBCASE("without it the result is integrity violated, not timeout") {
    rig.advance(40s);
    CHECK(rig.take_told().reason == reason::integrity_violated);
  }
}

TEST_CASE("F72 auth: over a stream a wrong code ends the request at once") {
  turn_rig rig(over(stun::transport::stream));
  scripted_server server, impostor;
  impostor.password = "guess";
  rig.start();
  rig.give(server.challenge(rig.take()));
  rig.give(impostor.allocated(rig.take()));
  CHECK(rig.take_told().reason == reason::integrity_violated);

  turn_rig silent(over(stun::transport::stream));
  silent.start();
  CHECK(silent.sent.size() == 1);
  CHECK(silent.deadline - silent.now == 39500ms);
  silent.advance(39500ms);
  CHECK(silent.sent.size() == 1);  // never sent again
  CHECK(silent.take_told().reason == reason::timed_out);
}

TEST_CASE("F72 auth: wrong id, other method, late and repeated answers are dropped and counted") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  const packet first = rig.take();
  packet other_id = server.challenge(first);
  other_id[10] ^= std::byte{1};
  CHECK(rig.give(other_id).type == received::dropped);
  CHECK(rig.client.drops().unknown_response == 1);
  packet other_method = server.challenge(first);
  other_method[1] = std::byte{0x14};  // Refresh
  rig.give(other_method);
  CHECK(rig.sent.empty());
  CHECK(rig.client.drops().untrusted == 1);
  rig.give(server.challenge(first));
  CHECK(rig.give(server.challenge(first)).type == received::dropped);  // repeated: the id is over
  CHECK(rig.client.drops().unknown_response == 2);
  CHECK(rig.give(first).type == received::dropped);  // our own request, reflected
  CHECK(rig.client.drops().unexpected == 1);
  REQUIRE(rig.sent.size() == 1);
}

TEST_CASE("F72 auth: an unsigned 437 or 441 is a hint: it waits for something better") {
  for (const auto code : {error_code::allocation_mismatch, error_code::wrong_credentials})
    for (const bool better_comes : {true, false}) {
      turn_rig rig;
      scripted_server server;
      rig.start();
      rig.give(server.challenge(rig.take()));
      const packet request = rig.take();
      rig.give(server.error(request, code, false));
      CHECK(rig.told.empty());
      CHECK(rig.deadline - rig.now <= 500ms);
      if (better_comes) {
        rig.advance(400ms);
        rig.give(server.allocated(request));
        CHECK(rig.take_told().type == action::allocated);
        continue;
      }
      rig.advance(500ms);
      const auto told = rig.take_told();
      CHECK(told.type == action::reconnect);
      CHECK(told.reason == reason::address_in_use);
      CHECK(told.code == code);
      CHECK(rig.auth.nonce() == "nonce-1");  // a hint changes no credentials
    }
  turn_rig stream(over(stun::transport::stream));  // nothing better can come behind it here
  scripted_server server;
  stream.start();
  stream.give(server.challenge(stream.take()));
  stream.give(server.error(stream.take(), error_code::allocation_mismatch, false));
  CHECK(stream.take_told().reason == reason::address_in_use);
}

TEST_CASE("F73 auth: transaction ids come from the injected source and never repeat") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  std::map<stun::transaction_id, int> seen;
  for (int i = 0; i < 200; ++i) {
    rig.advance_to(rig.deadline);
    const packet p = rig.take();
    CHECK(++seen[view(p).id()] == 1);
    rig.give(server.honest(p));
  }
}

TEST_CASE("F74 auth: redirects") {
  const auto redirect_to = [](const socket_address& to, bool sign, stun::transport via) {
    turn_rig rig(over(via));
    scripted_server server;
    rig.start();
    rig.give(server.challenge(rig.take()));
    rig.give(server.error(rig.take(), error_code::try_alternate, sign, [&](stun::encoder& e) {
      e.address(attribute_type::alternate_server, to);
    }));
    if (rig.told.empty()) rig.advance(40s);
    return rig.take_told();
  };
  const socket_address elsewhere{ip_address::v4(203, 0, 113, 9), 3479};
  auto told = redirect_to(elsewhere, true, stun::transport::datagram);
  CHECK(told.type == action::reconnect);
  CHECK(told.reason == reason::redirected);
  CHECK(told.address == elsewhere);
  for (const auto via : {stun::transport::datagram, stun::transport::stream}) {
    told = redirect_to(elsewhere, false, via);
    CHECK(told.type == action::failed);
    CHECK(told.reason == reason::untrusted_redirect);  // not followed
    CHECK(told.address != elsewhere);
  }
  std::array<std::byte, 16> link_local{std::byte{0xfe}, std::byte{0x80}};
  for (const auto& bad :
       {ip_address::v4(127, 0, 0, 1), ip_address::v4(0), ip_address::v4(224, 0, 0, 1),
        ip_address::v4(169, 254, 1, 1), ip_address(), ip_address(link_local)}) {
    told = redirect_to({bad, 3478}, true, stun::transport::datagram);
    CHECK(told.type == action::failed);
    CHECK(told.reason == reason::bad_redirect);
  }
  told = redirect_to(server_at, true, stun::transport::datagram);  // to itself
  CHECK(told.reason == reason::bad_redirect);
}

TEST_CASE("F74 auth: an unsigned 300 to the first, unsigned request is not followed") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  rig.give(server.error(rig.take(), error_code::try_alternate, false, [&](stun::encoder& e) {
    e.address(attribute_type::alternate_server, {ip_address::v4(203, 0, 113, 9), 3479});
  }));
  CHECK(rig.told.empty());
  rig.advance(500ms);
  const auto told = rig.take_told();
  CHECK(told.type == action::failed);
  CHECK(told.reason == reason::untrusted_redirect);
}

TEST_CASE("F74 auth: a forged 300 does not keep the true challenge from being answered") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  const packet request = rig.take();
  rig.give(server.error(request, error_code::try_alternate, false));
  rig.give(server.challenge(request));
  rig.serve(server);
  CHECK(rig.take_told().type == action::allocated);
  rig.advance(5s);
  CHECK(rig.told.empty());
}

TEST_CASE("F74 auth: a chain of redirects ends, in circles at once, else after eight servers") {
  const auto follow = [](auto next_server) {
    turn_rig rig;
    scripted_server server;
    socket_address at = server_at;
    int hops = 0;
    for (; hops < 50; ++hops) {
      rig.client.start(at, rig.now);
      rig.pump();
      packet request = rig.take();
      if (!has(request, attribute_type::nonce)) {
        rig.give(server.challenge(request));
        request = rig.take();
      }
      rig.give(server.error(request, error_code::try_alternate, true, [&](stun::encoder& e) {
        e.address(attribute_type::alternate_server, next_server(hops));
      }));
      const auto told = rig.take_told();
      if (told.type == action::failed) {
        CHECK(told.reason == reason::bad_redirect);
        break;
      }
      at = told.address;
    }
    return hops;
  };
  CHECK(follow([](int i) {
          return i % 2 == 0 ? socket_address{ip_address::v4(203, 0, 113, 9), 3478} : server_at;
        }) == 1);
  CHECK(follow([](int i) {
          return socket_address{ip_address::v4(203, 0, 113, 10), static_cast<std::uint16_t>(i + 1)};
        }) == 7);
}

TEST_CASE("F74 auth: ALTERNATE-SERVER of our family first, and the domain for TLS is kept") {
  turn_rig rig;
  scripted_server server;
  const socket_address v4{ip_address::v4(203, 0, 113, 9), 3479};
  rig.start();
  rig.give(server.challenge(rig.take()));
  rig.give(server.error(rig.take(), error_code::try_alternate, true, [&](stun::encoder& e) {
    e.address(attribute_type::alternate_server, relay_v6);
    e.address(attribute_type::alternate_server, v4);
    e.text(attribute_type::alternate_domain, "turn2.example.org");
  }));
  CHECK(rig.take_told().address == v4);
  CHECK(rig.client.alternate_domain() == "turn2.example.org");
}

TEST_CASE("auth: a response with an unknown comprehension-required attribute fails (6.3.3)") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  rig.give(server.challenge(rig.take()));
  rig.give(server.success(rig.take(), [](stun::encoder& e) {
    e.xor_address(attribute_type::xor_relayed_address, relay_v4);
    e.flag(attribute_type{0x7ff0});
  }));
  CHECK(rig.take_told().reason == reason::protocol_error);
}

TEST_CASE("F79 auth: the password is in no message and wiped from memory") {
  turn_rig rig;
  scripted_server server;
  rig.start();
  rig.give(server.challenge(rig.take()));
  const std::string all(stun::text_of(rig.sent.at(0)));
  CHECK(all.find("secret-of-alice") == std::string::npos);

  packet bytes(16, std::byte{7});
  stun::wipe(bytes);
  CHECK(bytes == packet(16));
  stun::secret a(stun::bytes_of("one"));
  stun::secret b(std::move(a));
  CHECK(a.bytes().empty());
  CHECK(stun::text_of(b.bytes()) == "one");
  CHECK(stun::constant_time_equal(b.bytes(), stun::bytes_of("one")));
  CHECK_FALSE(stun::constant_time_equal(b.bytes(), stun::bytes_of("onE")));
  CHECK_FALSE(stun::constant_time_equal(b.bytes(), stun::bytes_of("on")));
}

namespace {

/// A library that offers everything and then cannot sign.
struct broken_crypto : openssl_crypto {
  struct hmac_sha1 {
    explicit hmac_sha1(std::span<const std::byte>) {}
    bool sign(stun::byte_spans, std::span<std::byte, 20>) noexcept { return false; }
  };
};
static_assert(stun::crypto<broken_crypto>);

}  // namespace

TEST_CASE(
    "auth: a cryptographic library that fails ends the request, and no unsigned one is sent") {
  fixed_random random;
  scripted_server server;
  stun::authenticator<broken_crypto> auth("alice", "secret-of-alice");
  stun::turn_client<broken_crypto> client({}, auth, random);
  const time_point now{1h};
  client.start(server_at, now);
  const auto first = client.next(now);
  REQUIRE(first.type == action::send);
  const packet request(first.bytes.begin(), first.bytes.end());
  CHECK(client.receive(server.challenge(request), now).type == received::control);
  const auto told = client.next(now);
  CHECK(told.type == action::failed);
  CHECK(told.reason == reason::no_algorithm);
}

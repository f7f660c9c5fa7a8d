// The rendezvous server's routing, and the messages that it trusts.
#include "lockgate/crypto/openssl.hpp"                // for openssl_crypto
#include "lockgate/signalling/rendezvous_router.hpp"  // for rendezvous_router
#include "lockgate/turn/announcement.hpp"             // for turn_announcement
#include "support/doctest.hpp"

#include <chrono>   // for seconds
#include <utility>  // for pair
#include <vector>   // for vector

using namespace lockgate;
using namespace std::chrono_literals;

namespace {

using packet = std::vector<std::byte>;

transport_id id(unsigned number) {
  std::array<std::byte, 16> bytes{};
  bytes[15] = static_cast<std::byte>(number);
  return transport_id(bytes);
}
packet made(stun::message_class kind, unsigned from, unsigned to, std::uint32_t count,
            std::string_view key = "key") {
  rendezvous_message m;
  m.kind = kind;
  m.sender = from;
  m.count = count;
  m.signal.from = id(from);
  m.signal.to = id(to);
  m.signal.channel = "turn";
  m.signal.blob.assign(40, std::byte{7});
  openssl_crypto::hmac_sha256 hmac(std::as_bytes(std::span(key)));
  return *encode(m, hmac);
}
packet registration(unsigned from, std::uint32_t count, std::string_view key = "key") {
  return made(stun::message_class::request, from, 0, count, key);
}
packet signal(unsigned from, unsigned to, std::uint32_t count, std::string_view key = "key") {
  return made(stun::message_class::indication, from, to, count, key);
}

/// A server; what it sends to whom.
struct rig {
  void give(const packet& bytes, int from) {
    router.receive(bytes, from, now, [&](int to, std::span<const std::byte> out) {
      sent.emplace_back(to, packet(out.begin(), out.end()));
    });
  }
  rendezvous_router<int, openssl_crypto> router{"key"};
  time_point now{1h};
  std::vector<std::pair<int, packet>> sent;
};

}  // namespace

TEST_CASE("a signal goes, unchanged, to wherever its addressee has registered") {
  rig r;
  r.give(registration(1, 1), 10);
  r.give(registration(1, 1), 11);  // the same one, by another way
  REQUIRE(r.sent.size() == 2);
  r.sent.clear();
  const packet message = signal(2, 1, 1);
  r.give(message, 20);
  CHECK(r.sent == std::vector<std::pair<int, packet>>{{10, message}, {11, message}});
  r.sent.clear();
  r.router.forget(10);
  r.give(signal(2, 1, 2), 20);
  CHECK(r.sent.size() == 1);
}

TEST_CASE("a signal waits a moment for an id that is not there yet") {
  rig r;
  r.give(signal(2, 1, 1), 20);
  CHECK(r.sent.empty());
  SUBCASE("in time") {
    r.give(registration(1, 1), 10);
    CHECK(r.sent.size() == 2);  // the answer, and the signal
  }
  SUBCASE("too late") {
    r.now += 10s;
    r.give(registration(1, 1), 10);
    CHECK(r.sent.size() == 1);
  }
}

TEST_CASE("a signal waits for less than three seconds") {
  for (const bool in_time : {true, false}) {
    rig r;
    r.give(signal(2, 1, 1), 20);
    r.now += in_time ? 3s - 1ns : duration(3s);
    r.give(registration(1, 1), 10);
    CHECK(r.sent.size() == (in_time ? 2 : 1));  // the answer, and the signal if it still waits
  }
}

TEST_CASE("a registration is good for less than a minute after its latest repeat") {
  for (const bool in_time : {true, false}) {
    rig r;
    r.give(registration(1, 1), 10);
    r.now += 59s;
    r.give(registration(1, 2), 10);
    r.sent.clear();
    r.now += in_time ? 60s - 1ns : duration(60s);
    r.give(signal(2, 1, 1), 20);
    CHECK(r.sent.size() == (in_time ? 1 : 0));
  }
}

TEST_CASE("1024 signals wait for their addressees, in order, and no more") {
  rig r;
  for (std::uint32_t i = 1; i <= 1025; ++i) r.give(signal(2, 1, i), 20);
  r.give(registration(1, 1), 10);
  REQUIRE(r.sent.size() == 1 + 1024);
  for (std::uint32_t i = 1; i <= 1024; ++i) CHECK(r.sent[i].second == signal(2, 1, i));
}

TEST_CASE("the replay guard keeps what each sender has got to, and takes only what is beyond") {
  rendezvous_replay_guard guard;
  const auto is_new = [&](std::uint64_t sender, std::uint32_t count) {
    rendezvous_message m;
    m.sender = sender;
    m.count = count;
    return guard.is_new(m);
  };
  CHECK_FALSE(is_new(1, 0));  // a sender's first one has the number 1
  CHECK(is_new(1, 5));
  CHECK_FALSE(is_new(1, 4));
  CHECK_FALSE(is_new(1, 5));
  CHECK(is_new(1, 6));
  CHECK(is_new(2, 1));  // another sender is not concerned
  CHECK_FALSE(is_new(1, 6));
  CHECK(is_new(1, 0xffffffff));
  CHECK_FALSE(is_new(1, 0));  // the numbers do not begin again
}

TEST_CASE("F76: who does not have the key gets no answer, and who has it none that is larger") {
  rig r;
  const packet good = registration(1, 1);
  r.give(registration(1, 1, "another key"), 10);
  r.give(signal(2, 1, 1, "another key"), 10);
  for (std::size_t size = 0; size < good.size(); ++size)
    r.give(packet(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)), 10);
  for (std::size_t at = 0; at < good.size(); ++at) {
    packet changed = good;
    changed[at] ^= std::byte{1};
    r.give(changed, 10);
  }
  CHECK(r.sent.empty());
  CHECK(r.router.rejected() == 2 + 2 * good.size());
  r.give(good, 10);
  REQUIRE(r.sent.size() == 1);
  CHECK(r.sent[0].second.size() <= good.size());
}

TEST_CASE("what was recorded cannot be played back") {
  rig r;
  const packet old_registration = registration(1, 1), old_signal = signal(2, 1, 1);
  r.give(old_registration, 10);
  r.give(registration(1, 2), 10);
  r.give(old_signal, 20);
  r.sent.clear();
  r.give(old_registration, 66);
  r.give(old_signal, 66);
  CHECK(r.sent.empty());
}

TEST_CASE("announcements survive the wire, and nothing but announcements is one") {
  turn_announcement a;
  a.wants_answer = true;
  a.incarnation = 0x01020304;
  a.sequence = 5;
  a.heard_incarnation = 6;
  a.heard_sequence = 7;
  a.v4.ip = ip_address::v4(192, 0, 2, 1);
  a.v4.port = 50000;
  const packet bytes = a.encode();
  const auto back = turn_announcement::decode(bytes);
  REQUIRE(back);
  CHECK(back->wants_answer);
  CHECK(back->incarnation == a.incarnation);
  CHECK(back->heard_sequence == 7);
  CHECK(back->v4 == a.v4);
  CHECK_FALSE(back->is_leaving());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(turn_announcement::decode(std::span(bytes).first(size)));
  packet later = bytes;
  later[0] = std::byte{2};
  CHECK(turn_announcement::decode(later).error() == errc::not_supported);
}

// Captures, block by block; tshark reads them in the checks of formats.
#include "lockgate/observe/pcapng.hpp"  // for pcapng

#include "support/doctest.hpp"
#include "support/observed_session.hpp"  // for run_observed_session, id_of

#include <cstring>      // for memcpy
#include <string>       // for string
#include <string_view>  // for string_view
#include <vector>       // for vector

using namespace lockgate;
using support::id_of;

namespace {

struct block {
  std::uint32_t type;
  std::string_view body;
};
constexpr std::uint32_t section = 0x0a0d0d0a, interface = 1, packet = 6, entry = 9;

std::uint32_t number(std::string_view bytes, std::size_t at) {
  std::uint32_t out = 0;
  REQUIRE(bytes.size() >= at + sizeof out);
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

/// The blocks of a capture. Requires: each has the same length at both ends, in whole words.
std::vector<block> blocks(std::string_view capture) {
  std::vector<block> out;
  while (!capture.empty()) {
    const std::uint32_t length = number(capture, 4);
    REQUIRE(length >= 12);
    REQUIRE(length % 4 == 0);
    REQUIRE(length <= capture.size());
    REQUIRE(number(capture, length - 4) == length);
    out.push_back({number(capture, 0), capture.substr(8, length - 12)});
    capture.remove_prefix(length);
  }
  return out;
}

/// The IPv6 packet in a packet block: after interface, time, and two lengths.
std::string_view packet_in(const block& b) {
  return b.body.substr(20, number(b.body, 12));
}
/// The sum over everything that a UDP checksum covers; 0xffff for a right one.
std::uint32_t checksum(std::string_view ipv6) {
  std::string covered(ipv6.substr(8));  // the addresses, and the datagram
  covered += ipv6.substr(4, 2);         // the length
  if (ipv6.size() % 2 != 0) covered.insert(covered.size() - 2, 1, '\0');
  std::uint32_t sum = 17;
  for (std::size_t i = 0; i < covered.size(); ++i)
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(covered[i])) << (i % 2 ? 0 : 8);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}
std::string_view bytes_of(const transport_id& id) {
  return {reinterpret_cast<const char*>(id.bytes().data()), id.bytes().size()};
}

}  // namespace

TEST_CASE("the capture of a session has its messages as packets, and its events between them") {
  std::string capture;
  pcapng to(capture, {.since_epoch = std::chrono::seconds(1700000000)});
  support::run_observed_session(to, [&](std::uint32_t id) { to.name_instance(id, "moody"); });
  const std::vector<block> all = blocks(capture);
  REQUIRE(all.size() > 10);
  CHECK(all[0].type == section);
  int interfaces = 0, outbound = 0, inbound = 0, entries = 0;
  for (const block& b : all) {
    if (b.type == interface) {
      ++interfaces;
      CHECK(number(b.body, 0) == 101);  // LINKTYPE_RAW
      CHECK(b.body.find("instance 1 (moody)") != b.body.npos);
    } else if (b.type == packet) {
      REQUIRE(interfaces == 1);  // described before it is used
      const std::string_view ipv6 = packet_in(b);
      REQUIRE(ipv6.size() == 48 + 3);
      CHECK(ipv6.substr(48) == "abc");
      CHECK(checksum(ipv6) == 0xffff);
      const std::uint32_t way = number(b.body, b.body.size() - 8);
      (way == 2 ? outbound : inbound) += 1;
      const bool out = way == 2;
      CHECK(ipv6.substr(8, 16) == bytes_of(out ? id_of(1) : id_of(3)));
      CHECK(ipv6.substr(24, 16) == bytes_of(out ? id_of(3) : id_of(1)));
      const std::uint64_t time = std::uint64_t{number(b.body, 4)} << 32 | number(b.body, 8);
      CHECK(time / 1'000'000'000 >= 1700000000);
      CHECK(time / 1'000'000'000 < 1700000010);
    } else if (b.type == entry) {
      ++entries;
      CHECK(b.body.starts_with("__REALTIME_TIMESTAMP=17000000"));
      CHECK(b.body.find("\nMESSAGE=t=") != b.body.npos);
    }
  }
  CHECK(interfaces == 1);
  CHECK(outbound == 3);
  CHECK(inbound == 3);
  CHECK(entries >= 10);
}

TEST_CASE("a capture keeps of each message what it is allowed to, and says how long it was") {
  for (const std::size_t kept : {std::size_t{0}, std::size_t{2}}) {
    std::string capture;
    pcapng to(capture, {.snap_length = kept});
    support::run_observed_session(to);
    int packets = 0;
    for (const block& b : blocks(capture)) {
      if (b.type != packet) continue;
      ++packets;
      CHECK(number(b.body, 12) == 48 + kept);
      CHECK(number(b.body, 16) == 48 + 3);
      CHECK(packet_in(b).substr(48) == std::string_view("abc").substr(0, kept));
    }
    CHECK(packets == 6);
    CHECK(capture.find("abc") == capture.npos);
  }
}

TEST_CASE("each instance has an interface of its own") {
  std::string capture;
  pcapng to(capture);
  const std::array<std::byte, 1> payload{};
  outgoing message;
  message.local = id_of(1);
  message.remote = id_of(2);
  message.payload = chain(payload);
  for (const std::uint32_t instance : {7u, 9u, 7u}) {
    observed_message m(message, true);
    m.instance = instance;
    to.on_message(m);
  }
  std::vector<std::uint32_t> used;
  for (const block& b : blocks(capture))
    if (b.type == packet) used.push_back(number(b.body, 0));
  CHECK(used == std::vector<std::uint32_t>{0, 1, 0});
}

// base/address.hpp, base/address_text.hpp: one spelling per address, and nothing else is accepted.
#include "lockgate/base/address.hpp"
#include "lockgate/base/address_text.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <unordered_set>  // for unordered_set

using lockgate::errc;
using lockgate::ip_address;
using lockgate::parse_ip_address;
using lockgate::parse_socket_address;
using lockgate::socket_address;

namespace {

ip_address ip(std::string_view text) {
  const auto parsed = parse_ip_address(text);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

TEST_CASE("address: IPv4 is held v4-mapped, whichever way it was written") {
  constexpr ip_address a = ip_address::v4(192, 0, 2, 1);
  static_assert(a.is_v4() && a.to_v4() == 0xc0000201u);
  CHECK(a == ip("192.0.2.1"));
  CHECK(a == ip("::ffff:192.0.2.1"));
  CHECK(a == ip("::FFFF:c000:201"));
  CHECK(a != ip("::192.0.2.1"));
}

TEST_CASE("address: text in both directions (RFC 5952)") {
  struct row {
    const char* written;
    const char* canonical;
  };
  for (const row& r : {
           row{"0.0.0.0", "0.0.0.0"},
           row{"255.255.255.255", "255.255.255.255"},
           row{"::", "::"},
           row{"::1", "::1"},
           row{"1::", "1::"},
           row{"2001:DB8::1", "2001:db8::1"},
           row{"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
           row{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // 4.2.2: not for one group
           row{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // 4.2.3: the longest run
           row{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // 4.2.3: the first of equals
           row{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
           row{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
           row{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
           row{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
           row{"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
           row{"0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"},
       })
    CHECK(to_string(ip(r.written)) == r.canonical);
}

TEST_CASE("address: malformed text is refused") {
  for (const char* text : {
           "",
           " ",
           "1",
           "1.2.3",
           "1.2.3.4.5",
           "1.2.3.",
           ".1.2.3",
           "1..2.3",
           "1.2.3.256",
           "1.2.3.-4",
           "1.2.3.+4",
           "1.2.3.4 ",
           " 1.2.3.4",
           "1.2.3.0x4",
           "1.2.3.1111",
           "01.2.3.4",
           "1.2.3.04",
           "00.0.0.0",
           "a.b.c.d",
           ":",
           ":::",
           "1:",
           ":1",
           "1:2:3:4:5:6:7",
           "1:2:3:4:5:6:7:8:9",
           "::1::2",
           "1:::2",
           "1::2:",
           ":1::2",
           "12345::",
           "::g",
           "::-1",
           "::+1",
           "::0x1",
           "1:2:3:4:5:6:7:8::",
           "::1:2:3:4:5:6:7:8",
           "::1.2.3",
           "::1.2.3.4:5",
           "1.2.3.4::",
           "1.2.3.4::1",
           "1:2:3:4:5:6:7:1.2.3.4",
           "fe80::1%1",
           "[::1]",
           "::1 ",
           "1:2:3:4:5:6:7:8:1.2.3.4",
       })
    CHECK_MESSAGE(parse_ip_address(text).error() == errc::malformed, text);
}

TEST_CASE("address: with port, in both directions") {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:443", "[fe80::1%2]:0", "0.0.0.0:65535",
                           "[fe80::1%4294967295]:1"}) {
    const auto parsed = parse_socket_address(text);
    REQUIRE_MESSAGE(parsed, text);
    CHECK(to_string(*parsed) == text);
  }
  CHECK(parse_socket_address("[fe80::1%7]:9")->scope == 7);
}

TEST_CASE("address: malformed text with port is refused") {
  for (const char* text : {
           "",
           ":",
           ":80",
           "1.2.3.4",
           "1.2.3.4:",
           "1.2.3.4:-1",
           "1.2.3.4:65536",
           "1.2.3.4:8x",
           "1.2.3.4: 80",
           "::1:80",
           "[::1]",
           "[::1]80",
           "[::1:80",
           "::1]:80",
           "[1.2.3.4]:80",
           "[]:80",
           "[",
           "[:1",
           "]:1",
           "[::1]]:80",
           "[[::1]]:80",
           "[::1%]:80",
           "[::1%x]:80",
           "[%1]:80",
           "[::1%4294967296]:80",
           "1.2.3.4%1:80",
           "[::1%1%2]:80",
           "1.2.3.4:4294967376",
       })
    CHECK_MESSAGE(parse_socket_address(text).error() == errc::malformed, text);
}

TEST_CASE("address: an IPv4 address has no scope to write") {
  const socket_address a{ip_address::v4(1, 2, 3, 4), 5, 6};
  CHECK(to_string(a) == "1.2.3.4:5");
}

TEST_CASE("address: every address survives being written and read") {
  support::seeded_random random(11);
  for (int round = 0; round < 3'000; ++round) {
    std::array<std::byte, 16> bytes{};
    for (std::size_t i = 0; i < 16; ++i)  // many zero groups, so that runs occur
      if (random.below(3) == 0) bytes[i] = static_cast<std::byte>(random.below(256));
    const ip_address address(bytes);
    REQUIRE(ip(to_string(address)) == address);
    const socket_address whole{address, static_cast<std::uint16_t>(random.below(65536)),
                               address.is_v4() ? 0 : static_cast<std::uint32_t>(random.below(4))};
    REQUIRE(parse_socket_address(to_string(whole)).value() == whole);
  }
}

TEST_CASE("address: random text never does harm") {
  support::seeded_random random(13);
  constexpr std::string_view letters = "0123456789abcf:.%[]";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random.below(24); n > 0; --n) text += letters[random.below(letters.size())];
    if (const auto parsed = parse_ip_address(text); parsed)
      REQUIRE(ip(to_string(*parsed)) == *parsed);
    static_cast<void>(parse_socket_address(text));
  }
}

TEST_CASE("address: kinds of addresses") {
  CHECK(ip("::").is_unspecified());
  CHECK(ip("0.0.0.0").is_unspecified());
  CHECK_FALSE(ip("::1").is_unspecified());
  CHECK(ip("::1").is_loopback());
  CHECK(ip("127.255.0.1").is_loopback());
  CHECK_FALSE(ip("128.0.0.1").is_loopback());
  CHECK(ip("224.0.0.1").is_multicast());
  CHECK(ip("239.255.255.255").is_multicast());
  CHECK(ip("ff02::1").is_multicast());
  CHECK_FALSE(ip("240.0.0.1").is_multicast());
  CHECK(ip("169.254.1.1").is_link_local());
  CHECK(ip("fe80::1").is_link_local());
  CHECK(ip("febf::1").is_link_local());
  CHECK_FALSE(ip("fec0::1").is_link_local());
  for (const char* text : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
                           "100.127.255.255", "fc00::1", "fdff::1"})
    CHECK_MESSAGE(ip(text).is_private(), text);
  for (const char* text : {"9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1", "192.167.1.1",
                           "100.63.255.255", "100.128.0.0", "fe00::1", "2001:db8::1"})
    CHECK_MESSAGE(!ip(text).is_private(), text);
}

TEST_CASE("address: hashing tells ports, scopes and hosts apart") {
  std::unordered_set<std::size_t> hashes;
  for (std::uint32_t host = 0; host < 30; ++host)
    for (std::uint16_t port = 0; port < 30; ++port)
      for (std::uint32_t scope = 0; scope < 3; ++scope)
        hashes.insert(std::hash<socket_address>()({ip_address::v4(host), port, scope}));
  CHECK(hashes.size() == 30 * 30 * 3);
}

TEST_CASE("transport_id: nil, comparison, hash, text") {
  std::array<std::byte, 16> bytes{};
  CHECK(lockgate::transport_id().is_nil());
  bytes[15] = std::byte{1};
  const lockgate::transport_id one(bytes);
  CHECK_FALSE(one.is_nil());
  CHECK(lockgate::transport_id() < one);
  CHECK(std::hash<lockgate::transport_id>()(one) != lockgate::transport_id().hash());
  CHECK(to_string(one) == "::1");
  CHECK(to_string(lockgate::transport_id(ip_address::v4(1, 2, 3, 4).bytes())) == "1.2.3.4");
}

}  // namespace

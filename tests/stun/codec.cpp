// The codec against bytes that nobody honest would send.
#include "hex.hpp"
#include "vectors.hpp"

#include "lockgate/crypto/openssl.hpp"
#include "lockgate/stun/address_policy.hpp"
#include "lockgate/stun/attributes.hpp"
#include "lockgate/stun/channel_data.hpp"
#include "lockgate/stun/demultiplex.hpp"
#include "lockgate/stun/encoder.hpp"
#include "lockgate/stun/integrity.hpp"
#include "lockgate/stun/message.hpp"
#include "lockgate/stun/nonce_cookie.hpp"
#include "lockgate/stun/stream_framing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace stun = lockgate::stun;
using namespace lockgate_test;
using lockgate::errc;
using lockgate::ip_address;
using lockgate::openssl_crypto;
using lockgate::socket_address;
using stun::attribute_type;
using stun::message_class;
using stun::message_view;
using stun::method;
using packet = std::vector<std::byte>;

namespace {

packet with_header(std::string_view body, std::uint16_t type = 0x0001) {
  packet out = hex("00000000 2112a442 000102030405060708090a0b");
  const packet rest = hex(body);
  out.insert(out.end(), rest.begin(), rest.end());
  out[0] = static_cast<std::byte>(type >> 8);
  out[1] = static_cast<std::byte>(type);
  out[2] = static_cast<std::byte>(rest.size() >> 8);
  out[3] = static_cast<std::byte>(rest.size());
  return out;
}
bool is_malformed(const packet& p) {
  return message_view::parse(p).error() == errc::malformed;
}

}  // namespace

TEST_CASE("stun: types of all methods and classes survive the bit shuffle") {
  for (unsigned m = 0; m <= 0xfff; ++m)
    for (unsigned c = 0; c < 4; ++c) {
      const auto type = stun::message_type(static_cast<message_class>(c), static_cast<method>(m));
      CHECK_UNARY(type <= 0x3fff);
      CHECK_UNARY(stun::class_of(type) == static_cast<message_class>(c));
      CHECK_UNARY(stun::method_of(type) == static_cast<method>(m));
    }
}

TEST_CASE("F67 stun: lengths that lie") {
  CHECK(message_view::parse(with_header("")));
  for (std::size_t n = 0; n < 20; ++n)  // every truncation of a header
    CHECK(is_malformed({rfc5769_request.begin(), rfc5769_request.begin() + std::ptrdiff_t(n)}));
  for (std::size_t n = 20; n < rfc5769_request.size(); ++n)  // every truncation of a message
    CHECK(is_malformed({rfc5769_request.begin(), rfc5769_request.begin() + std::ptrdiff_t(n)}));
  for (const std::size_t more : {1u, 4u, 8u}) {  // bytes behind the message
    packet longer = rfc5769_long_term;
    longer.resize(longer.size() + more);
    CHECK(is_malformed(longer));
  }
  CHECK(is_malformed(with_header("80220004")));           // value missing
  CHECK(is_malformed(with_header("8022ffff 00000000")));  // attribute longer than the message
  CHECK(is_malformed(with_header("80220005 00000000")));  // by one byte
  CHECK(is_malformed(with_header("80220000 00")));        // length no multiple of 4
  packet p = with_header("");
  p[4] = std::byte{0x20};
  CHECK(is_malformed(p));  // no magic cookie
  p = with_header("", 0x4001);
  CHECK(is_malformed(p));  // the two zero bits
}

TEST_CASE("F67 stun: ERROR-CODE shorter than its fixed part (CVE-2021-37706)") {
  for (const auto* body : {"00090000", "00090001 04000000", "00090003 00000400"}) {
    const auto p = with_header(body, 0x0111);
    CHECK(stun::error_of(*message_view::parse(p)) == stun::error_code::none);
  }
  for (const auto* body : {"00090004 00000200", "00090004 00000700", "00090004 00000464"})
    CHECK(stun::error_of(*message_view::parse(with_header(body, 0x0111))) ==
          stun::error_code::none);
  const auto good = with_header("00090006 fffffc26 6f6b0000", 0x0111);  // reserved bits are ignored
  const auto m = *message_view::parse(good);
  const auto reason = stun::read_error(*m.find(attribute_type::error_code));
  REQUIRE(reason);
  CHECK(reason->code == stun::error_code::stale_nonce);
  CHECK(reason->phrase == "ok");
}

TEST_CASE("F68 stun: inner lengths of addresses never reach beyond the attribute") {
  for (const auto* body :
       {"00200000", "00200004 0001a147", "00200007 0001a147 e112a600", "00200008 0002a147 e112a643",
        "00200008 0003a147 e112a643", "0020000c 0001a147 e112a643 00000000"}) {
    const auto p = with_header(body, 0x0101);
    const auto m = message_view::parse(p);
    REQUIRE(m);
    CHECK_FALSE(stun::read_xor_address(*m->find(attribute_type::xor_mapped_address), m->id()));
  }
}

TEST_CASE("F69 stun: unknown attributes, duplicates, order") {
  {
    const auto p = with_header("7fff0000 8fff0000 00ff0000 00060001 61000000 00060001 62000000");
    const auto m = *message_view::parse(p);
    attribute_type unknown[4]{};
    REQUIRE(stun::unknown_required_attributes(m, unknown) == 2);
    CHECK(unknown[0] == attribute_type{0x7fff});
    CHECK(unknown[1] == attribute_type{0x00ff});
    CHECK(stun::has_unknown_required_attribute(m));
    CHECK(stun::text_of(m.find(attribute_type::username)->value) == "a");  // the first counts
  }
  {  // behind MESSAGE-INTEGRITY only its SHA-256 sister and FINGERPRINT count
    const std::string sha1 = "00080014" + std::string(40, '0');
    const std::string sha256 = "001c0020" + std::string(64, '0');
    const auto seen = [](const std::string& body) {
      const auto p = with_header(body);
      std::vector<unsigned> types;
      for (const auto& a : message_view::parse(p)->attributes())
        types.push_back(static_cast<unsigned>(a.type));
      return types;
    };
    CHECK(seen(sha1 + "7fff0000" + sha256 + "00060000" + sha1 + sha256 + "80280004 00000000") ==
          std::vector<unsigned>{0x8, 0x1c, 0x8028});
    CHECK(seen(sha256 + "00060000" + sha1) == std::vector<unsigned>{0x1c});
    CHECK_FALSE(
        stun::has_unknown_required_attribute(*message_view::parse(with_header(sha1 + "7fff0000"))));
  }
  CHECK(is_malformed(with_header("80280004 00000000 00060000")));  // behind FINGERPRINT
  {
    std::string body;
    for (int i = 0; i < 1000; ++i) body += "80ff0000";
    const auto p = with_header(body);
    const auto m = message_view::parse(p);
    REQUIRE(m);
    std::size_t count = 0;
    for (const auto& a : m->attributes()) count += a.value.empty();
    CHECK(count == 1000);
  }
}

TEST_CASE("F70 stun: ChannelData") {
  const auto ok = stun::parse_channel_data(hex("40000003 010203"));
  REQUIRE(ok);
  CHECK(ok->channel == 0x4000);
  CHECK(ok->payload.size() == 3);
  CHECK(stun::parse_channel_data(hex("4fff0000")));               // no data is valid
  CHECK(stun::parse_channel_data(hex("40000003 01020300")));      // padding over UDP is allowed
  CHECK_FALSE(stun::parse_channel_data(hex("40000004 010203")));  // length beyond the datagram
  CHECK_FALSE(stun::parse_channel_data(hex("400000")));
  CHECK_FALSE(stun::parse_channel_data(hex("50000000")));  // RFC 5766 allowed it, RFC 8656 does not
  CHECK_FALSE(stun::parse_channel_data(hex("7fff0000")));
  CHECK_FALSE(stun::parse_channel_data(hex("3fff0000")));
  CHECK_FALSE(stun::parse_channel_data({}));
}

TEST_CASE("F70 stun: a first byte means one protocol (RFC 7983, RFC 9443)") {
  using kind = stun::packet_kind;
  for (unsigned first = 0; first < 256; ++first) {
    const std::byte b[] = {static_cast<std::byte>(first)};
    const kind expected = first < 4     ? kind::stun
                          : first < 16  ? kind::unknown
                          : first < 20  ? kind::zrtp
                          : first < 64  ? kind::dtls
                          : first < 80  ? kind::turn_channel
                          : first < 128 ? kind::quic
                          : first < 192 ? kind::rtp
                                        : kind::quic;
    CHECK(stun::demultiplex(b, true) == expected);
    CHECK(stun::demultiplex(b, false) == (expected == kind::turn_channel ? kind::quic : expected));
    // What is a channel parses as nothing else.
    const packet as_channel = {static_cast<std::byte>(first), std::byte{0}, std::byte{0},
                               std::byte{0}};
    CHECK(stun::parse_channel_data(as_channel).has_value() == (expected == kind::turn_channel));
  }
  CHECK(stun::demultiplex({}, true) == kind::unknown);
}

TEST_CASE("F70 stun: frames of a stream, whole and byte by byte") {
  packet stream = rfc5769_response_v4;
  const packet channel = hex("40000005 0102030405 000000");
  stream.insert(stream.end(), channel.begin(), channel.end());
  stream.insert(stream.end(), rfc5769_request.begin(), rfc5769_request.end());
  std::vector<std::size_t> sizes;
  packet received;
  for (const std::byte b : stream) {
    received.push_back(b);
    const auto frame = stun::next_frame(received);
    REQUIRE(frame);
    if (frame->size == 0) continue;
    sizes.push_back(frame->size);
    CHECK(frame->consumed == received.size());
    received.clear();
  }
  CHECK(sizes == std::vector<std::size_t>{rfc5769_response_v4.size(), 9, rfc5769_request.size()});
  CHECK(received.empty());
  CHECK(stun::next_frame(stream)->consumed == rfc5769_response_v4.size());
  CHECK(stun::next_frame(hex("80000000")).error() == errc::malformed);
  CHECK(stun::next_frame(hex("50000000")).error() == errc::malformed);
  CHECK(stun::next_frame(hex("00010001")).error() == errc::malformed);
  CHECK(stun::next_frame(hex("00010000 deadbeef")).error() == errc::malformed);
}

TEST_CASE("F71 stun: integrity absent, wrong, cut short") {
  openssl_crypto::hmac_sha1 sha1(stun::bytes_of("key"));
  openssl_crypto::hmac_sha256 sha256(stun::bytes_of("key"));
  const auto encode = [&](auto add) {
    packet out(300);
    stun::encoder e(out, message_class::request, method::binding, {});
    e.text(attribute_type::username, "name");
    add(e);
    out.resize(e.finish().value().size());
    return out;
  };
  const auto none = encode([](stun::encoder&) {});
  CHECK_FALSE(stun::has_valid_integrity(*message_view::parse(none), sha1));
  CHECK_FALSE(stun::has_valid_integrity_sha256(*message_view::parse(none), sha256));
  const auto both = encode([&](stun::encoder& e) {
    e.integrity(sha1);
    e.integrity_sha256(sha256);
    e.fingerprint();
  });
  CHECK(stun::has_valid_integrity(*message_view::parse(both), sha1));
  CHECK(stun::has_valid_integrity_sha256(*message_view::parse(both), sha256));
  CHECK(stun::has_valid_fingerprint(*message_view::parse(both)));
  for (std::size_t i = 0; i < both.size(); ++i) {  // each byte is under some code
    packet changed = both;
    changed[i] ^= std::byte{1};
    const auto m = message_view::parse(changed);
    if (!m) continue;
    CHECK_FALSE((stun::has_valid_integrity(*m, sha1) &&
                 stun::has_valid_integrity_sha256(*m, sha256) && stun::has_valid_fingerprint(*m)));
  }
  for (std::size_t size = 16; size <= 32; size += 4) {
    const auto cut = encode([&](stun::encoder& e) { e.integrity_sha256(sha256, size); });
    const auto m = *message_view::parse(cut);
    CHECK(stun::has_valid_integrity_sha256(m, sha256, 16));
    CHECK(stun::has_valid_integrity_sha256(m, sha256) == (size == 32));  // the default allows none
  }
  const auto short_code = encode([&](stun::encoder& e) {
    packet twelve(12);
    e.bytes(attribute_type::message_integrity_sha256, twelve);
  });
  CHECK_FALSE(stun::has_valid_integrity_sha256(*message_view::parse(short_code), sha256, 0));
  openssl_crypto::hmac_sha1 empty_key({});
  const auto weak = encode([&](stun::encoder& e) { e.integrity(empty_key); });
  CHECK(stun::has_valid_integrity(*message_view::parse(weak), empty_key));
  CHECK_FALSE(stun::has_valid_integrity(*message_view::parse(weak), sha1));
}

TEST_CASE("F71 stun: nonce cookies, counted from either end") {
  using stun::features_of;
  CHECK(features_of("obMatJos2gAAAxyz").password_algorithms);
  CHECK_FALSE(features_of("obMatJos2gAAAxyz").username_anonymity);
  CHECK(features_of("obMatJos2QAAA").username_anonymity);
  CHECK(features_of("obMatJos2wAAA") == stun::security_features{true, true});
  CHECK(features_of("obMatJos2AAAB") == stun::security_features{true, false});
  CHECK(features_of("obMatJos2AAACf//499k") == stun::security_features{false, true});
  CHECK(features_of("obMatJos2AAAD") == stun::security_features{true, true});
  for (const auto* plain : {"", "obMatJos2", "obMatJos2gAA", "obMatJos2g*AA", "xobMatJos2gAAA"})
    CHECK(features_of(plain) == stun::security_features{});
}

TEST_CASE("F75 stun: every spelling of an address gets the same verdict") {
  const auto spell = [](std::initializer_list<unsigned> words) {
    std::array<std::byte, 16> out{};
    std::size_t i = 0;
    for (const unsigned w : words) {
      out[i++] = static_cast<std::byte>(w >> 8);
      out[i++] = static_cast<std::byte>(w);
    }
    return ip_address(out);
  };
  using scope = stun::address_scope;
  const struct {
    std::uint8_t a, b, c, d;
    scope expected;
  } cases[] = {{127, 0, 0, 1, scope::host},       {127, 255, 1, 2, scope::host},
               {10, 1, 2, 3, scope::site},        {192, 168, 0, 1, scope::site},
               {172, 31, 0, 1, scope::site},      {172, 32, 0, 1, scope::global},
               {100, 64, 1, 1, scope::site},      {169, 254, 1, 1, scope::link},
               {224, 0, 0, 251, scope::unusable}, {255, 255, 255, 255, scope::unusable},
               {0, 1, 2, 3, scope::unusable},     {8, 8, 8, 8, scope::global}};
  for (const auto& c : cases) {
    const unsigned high = c.a * 256u + c.b, low = c.c * 256u + c.d;
    const ip_address plain = ip_address::v4(c.a, c.b, c.c, c.d);
    for (const ip_address& ip :
         {plain, spell({0, 0, 0, 0, 0, 0xffff, high, low}), spell({0, 0, 0, 0, 0, 0, high, low}),
          spell({0x64, 0xff9b, 0, 0, 0, 0, high, low}),
          spell({0x64, 0xff9b, 1, 0, 0, 0, high, low}), spell({0x2002, high, low, 0, 0, 0, 0, 1}),
          spell({0x2001, 0, 1, 2, 3, 4, high ^ 0xffff, low ^ 0xffff})}) {
      CHECK(stun::normalise(ip) == plain);
      CHECK(stun::scope_of(ip) == c.expected);
    }
  }
  CHECK(stun::scope_of(spell({0, 0, 0, 0, 0, 0, 0, 0})) == scope::unusable);
  CHECK(stun::scope_of(spell({0, 0, 0, 0, 0, 0, 0, 1})) == scope::host);
  CHECK(stun::scope_of(spell({0xfe80, 0, 0, 0, 0, 0, 0, 1})) == scope::link);
  CHECK(stun::scope_of(spell({0xfd00, 0, 0, 0, 0, 0, 0, 1})) == scope::site);
  CHECK(stun::scope_of(spell({0xff02, 0, 0, 0, 0, 0, 0, 1})) == scope::unusable);
  CHECK(stun::scope_of(spell({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1})) == scope::global);
}

TEST_CASE("F75 stun: an IPv6 address attribute with a v4-mapped value is that IPv4 address") {
  const auto p = with_header("00010014 00020050 00000000 00000000 0000ffff 7f000001", 0x0101);
  const auto m = *message_view::parse(p);
  const auto a = stun::read_address(*m.find(attribute_type::mapped_address));
  REQUIRE(a);
  CHECK(a->ip == ip_address::v4(127, 0, 0, 1));
  CHECK(stun::scope_of(a->ip) == stun::address_scope::host);
}

TEST_CASE("stun: an encoder without room fails at every size and never writes beyond it") {
  openssl_crypto::hmac_sha1 key(stun::bytes_of("key"));
  const auto write = [&](std::span<std::byte> out) {
    stun::encoder e(out, message_class::error, method::allocate, {});
    e.error(stun::error_code::unauthenticated, "no");
    e.xor_address(attribute_type::xor_mapped_address, {ip_address::v4(1, 2, 3, 4), 5});
    e.flag(attribute_type::dont_fragment);
    e.integrity(key);
    e.fingerprint();
    return e.finish();
  };
  packet large(200);
  const auto whole = write(large);
  REQUIRE(whole);
  for (std::size_t n = 0; n < whole->size(); ++n) {
    packet small(n);
    CHECK(write(small).error() == errc::message_too_large);
  }
  packet exact(whole->size());
  CHECK(write(exact));
  packet huge(70000);
  stun::encoder e(huge, message_class::request, method::binding, {});
  e.bytes(attribute_type::software, packet(65533));
  CHECK(e.finish().error() == errc::message_too_large);  // the length field could not say it
  stun::encoder f(huge, message_class::request, method::binding, {});
  f.bytes(attribute_type::software, packet(66000));
  CHECK(f.finish().error() == errc::message_too_large);
}

// RFC 5769 and RFC 8489 appendix B.1: decoded exactly, encoded byte for byte.
#include "vectors.hpp"

#include "lockgate/crypto/openssl.hpp"
#include "lockgate/stun/attributes.hpp"
#include "lockgate/stun/encoder.hpp"
#include "lockgate/stun/integrity.hpp"
#include "lockgate/stun/message.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>

namespace stun = lockgate::stun;
using namespace lockgate_test;
using lockgate::openssl_crypto;
using stun::attribute_type;
using stun::message_class;
using stun::method;
static_assert(stun::crypto<openssl_crypto>);

namespace {

std::string text(const stun::message_view& m, attribute_type type) {
  const auto a = m.find(type);
  REQUIRE(a);
  return std::string(stun::text_of(a->value));
}

stun::message_view parse(const std::vector<std::byte>& bytes) {
  auto view = stun::message_view::parse(bytes);
  REQUIRE(view);
  return *view;
}

/// The positions where both differ; padding of the RFC 5769 vectors is spaces, ours is zeros, so
/// the codes that cover the padding differ too and are compared by verification instead.
std::vector<std::size_t> differences(const std::vector<std::byte>& a,
                                     std::span<const std::byte> b) {
  REQUIRE(a.size() == b.size());
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) out.push_back(i);
  return out;
}

std::vector<std::size_t> range(std::size_t first, std::size_t last) {
  std::vector<std::size_t> out;
  for (; first < last; ++first) out.push_back(first);
  return out;
}

/// With the padding of `vector` put into our bytes and the codes made anew, all bytes must agree.
template <class Sign>
void check_exact_with_padding(const std::vector<std::byte>& vector, std::size_t integrity_at,
                              std::vector<std::byte> ours, Sign sign) {
  for (const auto& a : parse(vector).everything()) {
    const auto end = a.offset + 4 + a.value.size();
    for (std::size_t i = end; i < end + stun::padding_of(a.value.size()); ++i) ours[i] = vector[i];
  }
  ours[3] = static_cast<std::byte>(integrity_at + 24 - 20);
  sign(std::span(ours).first(integrity_at), std::span(ours).subspan(integrity_at + 4, 20));
  ours[3] = static_cast<std::byte>(ours.size() - 20);
  if (ours.size() > integrity_at + 24) {
    const auto crc = stun::crc32(std::span(ours).first(ours.size() - 8)) ^ stun::fingerprint_xor;
    for (std::size_t i = 0; i < 4; ++i)
      ours[ours.size() - 4 + i] = static_cast<std::byte>(crc >> (24 - 8 * i));
  }
  CHECK(differences(vector, ours).empty());
}

}  // namespace

TEST_CASE("crc32: the check value of ITU V.42, at compile time and at every length") {
  static constexpr std::array<std::byte, 9> digits = {
      std::byte{'1'}, std::byte{'2'}, std::byte{'3'}, std::byte{'4'}, std::byte{'5'},
      std::byte{'6'}, std::byte{'7'}, std::byte{'8'}, std::byte{'9'}};
  static_assert(stun::crc32(digits) == 0xCBF43926);
  for (std::size_t n = 0; n <= rfc5769_request.size(); ++n) {
    std::uint32_t plain = ~0u;
    for (std::size_t i = 0; i < n; ++i) {
      plain ^= std::to_integer<std::uint32_t>(rfc5769_request[i]);
      for (int bit = 0; bit < 8; ++bit) plain = plain >> 1 ^ (plain & 1 ? 0xEDB88320u : 0);
    }
    CHECK(stun::crc32(std::span(rfc5769_request).first(n)) == ~plain);
  }
}

TEST_CASE("RFC 5769 2.1: request with short-term credentials") {
  const auto m = parse(rfc5769_request);
  CHECK(m.kind() == message_class::request);
  CHECK(m.method() == method::binding);
  CHECK(text(m, attribute_type::software) == "STUN test client");
  CHECK(text(m, attribute_type::username) == "evtj:h6vY");
  CHECK(stun::read_u32(*m.find(attribute_type::priority)) == 0x6e0001ffu);
  CHECK(stun::has_valid_fingerprint(m));
  openssl_crypto::hmac_sha1 key(stun::bytes_of(short_term_password));
  CHECK(stun::has_valid_integrity(m, key));
  CHECK(stun::has_valid_integrity(m, key));  // the kept key state works again
  openssl_crypto::hmac_sha1 wrong(stun::bytes_of("VOkJxbRl1RmTxUk/WvJxBT"));
  CHECK_FALSE(stun::has_valid_integrity(m, wrong));

  std::vector<std::byte> buffer(200);
  stun::encoder e(buffer, message_class::request, method::binding, m.id());
  e.text(attribute_type::software, "STUN test client");
  e.u32(attribute_type::priority, 0x6e0001ff);
  e.bytes(attribute_type::ice_controlled, hex("932ff9b151263b36"));
  e.text(attribute_type::username, "evtj:h6vY");
  const auto integrity_at = e.size();
  e.integrity(key);
  e.fingerprint();
  const auto out = e.finish();
  REQUIRE(out);
  auto expected = range(integrity_at - 3, integrity_at);  // padding, then the codes over it
  for (const auto i : range(integrity_at + 4, integrity_at + 24)) expected.push_back(i);
  for (const auto i : range(rfc5769_request.size() - 4, rfc5769_request.size()))
    expected.push_back(i);
  for (const auto i : differences(rfc5769_request, *out))
    CHECK(std::count(expected.begin(), expected.end(), i) == 1);
  CHECK(stun::has_valid_integrity(*stun::message_view::parse(*out), key));
  CHECK(stun::has_valid_fingerprint(*stun::message_view::parse(*out)));
  check_exact_with_padding(rfc5769_request, integrity_at, {out->begin(), out->end()},
                           [&](auto covered, auto to) {
                             CHECK(key.sign({covered}, std::span<std::byte, 20>(to.data(), 20)));
                           });
}

TEST_CASE("RFC 5769 2.2 and 2.3: responses with an IPv4 and an IPv6 address") {
  const std::array<std::byte, 16> v6 = [] {
    std::array<std::byte, 16> bytes{};
    const auto from = hex("20010db8123456780011223344556677");
    std::copy(from.begin(), from.end(), bytes.begin());
    return bytes;
  }();
  const struct {
    const std::vector<std::byte>& bytes;
    lockgate::socket_address mapped;
  } cases[] = {{rfc5769_response_v4, {lockgate::ip_address::v4(192, 0, 2, 1), 32853}},
               {rfc5769_response_v6, {lockgate::ip_address(v6), 32853}}};
  openssl_crypto::hmac_sha1 key(stun::bytes_of(short_term_password));
  for (const auto& c : cases) {
    const auto m = parse(c.bytes);
    CHECK(m.kind() == message_class::success);
    CHECK(text(m, attribute_type::software) == "test vector");
    const auto a = m.find(attribute_type::xor_mapped_address);
    REQUIRE(a);
    CHECK(stun::read_xor_address(*a, m.id()) == c.mapped);
    CHECK(stun::has_valid_integrity(m, key));
    CHECK(stun::has_valid_fingerprint(m));

    std::vector<std::byte> buffer(200);
    stun::encoder e(buffer, message_class::success, method::binding, m.id());
    e.text(attribute_type::software, "test vector");
    e.xor_address(attribute_type::xor_mapped_address, c.mapped);
    const auto integrity_at = e.size();
    e.integrity(key);
    e.fingerprint();
    const auto out = e.finish();
    REQUIRE(out);
    CHECK(std::equal(out->begin() + 36, out->begin() + std::ptrdiff_t(integrity_at) + 4,
                     c.bytes.begin() + 36));
    check_exact_with_padding(c.bytes, integrity_at, {out->begin(), out->end()},
                             [&](auto covered, auto to) {
                               CHECK(key.sign({covered}, std::span<std::byte, 20>(to.data(), 20)));
                             });
  }
}

TEST_CASE("RFC 5769 2.4: request with long-term credentials, encoded byte for byte") {
  const auto m = parse(rfc5769_long_term);
  CHECK(text(m, attribute_type::username) == long_term_username);
  CHECK(text(m, attribute_type::nonce) == "f//499k954d6OL34oL9FSTvy64sA");
  CHECK(text(m, attribute_type::realm) == "example.org");
  const auto key = openssl_crypto::md5({stun::bytes_of(long_term_username), stun::bytes_of(":"),
                                        stun::bytes_of("example.org"), stun::bytes_of(":"),
                                        stun::bytes_of(long_term_password)});
  REQUIRE(key);
  CHECK(std::ranges::equal(*key, hex("e8ca7ad59d5eb0518e312911d2dab2a9")));
  openssl_crypto::hmac_sha1 hmac(*key);
  CHECK(stun::has_valid_integrity(m, hmac));
  CHECK_FALSE(stun::has_valid_fingerprint(m));  // it has none

  std::vector<std::byte> buffer(200);
  stun::encoder e(buffer, message_class::request, method::binding, m.id());
  e.text(attribute_type::username, long_term_username);
  e.text(attribute_type::nonce, "f//499k954d6OL34oL9FSTvy64sA");
  e.text(attribute_type::realm, "example.org");
  e.integrity(hmac);
  REQUIRE(e.finish());
  CHECK(std::ranges::equal(*e.finish(), rfc5769_long_term));  // its padding is zeros, as ours
}

TEST_CASE("RFC 8489 9.2.2: the MD5 key of user:realm:pass") {
  const auto key = openssl_crypto::md5({stun::bytes_of("user:realm:pass")});
  REQUIRE(key);
  CHECK(std::ranges::equal(*key, hex("8493fbc53ba582fb4c044c456bdc40eb")));
}

TEST_CASE("RFC 8489 B.1 as erratum 6268 corrects it: USERHASH and SHA-256, byte for byte") {
  const auto m = parse(rfc8489_b1_corrected);
  const auto userhash =
      openssl_crypto::sha256({stun::bytes_of(long_term_username), stun::bytes_of(":example.org")});
  REQUIRE(userhash);
  CHECK(std::ranges::equal(m.find(attribute_type::userhash)->value, *userhash));
  const auto key =
      openssl_crypto::sha256({stun::bytes_of(long_term_username), stun::bytes_of(":example.org:"),
                              stun::bytes_of(long_term_password)});
  REQUIRE(key);
  CHECK(std::ranges::equal(
      *key, hex("dd295a613b9058c3c23d6dc7165bda072304d989c9d0af3a8c7e184b4f9bb4a1")));
  openssl_crypto::hmac_sha256 hmac(*key);
  CHECK(stun::has_valid_integrity_sha256(m, hmac));

  std::vector<std::byte> buffer(200);
  stun::encoder e(buffer, message_class::request, method::binding, m.id());
  e.bytes(attribute_type::userhash, *userhash);
  e.text(attribute_type::nonce, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
  e.text(attribute_type::realm, "example.org");
  e.bytes(attribute_type::password_algorithm, hex("00020000"));
  e.integrity_sha256(hmac);
  REQUIRE(e.finish());
  CHECK(std::ranges::equal(*e.finish(), rfc8489_b1_corrected));
}

TEST_CASE("RFC 8489 B.1 as printed: its length lies beyond the datagram, so it is refused") {
  CHECK(stun::message_view::parse(rfc8489_b1_as_printed).error() == lockgate::errc::malformed);
}

// Fuzz target: whatever parses as a STUN message is encoded again and must decode to the same.
#include "fuzz/input.hpp"
#include "lockgate/crypto/openssl.hpp"
#include "lockgate/stun/address_policy.hpp"
#include "lockgate/stun/attributes.hpp"
#include "lockgate/stun/encoder.hpp"
#include "lockgate/stun/integrity.hpp"
#include "lockgate/stun/message.hpp"
#include "lockgate/stun/nonce_cookie.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace stun = lockgate::stun;
using fuzz::require;
using stun::attribute_type;

namespace {

/// What is read from an address attribute is what writing it again gives, and its verdict does not
/// depend on how it is spelled.
void check_address(const stun::attribute& a, const stun::transaction_id& id) {
  for (const bool masked : {false, true}) {
    const auto address = masked ? stun::read_xor_address(a, id) : stun::read_address(a);
    if (!address) continue;
    std::vector<std::byte> out(64);
    stun::encoder e(out, stun::message_class::success, stun::method::binding, id);
    if (masked) e.xor_address(a.type, *address);
    else e.address(a.type, *address);
    const auto again = stun::message_view::parse(e.finish().value()).value();
    const stun::attribute copy = *again.everything().begin();
    require((masked ? stun::read_xor_address(copy, id) : stun::read_address(copy)) == address);
    require(stun::scope_of(stun::normalise(address->ip)) == stun::scope_of(address->ip));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  const auto parsed = stun::message_view::parse(input);
  if (!parsed) return 0;
  const auto& m = *parsed;

  std::size_t consumed = stun::header_size;
  std::vector<std::byte> buffer(size);
  stun::encoder e(buffer, m.kind(), m.method(), m.id());
  for (const stun::attribute& a : m.everything()) {
    require(a.offset == consumed);
    consumed += 4 + a.value.size() + stun::padding_of(a.value.size());
    e.bytes(a.type, a.value);
    check_address(a, m.id());
    static_cast<void>(stun::read_u32(a));
    static_cast<void>(stun::read_channel(a));
    static_cast<void>(stun::read_error(a));
    static_cast<void>(stun::read_address_error(a));
    static_cast<void>(stun::read_icmp(a));
    static_cast<void>(stun::features_of(stun::text_of(a.value)));
  }
  require(consumed == size);

  const auto again = stun::message_view::parse(e.finish().value());
  require(again && again->kind() == m.kind() && again->method() == m.method() &&
          again->id() == m.id());
  auto theirs = again->everything().begin();
  for (const stun::attribute& a : m.everything()) {
    require(theirs != std::default_sentinel && theirs->type == a.type &&
            std::ranges::equal(theirs->value, a.value));
    ++theirs;
  }
  require(theirs == std::default_sentinel);

  // What counts is a part of what is there, and the rules about it hold.
  std::size_t visible = 0;
  bool after_integrity = false;
  for (const stun::attribute& a : m.attributes()) {
    ++visible;
    require(!after_integrity || a.type == attribute_type::message_integrity_sha256 ||
            a.type == attribute_type::fingerprint);
    after_integrity = after_integrity || a.type == attribute_type::message_integrity ||
                      a.type == attribute_type::message_integrity_sha256;
  }
  std::vector<attribute_type> unknown(visible + 1);
  require(stun::unknown_required_attributes(m, unknown) <= visible);
  static_cast<void>(stun::error_of(m));
  static_cast<void>(stun::lists_unknown(m, attribute_type::dont_fragment));
  static_cast<void>(stun::has_valid_fingerprint(m));
  static lockgate::openssl_crypto::hmac_sha1 sha1(stun::bytes_of("a key"));
  static lockgate::openssl_crypto::hmac_sha256 sha256(stun::bytes_of("a key"));
  require(!stun::has_valid_integrity(m, sha1));
  require(!stun::has_valid_integrity_sha256(m, sha256, 16));
  return 0;
}

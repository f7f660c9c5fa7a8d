// What a TURN server says: every answer that a test may want, honest or not.
#pragma once

#include "lockgate/base/address.hpp"     // for socket_address
#include "lockgate/stun/attributes.hpp"  // for read_u32
#include "lockgate/stun/crypto.hpp"      // for crypto
#include "lockgate/stun/encoder.hpp"     // for encoder
#include "lockgate/stun/integrity.hpp"   // for has_valid_integrity
#include "lockgate/stun/message.hpp"     // for message_view
#include "lockgate/stun/types.hpp"       // for attribute_type, error_code, method

#include <cstddef>      // for byte
#include <cstdint>      // for uint32_t
#include <functional>   // for function
#include <span>         // for span
#include <string>       // for string
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace lockgate::inline v0::testing {

/// Makes the answers of a TURN server with one user (RFC 8656), for one 5-tuple.
///
/// `honest` says what a good server says; the other functions make what a test wants to be said
/// instead. Requests are well-formed STUN messages.
template <stun::crypto Crypto>
class turn_replies {
 public:
  /// A message of the protocol.
  using packet = std::vector<std::byte>;
  /// Appends attributes to a message, before it is signed.
  using extra_attributes = std::function<void(stun::encoder&)>;

  std::string user = "alice", password = "secret-of-alice", realm = "example.org",
              nonce = "nonce-1";
  packet algorithms;             ///< PASSWORD-ALGORITHMS to offer; none if empty
  bool sha256_key = false;       ///< the password algorithm, else MD5
  bool sha256_code = false;      ///< MESSAGE-INTEGRITY-SHA256 in place of MESSAGE-INTEGRITY
  std::uint32_t lifetime = 600;  ///< granted, in seconds
  socket_address relayed;        ///< what an allocation gets
  socket_address mapped;         ///< where the client seems to be
  bool has_allocation = false;

  /// A signed success.
  packet success(const packet& request, const extra_attributes& extra = {}) {
    return make(stun::message_class::success, request, true, extra);
  }
  /// An error, signed if `sign`.
  packet error(const packet& request, stun::error_code code, bool sign,
               const extra_attributes& extra = {}) {
    return make(stun::message_class::error, request, sign, [&](stun::encoder& e) {
      e.error(code, "as the script says");
      if (extra) extra(e);
    });
  }
  /// 401 or 438.
  packet challenge(const packet& request,
                   stun::error_code code = stun::error_code::unauthenticated) {
    return error(request, code, false, [&](stun::encoder& e) {
      e.text(stun::attribute_type::realm, realm);
      e.text(stun::attribute_type::nonce, nonce);
      if (!algorithms.empty()) e.bytes(stun::attribute_type::password_algorithms, algorithms);
    });
  }
  /// A signed success of Allocate with the relayed address `relayed`.
  packet allocated(const packet& request) { return allocated(request, relayed); }
  /// The same with the relayed address `at`.
  packet allocated(const packet& request, const socket_address& at) {
    return success(request, [&](stun::encoder& e) {
      e.xor_address(stun::attribute_type::xor_relayed_address, at);
      e.xor_address(stun::attribute_type::xor_mapped_address, mapped);
      e.u32(stun::attribute_type::lifetime, lifetime);
    });
  }
  /// A signed success of Refresh.
  packet refreshed(const packet& request) {
    return success(request,
                   [&](stun::encoder& e) { e.u32(stun::attribute_type::lifetime, lifetime); });
  }
  /// What an honest server says, whose allocation exists iff `has_allocation`.
  packet honest(const packet& request) {
    using stun::error_code;
    const stun::message_view m = view(request);
    const auto with = m.find(stun::attribute_type::nonce);
    if (!with) return challenge(request);
    if (stun::text_of(with->value) != nonce) return challenge(request, error_code::stale_nonce);
    if (!verifies(request)) return challenge(request);
    if (m.method() == stun::method::allocate) {
      const bool is_repeated = has_allocation && m.id() == allocated_by_;  // RFC 8656 section 7.2
      if (has_allocation && !is_repeated)
        return error(request, error_code::allocation_mismatch, true);
      has_allocation = true;
      allocated_by_ = m.id();
      return allocated(request);
    }
    if (!has_allocation) return error(request, error_code::allocation_mismatch, true);
    if (m.method() != stun::method::refresh) return success(request);
    const auto asked = m.find(stun::attribute_type::lifetime);
    if (asked && stun::read_u32(*asked) == 0u) has_allocation = false;
    return refreshed(request);
  }

  /// Whether the user has signed `request`.
  bool verifies(const packet& request) {
    if (sha256_code) {
      auto key = hmac256();
      return stun::has_valid_integrity_sha256(view(request), key);
    }
    auto key = hmac1();
    return stun::has_valid_integrity(view(request), key);
  }
  /// A Data indication: `payload` as it came from the peer at `from`.
  static packet data_indication(const socket_address& from, std::span<const std::byte> payload) {
    packet out(payload.size() + 64);
    stun::encoder e(out, stun::message_class::indication, stun::method::data, {});
    e.xor_address(stun::attribute_type::xor_peer_address, from);
    e.bytes(stun::attribute_type::data, payload);
    out.resize(e.size());
    return out;
  }

 private:
  static stun::message_view view(const packet& bytes) {
    return stun::message_view::parse(bytes).value();
  }
  packet key() {
    const auto parts = {stun::bytes_of(user), stun::bytes_of(":"), stun::bytes_of(realm),
                        stun::bytes_of(":"), stun::bytes_of(password)};
    packet out;
    if (sha256_key) {
      const auto k = Crypto::sha256(parts).value();
      out.assign(k.begin(), k.end());
    } else {
      const auto k = Crypto::md5(parts).value();
      out.assign(k.begin(), k.end());
    }
    return out;
  }
  typename Crypto::hmac_sha1 hmac1() { return typename Crypto::hmac_sha1(key()); }
  typename Crypto::hmac_sha256 hmac256() { return typename Crypto::hmac_sha256(key()); }

  packet make(stun::message_class kind, const packet& request, bool sign,
              const extra_attributes& extra) {
    packet out(2000);
    stun::encoder e(out, kind, view(request).method(), view(request).id());
    if (extra) extra(e);
    if (sign && sha256_code) {
      auto k = hmac256();
      e.integrity_sha256(k);
    } else if (sign) {
      auto k = hmac1();
      e.integrity(k);
    }
    out.resize(e.finish().value().size());
    return out;
  }

  stun::transaction_id allocated_by_{};
};

}  // namespace lockgate::inline v0::testing

// Long-term credentials of a client (RFC 8489 section 9.2): answers challenges, signs, verifies.
#pragma once

#include "lockgate/stun/crypto.hpp"        // for crypto
#include "lockgate/stun/encoder.hpp"       // for encoder
#include "lockgate/stun/integrity.hpp"     // for has_valid_integrity
#include "lockgate/stun/message.hpp"       // for message_view
#include "lockgate/stun/nonce_cookie.hpp"  // for features_of
#include "lockgate/stun/secret.hpp"        // for secret

#include <algorithm>    // for equal
#include <array>        // for array
#include <cstddef>      // for byte, size_t
#include <cstdint>      // for uint16_t, uint32_t
#include <optional>     // for optional
#include <span>         // for span
#include <string>       // for string
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace lockgate::inline v0::stun {

/// What became of a 401 or 438.
enum class challenge_verdict : std::uint8_t {
  answered,       ///< sign again with what it brought
  malformed,      ///< no usable realm and nonce
  bid_down,       ///< somebody removed or weakened the algorithms: MUST NOT be retried
  no_algorithm,   ///< the server offers none that we have
  realm_changed,  ///< credentials are not handed on to another realm
};

/// One user's credentials at one realm, with everything learnt from the servers of that realm.
/// Handed from one allocation to the next it spares each the round trip of a challenge. Allocations
/// that exist at the same time need one each: a server's nonce is for one 5-tuple (RFC 8489 9.2.4).
///
/// Guarantees: once a server has offered algorithms, nothing weaker is used again.
/// Requires:   name and password as RFC 8265 OpaqueString prepares them (ASCII is unchanged by it).
/// Cost:       one HMAC and no allocation per message; the key is derived once per challenge that
///             changes it.
template <crypto C>
class authenticator {
 public:
  authenticator(std::string_view username, std::string_view password)
      : username_(username), password_(bytes_of(password)) {}

  /// False if the name is longer than a USERNAME may be (RFC 8489 section 14.3).
  [[nodiscard]] bool is_valid() const noexcept { return username_.size() < 509; }
  /// Whether requests can be signed: a challenge has been answered.
  [[nodiscard]] bool is_ready() const noexcept { return sha1_ || sha256_; }
  [[nodiscard]] std::string_view nonce() const noexcept { return nonce_; }
  /// Counts the nonces: a request signed under an earlier one is stale.
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  /// No more than this many bytes are appended by `sign`.
  [[nodiscard]] std::size_t size_bound() const noexcept {
    return username_.size() + realm_.size() + nonce_.size() + algorithms_.size() + 128;
  }

  /// Appends USERNAME or USERHASH, REALM, NONCE, the algorithms, and the integrity code.
  /// Requires: `is_ready()`.
  void sign(encoder& out) noexcept {
    if (userhash_) out.bytes(attribute_type::userhash, *userhash_);
    else out.text(attribute_type::username, username_);
    out.text(attribute_type::realm, realm_);
    out.text(attribute_type::nonce, nonce_);
    if (!algorithms_.empty()) {
      out.bytes(attribute_type::password_algorithms, algorithms_);
      out.u32(attribute_type::password_algorithm, std::uint32_t{algorithm_} << 16);
    }
    if (sha256_) out.integrity_sha256(*sha256_);
    else if (sha1_) out.integrity(*sha1_);
    else out.fail();
  }

  /// Whether the message was signed with the key in use.
  [[nodiscard]] bool verify(const message_view& message) noexcept {
    return sha256_ ? has_valid_integrity_sha256(message, *sha256_)
           : sha1_ ? has_valid_integrity(message, *sha1_)
                   : false;
  }

  /// Learns from a 401 or 438.
  [[nodiscard]] challenge_verdict answer(const message_view& challenge) {
    const auto realm = challenge.find(attribute_type::realm);
    const auto nonce = challenge.find(attribute_type::nonce);
    constexpr std::size_t longest = 763;  // bytes, RFC 8489 sections 14.9 and 14.10
    if (!realm || !nonce || nonce->value.empty() || realm->value.size() > longest ||
        nonce->value.size() > longest)
      return challenge_verdict::malformed;
    const auto offered = challenge.find(attribute_type::password_algorithms);
    const auto features = features_of(text_of(nonce->value));
    if (!offered && (features.password_algorithms || !algorithms_.empty()))
      return challenge_verdict::bid_down;
    if (is_ready() && text_of(realm->value) != realm_) return challenge_verdict::realm_changed;
    const std::uint16_t chosen = offered ? choose(offered->value) : md5;
    if (chosen == 0) return challenge_verdict::no_algorithm;
    if (algorithm_ == sha256 && chosen != sha256) return challenge_verdict::bid_down;

    if (text_of(nonce->value) != nonce_) {
      nonce_ = text_of(nonce->value);
      ++version_;
    }
    const bool same_key =
        is_ready() && chosen == algorithm_ && offered.has_value() == !algorithms_.empty();
    if (offered) algorithms_.assign(offered->value.begin(), offered->value.end());
    realm_ = text_of(realm->value);
    algorithm_ = chosen;
    return set_userhash(features.username_anonymity) && (same_key || set_key())
               ? challenge_verdict::answered
               : challenge_verdict::no_algorithm;
  }

 private:
  static constexpr std::uint16_t md5 = 1, sha256 = 2;  // RFC 8489 section 18.5

  /// SHA-256 where it is offered (RFC 8656 section 6), else MD5, else 0.
  [[nodiscard]] static std::uint16_t choose(std::span<const std::byte> offered) noexcept {
    std::uint16_t best = 0;
    for (cursor in(offered); in.remaining() > 0 && in.ok();) {
      const auto algorithm = in.u16();
      const std::size_t parameters = in.u16();
      in.skip(parameters + padding_of(parameters));
      if (in.ok() && parameters == 0 && (algorithm == md5 || algorithm == sha256) &&
          algorithm > best)
        best = algorithm;
    }
    return best;
  }

  [[nodiscard]] bool set_userhash(bool wanted) {
    if (!wanted) {
      userhash_.reset();
      return true;
    }
    auto hash = C::sha256({bytes_of(username_), bytes_of(":"), bytes_of(realm_)});
    if (hash) userhash_ = *hash;
    return hash.has_value();
  }

  /// Derives the key; the codes are SHA-256 as soon as the server has offered algorithms.
  [[nodiscard]] bool set_key() {
    const auto parts = {bytes_of(username_), bytes_of(":"), bytes_of(realm_), bytes_of(":"),
                        password_.bytes()};
    return algorithm_ == sha256 ? use(C::sha256(parts)) : use(C::md5(parts));
  }
  template <class Key>
  [[nodiscard]] bool use(Key key) {
    sha1_.reset();
    sha256_.reset();
    if (!key) return false;
    if (algorithms_.empty()) sha1_.emplace(std::span<const std::byte>(*key));
    else sha256_.emplace(std::span<const std::byte>(*key));
    wipe(*key);
    return true;
  }

  std::string username_;
  secret password_;
  std::string realm_;
  std::string nonce_;
  std::vector<std::byte> algorithms_;  // as offered: they are sent back verbatim
  std::uint16_t algorithm_ = 0;
  std::uint32_t version_ = 0;
  std::optional<std::array<std::byte, 32>> userhash_;
  std::optional<typename C::hmac_sha1> sha1_;
  std::optional<typename C::hmac_sha256> sha256_;
};

}  // namespace lockgate::inline v0::stun

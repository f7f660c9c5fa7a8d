// The nonce cookie: how a server says, in its nonce, what its 401 must contain (RFC 8489 9.2).
#pragma once

#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t
#include <string_view>  // for string_view

namespace lockgate::inline v0::stun {

/// The security features that a nonce announces.
struct security_features {
  bool password_algorithms = false;  ///< PASSWORD-ALGORITHMS must be there, or somebody removed it
  bool username_anonymity = false;   ///< USERHASH instead of USERNAME

  friend constexpr bool operator==(const security_features&,
                                   const security_features&) noexcept = default;
};

inline constexpr std::string_view nonce_cookie_prefix = "obMatJos2";  ///< RFC 8489 section 9.2

/// The features announced by `nonce`: none if it does not begin with a cookie.
///
/// The text of RFC 8489 counts bit 0 from the most significant end, its own example (B.1) and some
/// implementations from the other; both are understood.
[[nodiscard]] constexpr security_features features_of(std::string_view nonce) noexcept {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (!nonce.starts_with(nonce_cookie_prefix) || nonce.size() < nonce_cookie_prefix.size() + 4)
    return {};
  std::uint32_t bits = 0;
  for (const char c : nonce.substr(nonce_cookie_prefix.size(), 4)) {
    const std::size_t digit = alphabet.find(c);
    if (digit == alphabet.npos) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
  }
  return {.password_algorithms = (bits & 0x800001) != 0,
          .username_anonymity = (bits & 0x400002) != 0};
}

}  // namespace lockgate::inline v0::stun

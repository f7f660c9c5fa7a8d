// Ephemeral TURN credentials from a shared secret ("TURN REST API",
// draft-uberti-behave-turn-rest-00).
#pragma once

#include "lockgate/stun/crypto.hpp"  // for crypto

#include <array>        // for array
#include <cstddef>      // for byte, size_t
#include <cstdint>      // for uint32_t, uint64_t
#include <span>         // for span, as_bytes
#include <string>       // for string, to_string
#include <string_view>  // for string_view

namespace lockgate::inline v0::stun {

/// A name and its password, as a TURN server wants them.
struct turn_credentials {
  std::string username;
  std::string password;
};

namespace detail {

/// RFC 4648 section 4.
[[nodiscard]] inline std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group =
          group << 8 | (at + i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at + i]) : 0);
    for (std::size_t i = 0; i < 4; ++i)
      out += at + i <= bytes.size() ? letters[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace detail

/// Credentials for `user` that the server takes until `expiry`, in seconds since 1970 (UTC).
///
/// Errors: the password is empty if the cryptographic library failed.
template <crypto C>
[[nodiscard]] turn_credentials rest_credentials(std::string_view secret, std::string_view user,
                                                std::uint64_t expiry) {
  turn_credentials out;
  out.username = std::to_string(expiry);
  if (!user.empty()) out.username.append(1, ':').append(user);
  std::array<std::byte, 20> code{};
  typename C::hmac_sha1 hmac(std::as_bytes(std::span(secret)));
  if (hmac.sign({std::as_bytes(std::span(out.username))}, code))
    out.password = detail::base64(code);
  return out;
}

}  // namespace lockgate::inline v0::stun

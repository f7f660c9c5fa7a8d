// Checks MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 sections 14.5 and 14.6).
#pragma once

#include "lockgate/stun/crypto.hpp"   // for keyed_hmac
#include "lockgate/stun/message.hpp"  // for message_view
#include "lockgate/stun/secret.hpp"   // for constant_time_equal

#include <algorithm>  // for copy_n
#include <array>      // for array
#include <cstddef>    // for byte, size_t
#include <span>       // for span

namespace lockgate::inline v0::stun {

namespace detail {

/// Whether `a` is the code of everything before it, the header's length set to end at `a`.
template <std::size_t Size, class H>
[[nodiscard]] bool verify(const message_view& message, const attribute& a, H& hmac) noexcept {
  const std::size_t length = a.offset + 4 + a.value.size() - header_size;
  std::array<std::byte, 4> start{};
  std::copy_n(message.bytes().begin(), 2, start.begin());
  start[2] = static_cast<std::byte>(length >> 8);
  start[3] = static_cast<std::byte>(length);
  std::array<std::byte, Size> code{};
  return hmac.sign({start, message.bytes().first(a.offset).subspan(4)}, code) &&
         constant_time_equal(std::span(code).first(a.value.size()), a.value);
}

}  // namespace detail

/// Whether the message carries a MESSAGE-INTEGRITY that this key made.
template <keyed_hmac<20> H>
[[nodiscard]] bool has_valid_integrity(const message_view& message, H& hmac) noexcept {
  const auto a = message.find(attribute_type::message_integrity);
  return a && a->value.size() == 20 && detail::verify<20>(message, *a, hmac);
}

/// Whether the message carries a MESSAGE-INTEGRITY-SHA256 of at least `least` bytes that this key
/// made. ICE and TURN allow no truncation: they keep the default.
template <keyed_hmac<32> H>
[[nodiscard]] bool has_valid_integrity_sha256(const message_view& message, H& hmac,
                                              std::size_t least = 32) noexcept {
  const auto a = message.find(attribute_type::message_integrity_sha256);
  if (!a) return false;
  const std::size_t size = a->value.size();
  return size >= 16 && size >= least && size <= 32 && size % 4 == 0 &&
         detail::verify<32>(message, *a, hmac);
}

}  // namespace lockgate::inline v0::stun

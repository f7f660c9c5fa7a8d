// Reads the values of STUN and TURN attributes (RFC 8489 section 14, RFC 8656 section 18).
#pragma once

#include "lockgate/base/address.hpp"  // for socket_address
#include "lockgate/base/cursor.hpp"   // for cursor
#include "lockgate/stun/message.hpp"  // for attribute, message_view
#include "lockgate/stun/types.hpp"    // for magic_cookie, address_family, error_code

#include <array>        // for array
#include <cstddef>      // for byte, size_t
#include <cstdint>      // for uint8_t, uint16_t, uint32_t
#include <optional>     // for optional
#include <span>         // for span
#include <string_view>  // for string_view

namespace lockgate::inline v0::stun {

namespace detail {

/// The 16 bytes that XOR addresses are masked with: the cookie, then the transaction id.
[[nodiscard]] constexpr std::array<std::byte, 16> xor_mask(const transaction_id& id) noexcept {
  std::array<std::byte, 16> mask{};
  for (std::size_t i = 0; i < 4; ++i)
    mask[i] = static_cast<std::byte>(magic_cookie >> (24 - 8 * i));
  for (std::size_t i = 0; i < id.size(); ++i) mask[4 + i] = id[i];
  return mask;
}

[[nodiscard]] constexpr std::optional<socket_address> read_address(
    std::span<const std::byte> value, const std::array<std::byte, 16>& mask) noexcept {
  cursor in(value);
  in.skip(1);
  const auto family = static_cast<address_family>(in.u8());
  const auto port_mask =
      std::to_integer<unsigned>(mask[0]) << 8 | std::to_integer<unsigned>(mask[1]);
  socket_address out;
  out.port = static_cast<std::uint16_t>(in.u16() ^ port_mask);
  const bool v4 = family == address_family::v4;
  if (!v4 && family != address_family::v6) return {};
  std::array<std::byte, 16> bytes{};
  std::size_t at = 0;
  if (v4) {
    bytes[10] = bytes[11] = std::byte{0xff};
    at = 12;
  }
  std::size_t i = 0;
  for (const std::byte b : in.take(bytes.size() - at)) bytes[at + i] = b ^ mask[i], ++i;
  if (!in.ok() || in.remaining() != 0) return {};
  out.ip = ip_address(bytes);
  return out;
}

}  // namespace detail

/// MAPPED-ADDRESS, ALTERNATE-SERVER, RESPONSE-ORIGIN, OTHER-ADDRESS.
[[nodiscard]] constexpr std::optional<socket_address> read_address(const attribute& a) noexcept {
  return detail::read_address(a.value, {});
}
/// XOR-MAPPED-ADDRESS, XOR-PEER-ADDRESS, XOR-RELAYED-ADDRESS of the message with this id.
[[nodiscard]] constexpr std::optional<socket_address> read_xor_address(
    const attribute& a, const transaction_id& id) noexcept {
  return detail::read_address(a.value, detail::xor_mask(id));
}

/// LIFETIME (seconds), PRIORITY, CHANGE-REQUEST.
[[nodiscard]] constexpr std::optional<std::uint32_t> read_u32(const attribute& a) noexcept {
  cursor in(a.value);
  const auto value = in.u32();
  return in.ok() && in.remaining() == 0 ? std::optional(value) : std::nullopt;
}

/// CHANNEL-NUMBER: 16 bits and 16 reserved ones.
[[nodiscard]] constexpr std::optional<std::uint16_t> read_channel(const attribute& a) noexcept {
  const auto value = read_u32(a);
  return value ? std::optional(static_cast<std::uint16_t>(*value >> 16)) : std::nullopt;
}

/// An error's number and its phrase. The phrase is the peer's text: show it, never parse it.
struct error_reason {
  error_code code{};
  std::string_view phrase;
};

/// ERROR-CODE: 21 reserved bits, class 3 to 6, number 0 to 99, phrase.
[[nodiscard]] inline std::optional<error_reason> read_error(const attribute& a) noexcept {
  cursor in(a.value);
  const unsigned kind = in.u32() & 0x7ff;
  const unsigned hundreds = kind >> 8, number = kind & 0xff;
  if (!in.ok() || hundreds < 3 || hundreds > 6 || number > 99) return {};
  return error_reason{static_cast<error_code>(hundreds * 100 + number), text_of(in.rest())};
}
/// The code of an error response; `error_code::none` where it carries none that can be read.
[[nodiscard]] inline error_code error_of(const message_view& response) noexcept {
  const auto a = response.find(attribute_type::error_code);
  const auto reason = a ? read_error(*a) : std::nullopt;
  return reason ? reason->code : error_code::none;
}

/// ADDRESS-ERROR-CODE (RFC 8656 section 18.12): why one of two families was not allocated.
struct address_error {
  address_family family{};
  error_code code{};
};
/// An ADDRESS-ERROR-CODE (RFC 8656 section 18.12). Errors: nothing when it is malformed.
[[nodiscard]] constexpr std::optional<address_error> read_address_error(
    const attribute& a) noexcept {
  cursor in(a.value);
  const auto family = static_cast<address_family>(in.u8());
  in.skip(1);
  const unsigned kind = in.u16() & 0x7ff;
  if (!in.ok()) return {};
  return address_error{family, static_cast<error_code>((kind >> 8) * 100 + (kind & 0xff))};
}

/// ICMP (RFC 8656 section 18.13): type and code are read as two octets.
struct icmp_report {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t data = 0;  ///< next-hop MTU for "too big", else 0
};
/// An ICMP attribute (RFC 8656 section 18.13). Errors: nothing when it is malformed.
[[nodiscard]] constexpr std::optional<icmp_report> read_icmp(const attribute& a) noexcept {
  cursor in(a.value);
  in.skip(2);
  icmp_report out;
  out.type = in.u8();
  out.code = in.u8();
  out.data = in.u32();
  return in.ok() && in.remaining() == 0 ? std::optional(out) : std::nullopt;
}

/// Whether UNKNOWN-ATTRIBUTES of a 420 response lists `type`.
[[nodiscard]] constexpr bool lists_unknown(const message_view& response,
                                           attribute_type type) noexcept {
  const auto a = response.find(attribute_type::unknown_attributes);
  if (!a) return false;
  for (cursor in(a->value); in.remaining() >= 2;)
    if (static_cast<attribute_type>(in.u16()) == type) return true;
  return false;
}

}  // namespace lockgate::inline v0::stun

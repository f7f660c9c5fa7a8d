// The numbers of STUN and TURN: methods, classes, attributes, error codes (IANA registry).
#pragma once

#include <array>        // for array
#include <cstddef>      // for byte, size_t
#include <cstdint>      // for uint8_t, uint16_t, uint32_t
#include <span>         // for span
#include <string_view>  // for string_view

namespace lockgate::inline v0::stun {

inline constexpr std::uint32_t magic_cookie = 0x2112A442;  ///< RFC 8489 section 5
inline constexpr std::size_t header_size = 20;             ///< bytes, RFC 8489 section 5

/// 96 random bits that tie a response to its request.
using transaction_id = std::array<std::byte, 12>;

/// The two class bits of a message's type, in order (RFC 8489 section 5).
enum class message_class : std::uint8_t { request, indication, success, error };

/// What a message is about (RFC 8489 section 18.2, RFC 8656 section 17).
enum class method : std::uint16_t {
  binding = 0x001,
  allocate = 0x003,
  refresh = 0x004,
  send = 0x006,
  data = 0x007,
  create_permission = 0x008,
  channel_bind = 0x009,
};

/// The 14-bit type field: class bits C1 and C0 sit at bits 8 and 4, among those of the method.
[[nodiscard]] constexpr std::uint16_t message_type(message_class c, method m) noexcept {
  const auto kind = static_cast<unsigned>(c);
  const auto number = static_cast<unsigned>(m);
  return static_cast<std::uint16_t>((number & 0xf80) << 2 | (number & 0x70) << 1 | (number & 0xf) |
                                    (kind & 2) << 7 | (kind & 1) << 4);
}
/// The class in a message's type.
[[nodiscard]] constexpr message_class class_of(std::uint16_t type) noexcept {
  return static_cast<message_class>((type >> 7 & 2) | (type >> 4 & 1));
}
/// The method in a message's type.
[[nodiscard]] constexpr method method_of(std::uint16_t type) noexcept {
  return static_cast<method>((type >> 2 & 0xf80) | (type >> 1 & 0x70) | (type & 0xf));
}
static_assert(message_type(message_class::error, method::binding) == 0x0111);
static_assert(method_of(0x0118) == method::create_permission);

/// The registered attributes (RFC 8489 section 18.3, RFC 8656 section 18).
enum class attribute_type : std::uint16_t {
  mapped_address = 0x0001,
  change_request = 0x0003,
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000A,
  channel_number = 0x000C,
  lifetime = 0x000D,
  xor_peer_address = 0x0012,
  data = 0x0013,
  realm = 0x0014,
  nonce = 0x0015,
  xor_relayed_address = 0x0016,
  requested_address_family = 0x0017,
  even_port = 0x0018,
  requested_transport = 0x0019,
  dont_fragment = 0x001A,
  message_integrity_sha256 = 0x001C,
  password_algorithm = 0x001D,
  userhash = 0x001E,
  xor_mapped_address = 0x0020,
  reservation_token = 0x0022,
  priority = 0x0024,
  use_candidate = 0x0025,
  padding = 0x0026,
  response_port = 0x0027,
  additional_address_family = 0x8000,
  address_error_code = 0x8001,
  password_algorithms = 0x8002,
  alternate_domain = 0x8003,
  icmp = 0x8004,
  software = 0x8022,
  alternate_server = 0x8023,
  fingerprint = 0x8028,
  ice_controlled = 0x8029,
  ice_controlling = 0x802A,
  response_origin = 0x802B,
  other_address = 0x802C,
};

/// Whether an agent that does not understand the attribute must refuse the message
/// (RFC 8489 section 14: types below 0x8000).
[[nodiscard]] constexpr bool is_comprehension_required(attribute_type type) noexcept {
  return static_cast<std::uint16_t>(type) < 0x8000;
}

/// Whether `type` is a comprehension-required attribute of the enumeration above.
[[nodiscard]] constexpr bool is_known_required(attribute_type type) noexcept {
  using enum attribute_type;
  switch (type) {
    case mapped_address:
    case change_request:
    case username:
    case message_integrity:
    case error_code:
    case unknown_attributes:
    case channel_number:
    case lifetime:
    case xor_peer_address:
    case data:
    case realm:
    case nonce:
    case xor_relayed_address:
    case requested_address_family:
    case even_port:
    case requested_transport:
    case dont_fragment:
    case message_integrity_sha256:
    case password_algorithm:
    case userhash:
    case xor_mapped_address:
    case reservation_token:
    case priority:
    case use_candidate:
    case padding:
    case response_port: return true;
    default: return false;
  }
}

/// An error code as it stands in ERROR-CODE; other values than those named are possible.
enum class error_code : std::uint16_t {
  none = 0,
  try_alternate = 300,
  bad_request = 400,
  unauthenticated = 401,
  forbidden = 403,
  unknown_attribute = 420,
  allocation_mismatch = 437,
  stale_nonce = 438,
  address_family_not_supported = 440,
  wrong_credentials = 441,
  unsupported_transport = 442,
  peer_family_mismatch = 443,
  allocation_quota_reached = 486,
  role_conflict = 487,
  server_error = 500,
  insufficient_capacity = 508,
};

/// IANA address family numbers as used in address attributes.
enum class address_family : std::uint8_t { v4 = 1, v6 = 2 };

/// The zero bytes that bring `length` to a multiple of 4.
[[nodiscard]] constexpr std::size_t padding_of(std::size_t length) noexcept {
  return (0 - length) & 3;
}

/// A text as bytes.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}
/// Bytes as a text.
[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace lockgate::inline v0::stun

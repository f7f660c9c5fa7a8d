// CRC-32 of ITU V.42, eight bytes at a step, as FINGERPRINT uses it (RFC 8489 section 14.7).
#pragma once

#include "lockgate/stun/attributes.hpp"  // for read_u32
#include "lockgate/stun/message.hpp"     // for message_view

#include <array>    // for array
#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint32_t
#include <span>     // for span

namespace lockgate::inline v0::stun {

namespace detail {

using crc_tables = std::array<std::array<std::uint32_t, 256>, 8>;

/// `[k][b]` is the CRC of byte `b` followed by `k` zero bytes.
[[nodiscard]] consteval crc_tables make_crc_tables() {
  crc_tables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);  // the V.42 polynomial, bit-reversed
    tables[0][i] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i)
      tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 0xff];
  return tables;
}
inline constexpr crc_tables crc = make_crc_tables();

}  // namespace detail

/// The CRC-32 of `bytes`.
[[nodiscard]] constexpr std::uint32_t crc32(std::span<const std::byte> bytes) noexcept {
  const auto& t = detail::crc;
  std::uint32_t state = ~0u;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
    state ^= at(0) | at(1) << 8 | at(2) << 16 | at(3) << 24;
    state = t[7][state & 0xff] ^ t[6][state >> 8 & 0xff] ^ t[5][state >> 16 & 0xff] ^
            t[4][state >> 24] ^ t[3][at(4)] ^ t[2][at(5)] ^ t[1][at(6)] ^ t[0][at(7)];
  }
  for (const std::byte b : bytes)
    state = state >> 8 ^ t[0][(state ^ std::to_integer<std::uint32_t>(b)) & 0xff];
  return ~state;
}

inline constexpr std::uint32_t fingerprint_xor = 0x5354554e;  ///< RFC 8489 section 14.7

/// Whether the message ends with a FINGERPRINT that fits it.
[[nodiscard]] constexpr bool has_valid_fingerprint(const message_view& message) noexcept {
  const auto a = message.find(attribute_type::fingerprint);
  const auto value = a ? read_u32(*a) : std::nullopt;
  return value && *value == (crc32(message.bytes().first(a->offset)) ^ fingerprint_xor);
}

}  // namespace lockgate::inline v0::stun

// ChannelData: four bytes in front of relayed data (RFC 8656 section 12).
#pragma once

#include "lockgate/base/cursor.hpp"  // for cursor
#include "lockgate/base/result.hpp"  // for result

#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint16_t
#include <span>     // for span

namespace lockgate::inline v0::stun {

/// RFC 8656 section 12; RFC 5766 allowed up to 0x7FFF, which RFC 7983 gave to other protocols.
inline constexpr std::uint16_t first_channel = 0x4000;
inline constexpr std::uint16_t last_channel = 0x4FFF;  ///< RFC 8656 section 12
inline constexpr std::size_t channel_header_size = 4;  ///< bytes

/// Whether a client may bind this number (RFC 8656 section 12).
[[nodiscard]] constexpr bool is_channel(std::uint16_t number) noexcept {
  return number >= first_channel && number <= last_channel;
}

/// A received ChannelData message.
///
/// Lifetime: `payload` views the received bytes.
struct channel_data {
  std::uint16_t channel = 0;
  std::span<const std::byte> payload;
};

/// The ChannelData message at the start of a datagram; padding behind it is allowed.
/// Errors: `errc::malformed` for a channel out of range or a length beyond the datagram.
[[nodiscard]] constexpr result<channel_data> parse_channel_data(
    std::span<const std::byte> datagram) noexcept {
  cursor in(datagram);
  channel_data out;
  out.channel = in.u16();
  out.payload = in.take(in.u16());
  if (!in.ok() || !is_channel(out.channel)) return errc::malformed;
  return out;
}

/// Writes the header that goes before a payload of `size` bytes.
constexpr void write_channel_header(std::span<std::byte, channel_header_size> out,
                                    std::uint16_t channel, std::uint16_t size) noexcept {
  out[0] = static_cast<std::byte>(channel >> 8);
  out[1] = static_cast<std::byte>(channel);
  out[2] = static_cast<std::byte>(size >> 8);
  out[3] = static_cast<std::byte>(size);
}

}  // namespace lockgate::inline v0::stun

// Tells protocols that share a socket apart by their first byte (RFC 7983, RFC 9443).
#pragma once

#include <cstddef>  // for byte
#include <cstdint>  // for uint8_t
#include <span>     // for span

namespace lockgate::inline v0::stun {

/// What shares a port, told apart by the first byte (RFC 9443).
enum class packet_kind : std::uint8_t { unknown, stun, zrtp, dtls, turn_channel, rtp, quic };

/// What a datagram is by its first byte. Application data may look the same: a message counts as
/// STUN only once its cookie and transaction, or its fingerprint, have been checked.
///
/// Requires: `from_turn_server` says whether it came from a TURN server in use; only then can
///           64 to 79 be a channel, else it is QUIC (RFC 9443 section 3).
[[nodiscard]] constexpr packet_kind demultiplex(std::span<const std::byte> datagram,
                                                bool from_turn_server) noexcept {
  if (datagram.empty()) return packet_kind::unknown;
  const auto first = std::to_integer<unsigned>(datagram.front());
  if (first <= 3) return packet_kind::stun;
  if (first <= 15) return packet_kind::unknown;
  if (first <= 19) return packet_kind::zrtp;
  if (first <= 63) return packet_kind::dtls;
  if (first <= 79) return from_turn_server ? packet_kind::turn_channel : packet_kind::quic;
  if (first <= 127) return packet_kind::quic;
  return first <= 191 ? packet_kind::rtp : packet_kind::quic;
}

}  // namespace lockgate::inline v0::stun

// What the `turn` providers of two peers signal to each other: where each can be reached.
#pragma once

#include "lockgate/base/address.hpp"  // for socket_address
#include "lockgate/base/cursor.hpp"   // for cursor
#include "lockgate/base/result.hpp"   // for result

#include <algorithm>  // for copy_n
#include <array>      // for array
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint8_t, uint16_t, uint32_t
#include <span>       // for span
#include <vector>     // for vector

namespace lockgate::inline v0 {

/// One side's relayed addresses. They change; each announcement overrides the earlier ones.
///
/// On the wire, big-endian: version, flags, then everything below in its order; an address is 16
/// bytes (IPv4 as v4-mapped) and a port. Its authenticity is the signalling's matter.
struct turn_announcement {
  bool wants_answer = false;
  std::uint32_t incarnation = 0;        ///< of the sender: a random number for each of its lives
  std::uint32_t sequence = 0;           ///< counts the sender's changes of address
  std::uint32_t heard_incarnation = 0;  ///< the latest that the sender has heard from the receiver
  std::uint32_t heard_sequence = 0;
  socket_address v4, v6;  ///< unspecified: none; both unspecified: it is leaving

  static constexpr std::uint8_t version = 1;

  [[nodiscard]] bool is_leaving() const noexcept { return v4.port == 0 && v6.port == 0; }

  [[nodiscard]] std::vector<std::byte> encode() const {
    std::vector<std::byte> out;
    const auto put = [&](std::uint32_t value, int bytes) {
      for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
    };
    put(version, 1);
    put(wants_answer ? 1 : 0, 1);
    for (const auto number : {incarnation, sequence, heard_incarnation, heard_sequence})
      put(number, 4);
    for (const socket_address& address : {v4, v6}) {
      out.insert(out.end(), address.ip.bytes().begin(), address.ip.bytes().end());
      put(address.port, 2);
    }
    return out;
  }
  /// Errors: `errc::malformed`, `errc::not_supported` for another version.
  [[nodiscard]] static result<turn_announcement> decode(std::span<const std::byte> blob) {
    cursor in(blob);
    turn_announcement out;
    const auto blob_version = in.u8();
    out.wants_answer = (in.u8() & 1) != 0;
    out.incarnation = in.u32();
    out.sequence = in.u32();
    out.heard_incarnation = in.u32();
    out.heard_sequence = in.u32();
    for (socket_address* address : {&out.v4, &out.v6}) {
      const auto bytes = in.take(16);
      address->port = in.u16();
      std::array<std::byte, 16> ip{};
      std::copy_n(bytes.begin(), bytes.size(), ip.begin());
      address->ip = ip_address(ip);
    }
    if (!in.ok()) return errc::malformed;
    if (blob_version != version) return errc::not_supported;
    if ((out.v4.port != 0 && !out.v4.ip.is_v4()) || (out.v6.port != 0 && out.v6.ip.is_v4()))
      return errc::malformed;
    return out;
  }
};

}  // namespace lockgate::inline v0

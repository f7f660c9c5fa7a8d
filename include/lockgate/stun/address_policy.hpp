// Which addresses of a peer's making may be used: judged after every disguise is taken off.
#pragma once

#include "lockgate/base/address.hpp"  // for ip_address

#include <cstddef>  // for size_t, byte
#include <cstdint>  // for uint8_t, uint32_t

namespace lockgate::inline v0::stun {

/// The IPv4 address that an IPv6 address stands for, or the address itself: NAT64 (64:ff9b::/96 and
/// 64:ff9b:1::/48 with a /96 suffix), 6to4 (2002::/16), Teredo (2001::/32), v4-compatible (::/96).
/// (v4-mapped needs nothing: `ip_address` has no other form for IPv4.)
[[nodiscard]] constexpr ip_address normalise(const ip_address& ip) noexcept {
  if (ip.is_v4()) return ip;
  const auto& b = ip.bytes();
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value << 8 | std::to_integer<std::uint32_t>(b[at + i]);
    return value;
  };
  const std::uint32_t w0 = word(0), w1 = word(4), w2 = word(8), w3 = word(12);
  if (w0 == 0x0064ff9b && ((w1 == 0 && w2 == 0) || w1 >> 16 == 1)) return ip_address::v4(w3);
  if (w0 >> 16 == 0x2002) return ip_address::v4(w0 << 16 | w1 >> 16);
  if (w0 == 0x20010000)
    return ip_address::v4(~w3);  // the client's address, inverted: RFC 4380 section 4
  if (w0 == 0 && w1 == 0 && w2 == 0 && w3 > 1) return ip_address::v4(w3);
  return ip;
}

/// How far an address reaches.
enum class address_scope : std::uint8_t {
  unusable,  ///< unspecified, multicast, broadcast, reserved: never a host's address
  host,      ///< loopback: this host only
  link,      ///< link-local: this link only
  site,      ///< private and shared ranges: somebody's network
  global,
};

/// How far an address reaches; all spellings of one address get the same answer.
[[nodiscard]] constexpr address_scope scope_of(const ip_address& spelled) noexcept {
  const ip_address ip = normalise(spelled);
  if (ip.is_unspecified() || ip.is_multicast()) return address_scope::unusable;
  if (ip.is_v4()) {
    const std::uint32_t top = ip.to_v4() >> 24;
    if (top == 0 || top >= 240) return address_scope::unusable;
  }
  if (ip.is_loopback()) return address_scope::host;
  if (ip.is_link_local()) return address_scope::link;
  return ip.is_private() ? address_scope::site : address_scope::global;
}

}  // namespace lockgate::inline v0::stun

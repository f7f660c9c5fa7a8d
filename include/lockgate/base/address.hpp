// An IP address and port, in one form for both families.
#pragma once

#include <array>        // for array
#include <compare>      // for strong_ordering
#include <cstddef>      // for byte, size_t
#include <cstdint>      // for uint8_t, uint16_t, uint32_t
#include <cstring>      // for memcpy, memcmp
#include <functional>   // for hash
#include <span>         // for span
#include <type_traits>  // for is_constant_evaluated

namespace lockgate::inline v0 {

/// An IPv4 or IPv6 address, held as 16 bytes; IPv4 only ever as v4-mapped, so that each address has
/// one spelling and comparisons cannot be dodged by another.
class ip_address {
 public:
  /// The unspecified address `::`.
  constexpr ip_address() noexcept = default;
  constexpr explicit ip_address(const std::array<std::byte, 16>& v6) noexcept : bytes_(v6) {}

  /// An IPv4 address from a number: 127.0.0.1 is 0x7F000001.
  [[nodiscard]] static constexpr ip_address v4(std::uint32_t host_order) noexcept {
    ip_address address;
    address.bytes_[10] = address.bytes_[11] = std::byte{0xff};
    for (std::size_t i = 0; i < 4; ++i)
      address.bytes_[12 + i] = static_cast<std::byte>(host_order >> (24 - 8 * i));
    return address;
  }
  /// An IPv4 address as it is written: `v4(127, 0, 0, 1)`.
  [[nodiscard]] static constexpr ip_address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                               std::uint8_t d) noexcept {
    return v4(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d);
  }

  [[nodiscard]] constexpr bool is_v4() const noexcept {
    for (std::size_t i = 0; i < 10; ++i)
      if (bytes_[i] != std::byte{0}) return false;
    return bytes_[10] == std::byte{0xff} && bytes_[11] == std::byte{0xff};
  }
  /// The IPv4 address in host order. Requires: `is_v4()`.
  [[nodiscard]] constexpr std::uint32_t to_v4() const noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 12; i < 16; ++i)
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[i]);
    return value;
  }
  [[nodiscard]] constexpr const std::array<std::byte, 16>& bytes() const noexcept { return bytes_; }

  [[nodiscard]] constexpr bool is_unspecified() const noexcept {
    return *this == ip_address() || *this == v4(0);
  }
  [[nodiscard]] constexpr bool is_loopback() const noexcept {
    if (is_v4()) return to_v4() >> 24 == 127;
    ip_address one;
    one.bytes_[15] = std::byte{1};
    return *this == one;
  }
  [[nodiscard]] constexpr bool is_multicast() const noexcept {
    return is_v4() ? to_v4() >> 28 == 0xe : bytes_[0] == std::byte{0xff};
  }
  [[nodiscard]] constexpr bool is_link_local() const noexcept {
    if (is_v4()) return to_v4() >> 16 == 0xa9fe;
    return bytes_[0] == std::byte{0xfe} && (bytes_[1] & std::byte{0xc0}) == std::byte{0x80};
  }
  /// RFC 1918 and RFC 6598 for IPv4, RFC 4193 for IPv6: addresses that mean nothing elsewhere.
  [[nodiscard]] constexpr bool is_private() const noexcept {
    if (!is_v4()) return (bytes_[0] & std::byte{0xfe}) == std::byte{0xfc};
    const std::uint32_t a = to_v4();
    return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 22 == (0x64400000u >> 22);
  }

  friend constexpr auto operator<=>(const ip_address&, const ip_address&) noexcept = default;
  friend constexpr bool operator==(const ip_address& a, const ip_address& b) noexcept {
    // libstdc++ 12 compares arrays of std::byte one by one; this is on the path of every datagram.
    if (std::is_constant_evaluated()) return a.bytes_ == b.bytes_;
    return std::memcmp(a.bytes_.data(), b.bytes_.data(), a.bytes_.size()) == 0;
  }

 private:
  std::array<std::byte, 16> bytes_{};
};

/// An IP address, a port, and for link-local IPv6 the interface it belongs to.
struct socket_address {
  ip_address ip;
  std::uint16_t port = 0;
  std::uint32_t scope = 0;  ///< interface index; 0 where none is needed

  friend constexpr auto operator<=>(const socket_address&,
                                    const socket_address&) noexcept = default;

  [[nodiscard]] std::size_t hash() const noexcept {
    std::uint64_t low = 0, high = 0;
    std::memcpy(&low, ip.bytes().data(), 8);
    std::memcpy(&high, ip.bytes().data() + 8, 8);
    std::uint64_t mixed = (high ^ (std::uint64_t{port} << 48 | port)) * 0xbf58476d1ce4e5b9u;
    mixed ^= (low + scope + (mixed >> 29)) * 0x94d049bb133111ebu;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32));
  }
};

}  // namespace lockgate::inline v0

template <>
struct std::hash<lockgate::socket_address> {
  std::size_t operator()(const lockgate::socket_address& a) const noexcept { return a.hash(); }
};

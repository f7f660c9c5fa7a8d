// The name of one end of a path: 16 bytes that only the platform makes (dd441748).
#pragma once

#include <array>        // for array
#include <compare>      // for strong_ordering
#include <cstddef>      // for size_t, byte
#include <cstdint>      // for uint64_t
#include <cstring>      // for memcpy
#include <functional>   // for hash
#include <span>         // for span
#include <type_traits>  // for is_constant_evaluated

namespace lockgate::inline v0 {

/// A transport id: 16 bytes shaped as an IPv6 address, IPv4 as v4-mapped.
///
/// Guarantees: G33 - only the platform makes ids; a provider copies and compares them, no more.
class transport_id {
 public:
  static constexpr std::size_t size = 16;

  /// The id of nobody: all zero.
  constexpr transport_id() noexcept = default;
  constexpr explicit transport_id(const std::array<std::byte, size>& bytes) noexcept
      : bytes_(bytes) {}

  [[nodiscard]] constexpr std::span<const std::byte, size> bytes() const noexcept { return bytes_; }
  [[nodiscard]] constexpr bool is_nil() const noexcept { return *this == transport_id(); }

  friend constexpr auto operator<=>(const transport_id&, const transport_id&) noexcept = default;
  friend constexpr bool operator==(const transport_id& a, const transport_id& b) noexcept {
    // libstdc++ 12 compares arrays of std::byte one by one; this is on the path of every message.
    if (std::is_constant_evaluated()) return a.bytes_ == b.bytes_;
    return std::memcmp(a.bytes_.data(), b.bytes_.data(), size) == 0;
  }

  /// A hash for tables that only this process fills.
  [[nodiscard]] std::size_t hash() const noexcept {
    std::uint64_t low = 0, high = 0;
    std::memcpy(&low, bytes_.data(), sizeof low);
    std::memcpy(&high, bytes_.data() + sizeof low, sizeof high);
    std::uint64_t mixed = (low ^ 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    mixed ^= (high + (mixed >> 29)) * 0x94d049bb133111ebu;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32));
  }

 private:
  std::array<std::byte, size> bytes_{};
};

}  // namespace lockgate::inline v0

template <>
struct std::hash<lockgate::transport_id> {
  std::size_t operator()(const lockgate::transport_id& id) const noexcept { return id.hash(); }
};

// The one way to read bytes from the network: every step is checked against the end.
#pragma once

#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint8_t, uint16_t, uint32_t, uint64_t
#include <span>     // for span

namespace lockgate::inline v0 {

/// Reads big-endian numbers and sub-ranges from a span and remembers if it ever ran past the end.
///
/// Errors: a read past the end yields zero or an empty span and makes the cursor fail for good, so
///         that a parser checks `ok()` once at its end.
class cursor {
 public:
  constexpr explicit cursor(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }
  [[nodiscard]] constexpr std::size_t remaining() const noexcept { return rest_.size(); }
  [[nodiscard]] constexpr std::span<const std::byte> rest() const noexcept { return rest_; }

  /// The next `count` bytes. Errors: empty, and `ok()` is false from now on, when there are fewer.
  constexpr std::span<const std::byte> take(std::size_t count) noexcept {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  /// Passes over `count` bytes. Errors: as `take`.
  constexpr void skip(std::size_t count) noexcept { static_cast<void>(take(count)); }
  /// A cursor over the next `count` bytes: an inner length can never reach beyond the outer one.
  constexpr cursor sub(std::size_t count) noexcept {
    cursor inner(take(count));
    inner.ok_ = ok_;
    return inner;
  }

  /// The next byte. Errors: 0, as `take`.
  constexpr std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(big_endian(1)); }
  /// The next two bytes, most significant first. Errors: 0, as `take`.
  constexpr std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(big_endian(2)); }
  /// The next four bytes, most significant first. Errors: 0, as `take`.
  constexpr std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(big_endian(4)); }
  /// The next eight bytes, most significant first. Errors: 0, as `take`.
  constexpr std::uint64_t u64() noexcept { return big_endian(8); }

 private:
  constexpr std::uint64_t big_endian(std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (const std::byte b : take(count)) value = value << 8 | std::to_integer<std::uint64_t>(b);
    return value;
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace lockgate::inline v0

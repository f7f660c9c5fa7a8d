// The outcome of an operation without a value: success, or why not.
#pragma once

#include "lockgate/base/error.hpp"  // for errc

#include <array>         // for array
#include <atomic>        // for atomic
#include <cstdint>       // for uint32_t, uint64_t
#include <string>        // for string
#include <system_error>  // for error_code, error_category

namespace lockgate::inline v0 {

namespace detail {

/// The error categories of other libraries that have passed through here, so that a status can name
/// one with a number.
class foreign_categories {
 public:
  static constexpr std::uint32_t limit = 255;

  /// The number of a category, from 1; 0 when more than `limit` have been seen. Any thread.
  static std::uint32_t number_of(const std::error_category& category) noexcept {
    for (std::uint32_t i = 0; i < limit; ++i) {
      const std::error_category* known = known_[i].load(std::memory_order_acquire);
      if (!known && known_[i].compare_exchange_strong(known, &category, std::memory_order_acq_rel))
        return i + 1;
      if (*known == category) return i + 1;
    }
    return 0;
  }
  static const std::error_category& at(std::uint32_t number) noexcept {
    return *known_[number - 1].load(std::memory_order_acquire);
  }

 private:
  static inline constinit std::array<std::atomic<const std::error_category*>, limit> known_{};
};

}  // namespace detail

/// An error code that is constexpr and cheap: a `std::error_code` in one word, whose category is
/// only looked up when somebody asks. It is no condition by itself: `if (!started.ok())`.
///
/// Cost: 8 bytes, no call on the success path (`std::error_code{}` calls `system_category()`).
class status {
 public:
  constexpr status() noexcept = default;
  constexpr status(errc code) noexcept : bits_(static_cast<std::uint32_t>(code)) {}
  status(const std::error_code& code) noexcept {
    if (!code) return;
    bits_ = static_cast<std::uint32_t>(code.value());
    if (code.category() == error_category()) return;
    const std::uint32_t number = detail::foreign_categories::number_of(code.category());
    if (number > 0) bits_ |= std::uint64_t{number} << 32;
    else bits_ = static_cast<std::uint32_t>(errc::provider_failed);
  }

  [[nodiscard]] constexpr bool ok() const noexcept { return bits_ == 0; }

  [[nodiscard]] std::error_code code() const noexcept {
    if (bits_ == 0) return {};
    const auto value = static_cast<int>(static_cast<std::uint32_t>(bits_));
    const auto number = static_cast<std::uint32_t>(bits_ >> 32);
    if (number > 0) return {value, detail::foreign_categories::at(number)};
    return make_error_code(static_cast<errc>(value));
  }
  [[nodiscard]] operator std::error_code() const noexcept { return code(); }
  [[nodiscard]] std::string message() const { return ok() ? "success" : code().message(); }

  /// The library's own code, or `errc::provider_failed` for a code of a foreign category.
  [[nodiscard]] constexpr errc own() const noexcept {
    return bits_ >> 32 ? errc::provider_failed : static_cast<errc>(bits_);
  }

  friend constexpr bool operator==(const status& a, const status& b) noexcept {
    return a.bits_ == b.bits_;
  }
  friend constexpr bool operator==(const status& a, errc b) noexcept { return a == status(b); }
  friend bool operator==(const status& a, std::errc b) noexcept { return a.code() == b; }

 private:
  std::uint64_t bits_ = 0;  // the value below, the number of a foreign category above
};

}  // namespace lockgate::inline v0

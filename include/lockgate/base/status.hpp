// The outcome of an operation without a value: success, or why not.
#pragma once

#include "lockgate/base/error.hpp"  // for errc

#include <string>        // for string
#include <system_error>  // for error_code, error_category

namespace lockgate::inline v0 {

/// An error code that is constexpr and cheap: a `std::error_code` whose category is only looked up
/// when somebody asks.
///
/// Cost: 16 bytes, no call on the success path (`std::error_code{}` calls `system_category()`).
class status {
 public:
  constexpr status() noexcept = default;
  constexpr status(errc code) noexcept : value_(static_cast<int>(code)) {}
  status(const std::error_code& code) noexcept
      : value_(code.value()), category_(code ? &code.category() : nullptr) {
    if (category_ == &error_category()) category_ = nullptr;
  }

  [[nodiscard]] constexpr bool ok() const noexcept { return value_ == 0; }
  /// True for a failure, as with `std::error_code`: `if (auto s = ...; s)` handles the error.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return value_ != 0; }

  [[nodiscard]] std::error_code code() const noexcept {
    if (value_ == 0) return {};
    return category_ ? std::error_code(value_, *category_)
                     : make_error_code(static_cast<errc>(value_));
  }
  [[nodiscard]] operator std::error_code() const noexcept { return code(); }
  [[nodiscard]] std::string message() const { return ok() ? "success" : code().message(); }

  /// The library's own code, or `errc::provider_failed` for a code of a foreign category.
  [[nodiscard]] constexpr errc own() const noexcept {
    return category_ ? errc::provider_failed : static_cast<errc>(value_);
  }

  friend constexpr bool operator==(const status& a, const status& b) noexcept {
    return a.value_ == b.value_ && a.category_ == b.category_;
  }
  friend constexpr bool operator==(const status& a, errc b) noexcept {
    return a.category_ == nullptr && a.value_ == static_cast<int>(b);
  }
  friend bool operator==(const status& a, std::errc b) noexcept { return a.code() == b; }

 private:
  int value_ = 0;
  const std::error_category* category_ = nullptr;
};

}  // namespace lockgate::inline v0

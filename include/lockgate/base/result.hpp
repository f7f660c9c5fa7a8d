// A value or the status that says why there is none; the interface of std::expected.
#pragma once

#include "lockgate/base/config.hpp"  // for LOCKGATE_REQUIRE
#include "lockgate/base/status.hpp"  // for status

#include <functional>   // for invoke
#include <memory>       // for addressof, construct_at, destroy_at
#include <type_traits>  // for is_nothrow_move_constructible_v
#include <utility>      // for move, forward

namespace lockgate::inline v0 {

/// Either a `T` or a failed `status`; what `std::expected<T, status>` will be once every supported
/// compiler has it, with the same member names and meanings, and `ok()` as `status` has it.
///
/// Requires: the status given to the failing constructor is a failure.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;
  using error_type = status;

  template <class U = T>
    requires std::is_constructible_v<T, U> && (!std::is_same_v<std::remove_cvref_t<U>, result>) &&
             (!std::is_same_v<std::remove_cvref_t<U>, status>) &&
             (!std::is_same_v<std::remove_cvref_t<U>, errc>)
  constexpr result(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>) : has_value_(true) {
    std::construct_at(std::addressof(value_), std::forward<U>(value));
  }
  constexpr result(status error) noexcept : error_(error), has_value_(false) {
    LOCKGATE_ASSERT(!error.ok(), "result: a result without a value needs a failed status");
  }
  constexpr result(errc error) noexcept : result(status(error)) {}

  constexpr result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : has_value_(other.has_value_) {
    if (has_value_) std::construct_at(std::addressof(value_), std::move(other.value_));
    else std::construct_at(std::addressof(error_), other.error_);
  }
  constexpr result(const result& other)
    requires std::is_copy_constructible_v<T>
      : has_value_(other.has_value_) {
    if (has_value_) std::construct_at(std::addressof(value_), other.value_);
    else std::construct_at(std::addressof(error_), other.error_);
  }
  // NOLINTNEXTLINE(performance-unnecessary-value-param): its value is moved out
  constexpr result& operator=(result other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    reset();  // until the value has been moved, which may throw, this is a failure
    std::construct_at(std::addressof(error_), other.error());
    if (other.has_value_) {
      std::construct_at(std::addressof(value_), std::move(other.value_));
      has_value_ = true;
    }
    return *this;
  }
  constexpr ~result() { reset(); }

  [[nodiscard]] constexpr bool ok() const noexcept { return has_value_; }
  [[nodiscard]] constexpr bool has_value() const noexcept { return has_value_; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return has_value_; }

  /// Requires: `has_value()`; otherwise the program stops.
  [[nodiscard]] constexpr T& value() & { return check(), value_; }
  [[nodiscard]] constexpr const T& value() const& { return check(), value_; }
  [[nodiscard]] constexpr T&& value() && { return check(), std::move(value_); }
  [[nodiscard]] constexpr T& operator*() & noexcept { return value(); }
  [[nodiscard]] constexpr const T& operator*() const& noexcept { return value(); }
  [[nodiscard]] constexpr T&& operator*() && noexcept { return std::move(*this).value(); }
  [[nodiscard]] constexpr T* operator->() noexcept { return std::addressof(value()); }
  [[nodiscard]] constexpr const T* operator->() const noexcept { return std::addressof(value()); }

  /// The failure, or success when there is a value.
  [[nodiscard]] constexpr status error() const noexcept { return has_value_ ? status() : error_; }

  template <class U>
  [[nodiscard]] constexpr T value_or(U&& other) && {
    return has_value_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
  }
  template <class U>
  [[nodiscard]] constexpr T value_or(U&& other) const& {
    return has_value_ ? value_ : static_cast<T>(std::forward<U>(other));
  }
  /// `f(value)`, which returns a result, or this failure.
  template <class F>
  [[nodiscard]] constexpr auto and_then(F&& f) && {
    using next = std::remove_cvref_t<std::invoke_result_t<F, T&&>>;
    if (has_value_) return std::invoke(std::forward<F>(f), std::move(value_));
    return next(error_);
  }
  /// A result of `f(value)`, or this failure.
  template <class F>
  [[nodiscard]] constexpr auto transform(F&& f) && {
    using next = result<std::remove_cvref_t<std::invoke_result_t<F, T&&>>>;
    if (has_value_) return next(std::invoke(std::forward<F>(f), std::move(value_)));
    return next(error_);
  }
  /// This value, or `f(error)`, which returns a result.
  template <class F>
  [[nodiscard]] constexpr result or_else(F&& f) && {
    if (has_value_) return std::move(*this);
    return std::invoke(std::forward<F>(f), error_);
  }

 private:
  constexpr void check() const noexcept {
    LOCKGATE_REQUIRE(has_value_, "result: value() of a failed result");
  }
  constexpr void reset() noexcept {
    if (has_value_) std::destroy_at(std::addressof(value_));
    has_value_ = false;
  }

  union {
    T value_;
    status error_;
  };
  bool has_value_;
};

}  // namespace lockgate::inline v0

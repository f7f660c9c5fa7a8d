// Asio's system errors as the standard library spells them.
#pragma once

#include "lockgate/base/status.hpp"  // for status

#include <asio/error.hpp>  // for get_system_category

#include <system_error>  // for error_code, system_category

namespace lockgate::inline v0 {

/// The error as a status that compares equal to `std::errc` conditions: Asio's own category for
/// system errors does not.
[[nodiscard]] inline status from_asio(const std::error_code& error) noexcept {
  if (error && error.category() == asio::error::get_system_category())
    return std::error_code(error.value(), std::system_category());
  return error;
}

}  // namespace lockgate::inline v0

// Running out of memory as a value, where exceptions must not pass.
#pragma once

#include "lockgate/base/config.hpp"  // for LOCKGATE_HAS_EXCEPTIONS
#include "lockgate/base/status.hpp"  // for status

#include <new>  // for bad_alloc

namespace lockgate::inline v0::detail {

/// Runs code that fills standard containers; running out of memory becomes a status.
template <class F>
[[nodiscard]] status without_throwing(F fill) noexcept {
#if LOCKGATE_HAS_EXCEPTIONS
  try {
    fill();
    return {};
  } catch (const std::bad_alloc&) {
    return errc::no_memory;
  }
#else
  fill();
  return {};
#endif
}

}  // namespace lockgate::inline v0::detail

// Exceptions as values, in builds with and without them.
#pragma once

#include "lockgate/base/config.hpp"  // for LOCKGATE_HAS_EXCEPTIONS, LOCKGATE_REQUIRE

#include <cstdlib>    // for abort
#include <exception>  // for exception_ptr, current_exception, rethrow_exception
#include <new>        // for bad_alloc

namespace lockgate::inline v0::detail {

/// The exception being handled; null in builds without exceptions.
[[nodiscard]] inline std::exception_ptr caught_exception() noexcept {
#if LOCKGATE_HAS_EXCEPTIONS
  return std::current_exception();
#else
  return {};
#endif
}

/// Throws `exception` on, if there is one.
inline void rethrow_if(const std::exception_ptr& exception) {
#if LOCKGATE_HAS_EXCEPTIONS
  if (exception) std::rethrow_exception(exception);
#else
  static_cast<void>(exception);
#endif
}

[[noreturn]] inline void out_of_memory(const char* where) {
#if LOCKGATE_HAS_EXCEPTIONS
  static_cast<void>(where);
  throw std::bad_alloc();
#else
  broken_contract(where, __FILE__, __LINE__);
  std::abort();
#endif
}

}  // namespace lockgate::inline v0::detail

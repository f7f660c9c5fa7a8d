// The answer to handing over a batch: how many were taken, and why the next one was not.
#pragma once

#include "lockgate/base/status.hpp"  // for status

#include <cstddef>  // for size_t

namespace lockgate::inline v0 {

/// How many messages of a batch were accepted, from its front, and why the next one was not.
///
/// `count` counts messages sent or taken over, in order; `why` is success when all were.
class [[nodiscard]] accepted {
 public:
  constexpr accepted() noexcept = default;
  constexpr accepted(std::size_t how_many, status reason = {}) noexcept
      : count(how_many), why(reason) {}
  /// Nothing accepted.
  constexpr accepted(status reason) noexcept : why(reason) {}
  constexpr accepted(errc reason) noexcept : why(reason) {}

  std::size_t count = 0;
  status why;
};

}  // namespace lockgate::inline v0

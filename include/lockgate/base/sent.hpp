// The answer to handing over a batch: how many were taken, and why the next one was not.
#pragma once

#include "lockgate/base/status.hpp"  // for status

#include <cstddef>  // for size_t

namespace lockgate::inline v0 {

/// How many messages of a batch were accepted, from its front, and why the next one was not.
///
/// `accepted` counts messages sent or taken over, in order; `why` is success when all were.
class [[nodiscard]] sent {
 public:
  constexpr sent() noexcept = default;
  constexpr sent(std::size_t accepted_count, status reason = {}) noexcept
      : accepted(accepted_count), why(reason) {}
  /// Nothing accepted.
  constexpr sent(status reason) noexcept : why(reason) {}
  constexpr sent(errc reason) noexcept : why(reason) {}

  std::size_t accepted = 0;
  status why;
};

}  // namespace lockgate::inline v0

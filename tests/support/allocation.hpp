// Counts what the program allocates, and lets one chosen allocation fail.
#pragma once

#include <cstdint>  // for int64_t, uint64_t

namespace support {

/// Calls of operator new on this thread so far.
[[nodiscard]] std::uint64_t allocations_made() noexcept;

/// Blocks of operator new that exist now, of all threads together.
[[nodiscard]] std::int64_t blocks_alive() noexcept;

/// While it lives, the `nth` allocation of this thread (counted from 1) fails, and no other.
class failing_allocation {
 public:
  explicit failing_allocation(std::uint64_t nth) noexcept;
  failing_allocation(const failing_allocation&) = delete;
  failing_allocation& operator=(const failing_allocation&) = delete;
  ~failing_allocation();
  /// Whether it has come to the failure yet.
  [[nodiscard]] bool happened() const noexcept;
};

}  // namespace support

// How often this program has allocated memory.
#pragma once

#include <cstdint>  // for uint64_t

namespace carry {

/// Calls of operator new so far.
[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace carry

// Counts how often the program allocates, so that a row can say so.
#pragma once

#include <cstdint>  // for uint64_t

namespace bench {

/// This thread's allocations since it began: operator new and the malloc family, called from the
/// program's own code and the headers in it. What a shared library does inside is not counted.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// Bytes that operator new has given out on this thread, less those that operator delete has taken
/// back there.
[[nodiscard]] std::uint64_t live_bytes() noexcept;

}  // namespace bench

// What the fuzz targets share: their judge, and an input that is read as choices.
#pragma once

#include "lockgate/base/cursor.hpp"  // for cursor

#include <algorithm>  // for min
#include <cstddef>    // for byte, size_t
#include <cstdlib>    // for abort
#include <span>       // for span
#include <vector>     // for vector

namespace fuzz {

/// A fault is what ends the program; the fuzzer keeps the input.
inline void require(bool condition) {
  if (!condition) std::abort();
}

/// The input, read as choices; zeros behind its end.
class choices {
 public:
  explicit choices(std::span<const std::byte> input) : in_(input) {}
  [[nodiscard]] bool more() const { return in_.remaining() > 0; }
  unsigned one() { return in_.u8(); }
  std::vector<std::byte> raw(std::size_t count) {
    const auto taken = in_.take(std::min(count, in_.remaining()));
    return {taken.begin(), taken.end()};
  }

 private:
  lockgate::cursor in_;
};

}  // namespace fuzz

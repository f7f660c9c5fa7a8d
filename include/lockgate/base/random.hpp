// Where random bytes come from.
#pragma once

#include <cstddef>  // for byte
#include <cstdint>  // for uint64_t
#include <span>     // for span

namespace lockgate::inline v0 {

/// A source of random bytes. Production uses `system_random`; only tests use another.
class random_source {
 public:
  /// Fills `out` with random bytes.
  virtual void fill(std::span<std::byte> out) = 0;

  /// Eight random bytes, as a number.
  [[nodiscard]] std::uint64_t next() {
    std::uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  /// A number from 0 to `bound - 1`, each equally likely. Requires: `bound > 0`.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t biased =
        (0 - bound) % bound;  // 2^64 mod bound: rejected, or low values win
    for (;;) {
      const std::uint64_t value = next();
      if (value >= biased) return value % bound;
    }
  }

 protected:
  ~random_source() = default;
};

}  // namespace lockgate::inline v0

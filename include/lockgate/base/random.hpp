// Where random bytes come from.
#pragma once

#include "lockgate/base/config.hpp"  // for LOCKGATE_REQUIRE

#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint64_t
#include <span>     // for span

#ifdef _WIN32
#include <cstring>  // for memcpy
#include <random>   // for random_device
#else
#include <sys/random.h>  // for getentropy
#endif

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

/// The operating system's source, unpredictable to outsiders.
///
/// Cost: a system call for every 256 bytes; on Windows one for every 4.
class system_random final : public random_source {
 public:
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const auto part = out.first(out.size() < largest_part ? out.size() : largest_part);
#ifdef _WIN32
      const auto word = device_();
      std::memcpy(part.data(), &word, part.size());
#else
      const bool filled = ::getentropy(part.data(), part.size()) == 0;
      LOCKGATE_REQUIRE(filled, "the system has random bytes (getentropy)");
#endif
      out = out.subspan(part.size());
    }
  }

 private:
#ifdef _WIN32
  std::random_device device_;
  static constexpr std::size_t largest_part = sizeof(std::random_device::result_type);
#else
  static constexpr std::size_t largest_part = 256;  // POSIX.1-2024, getentropy
#endif
};

}  // namespace lockgate::inline v0

// Where random bytes come from.
#pragma once

#include <cstddef>  // for byte
#include <cstdint>  // for uint64_t
#include <cstring>  // for memcpy
#include <random>   // for random_device
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

/// The operating system's source, unpredictable to outsiders.
///
/// Cost: a system call for every 4 bytes where `std::random_device` makes one.
class system_random final : public random_source {
 public:
  system_random() : device_(source()) {}
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const std::random_device::result_type word = device_();
      const auto n = out.size() < sizeof word ? out.size() : sizeof word;
      std::memcpy(out.data(), &word, n);
      out = out.subspan(n);
    }
  }

 private:
  /// libstdc++'s default is the processor's RDSEED, which takes tens of microseconds in many
  /// virtual machines; the kernel's source takes a fraction of one. libc++ knows no other name.
  static const char* source() noexcept {
#ifdef _WIN32
    return "default";
#else
    return "/dev/urandom";
#endif
  }

  std::random_device device_;
};

}  // namespace lockgate::inline v0

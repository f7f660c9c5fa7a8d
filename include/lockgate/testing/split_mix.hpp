// SplitMix64: the same numbers from the same seed, on every compiler and machine.
#pragma once

#include <cstdint>  // for uint64_t

namespace lockgate::inline v0::testing {

/// A generator for tests (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
/// 2014). Anybody can predict it.
class split_mix {
 public:
  explicit split_mix(std::uint64_t seed) noexcept : state_(seed) {}

  /// The next number: the same ones for the same seed.
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// A number below `bound`, from the upper 32 bits. Requires: `0 < bound < 2^32`.
  std::uint64_t below(std::uint64_t bound) noexcept { return ((next() >> 32) * bound) >> 32; }
  /// True with a probability of `parts_per_million`.
  bool chance(std::uint32_t parts_per_million) noexcept {
    return parts_per_million > 0 && below(1'000'000) < parts_per_million;
  }

 private:
  std::uint64_t state_;
};

}  // namespace lockgate::inline v0::testing

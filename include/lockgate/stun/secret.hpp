// Secrets in memory: wiped when they go, compared without telling where they differ.
#pragma once

#include <cstddef>  // for byte, size_t
#include <span>     // for span
#include <utility>  // for exchange
#include <vector>   // for vector

namespace lockgate::inline v0::stun {

/// Overwrites `bytes` with zeros, also where the compiler sees that nobody reads them again.
inline void wipe(std::span<std::byte> bytes) noexcept {
  for (std::byte& b : bytes) *const_cast<volatile std::byte*>(&b) = std::byte{0};
}

/// Whether both hold the same bytes, in a time that depends on their length only.
[[nodiscard]] inline bool constant_time_equal(std::span<const std::byte> a,
                                              std::span<const std::byte> b) noexcept {
  if (a.size() != b.size()) return false;
  std::byte difference{0};
  for (std::size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return *const_cast<volatile std::byte*>(&difference) == std::byte{0};
}

/// Bytes that are wiped when they are destroyed or replaced. Move-only, so that no copy is left.
class secret {
 public:
  secret() noexcept = default;
  explicit secret(std::span<const std::byte> bytes) : bytes_(bytes.begin(), bytes.end()) {}
  secret(secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  secret& operator=(secret&& other) noexcept {
    wipe(bytes_);
    bytes_ = std::exchange(other.bytes_, {});
    return *this;
  }
  ~secret() { wipe(bytes_); }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace lockgate::inline v0::stun

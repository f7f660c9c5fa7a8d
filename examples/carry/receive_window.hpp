// Which chunks have arrived, and how to say so.
#pragma once

#include "wire.hpp"  // for ack, ack_span

#include <algorithm>  // for min, max, fill
#include <array>      // for array
#include <cstdint>    // for uint32_t
#include <vector>     // for vector

namespace carry {

/// The receiver's view of all chunks.
class receive_window {
 public:
  explicit receive_window(std::uint32_t chunks) : arrived_(chunks) {}

  /// False when the chunk was there already, or there is no such chunk.
  bool add(std::uint32_t number) {
    if (number >= arrived_.size() || arrived_[number]) return false;
    arrived_[number] = true;
    highest_ = std::max(highest_, number);
    while (next_ < arrived_.size() && arrived_[next_]) ++next_;
    return true;
  }
  [[nodiscard]] bool is_complete() const noexcept { return next_ == arrived_.size(); }
  /// What has arrived; `later` points into this window until the next call.
  [[nodiscard]] ack describe(std::uint64_t echo) noexcept {
    ack out;
    out.next = next_;
    out.echo = echo;
    if (highest_ <= next_) return out;
    const std::uint32_t beyond = std::min(highest_ - next_, ack_span);
    const std::uint32_t size = (beyond + 7) / 8;
    std::fill(later_.begin(), later_.begin() + size, std::byte{0});
    for (std::uint32_t i = 0; i < beyond; ++i)
      if (arrived_[next_ + 1 + i]) later_[i / 8] |= std::byte{1} << (i % 8);
    out.later = bytes_view(later_).first(size);
    return out;
  }

 private:
  std::vector<bool> arrived_;
  std::uint32_t next_ = 0;
  std::uint32_t highest_ = 0;
  std::array<std::byte, ack_span / 8> later_{};
};

}  // namespace carry

// Trains: messages of one size, end to end in memory, that travel as one.
#pragma once

#include "lockgate/buffer/chain.hpp"  // for bytes_view

#include <algorithm>  // for min
#include <cstddef>    // for size_t

namespace lockgate::inline v0 {

// Each of the messages of a train has `segment_size` bytes; the last one may be shorter. A
// `segment_size` of 0 says that the bytes are no train but one message.

/// The most messages in a train that is sent (UDP_MAX_SEGMENTS of Linux before 6.9).
inline constexpr std::size_t longest_train = 64;
/// The most bytes in a train that is sent: below the 65,507 of a UDP payload.
inline constexpr std::size_t largest_train = 65000;

/// The size of the first message of `bytes` bytes.
[[nodiscard]] constexpr std::size_t first_in_train(std::size_t bytes,
                                                   std::size_t segment_size) noexcept {
  return segment_size == 0 ? bytes : std::min(bytes, segment_size);
}
/// How many messages `bytes` bytes are.
[[nodiscard]] constexpr std::size_t train_length(std::size_t bytes,
                                                 std::size_t segment_size) noexcept {
  return segment_size == 0 || bytes <= segment_size ? 1 : (bytes + segment_size - 1) / segment_size;
}
/// Calls `visit(bytes_view)` for each message of `train`, in order.
template <class F>
void for_each_in_train(bytes_view train, std::size_t segment_size, F visit) {
  do {
    const std::size_t size = first_in_train(train.size(), segment_size);
    visit(train.first(size));
    train = train.subspan(size);
  } while (!train.empty());
}

}  // namespace lockgate::inline v0

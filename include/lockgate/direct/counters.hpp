// What a direct provider counts.
#pragma once

#include "lockgate/provider/hand_up.hpp"  // for hand_up_counters

#include <cstdint>  // for uint64_t

namespace lockgate::inline v0 {

/// What a `direct` provider has carried, and dropped. Cost: plain integers, read at any time.
struct direct_counters : hand_up_counters {
  std::uint64_t sent = 0;            ///< datagrams handed to the network
  std::uint64_t waits = 0;           ///< times a send had to wait for the network
  std::uint64_t unknown_sender = 0;  ///< dropped: the table has no row with this address
  std::uint64_t truncated = 0;       ///< dropped: longer than the memory to receive into

  /// Received, and not handed up.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return unknown_sender + truncated + refused();
  }
};

}  // namespace lockgate::inline v0

// What a direct provider counts.
#pragma once

#include "lockgate/base/status.hpp"  // for status

#include <cstdint>  // for uint64_t

namespace lockgate::inline v0 {

/// What a `direct` provider has carried, and dropped. Cost: plain integers, read at any time.
struct direct_counters {
  std::uint64_t sent = 0;              ///< datagrams handed to the network
  std::uint64_t waits = 0;             ///< times a send had to wait for the network
  std::uint64_t received = 0;          ///< datagrams that the platform took
  std::uint64_t unknown_sender = 0;    ///< dropped: the table has no row with this address
  std::uint64_t truncated = 0;         ///< dropped: longer than the memory to receive into
  std::uint64_t empty = 0;             ///< refused by the platform: not one byte
  std::uint64_t not_active = 0;        ///< refused by the platform: the instance is not active
  std::uint64_t unknown_local_id = 0;  ///< refused by the platform: no endpoint has the id
  std::uint64_t queue_full = 0;        ///< refused by the platform: the endpoint's queue is full

  /// Received, and not handed up.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return unknown_sender + truncated + empty + not_active + unknown_local_id + queue_full;
  }
  /// Counts a message that the platform did not take, by its reason.
  void count_refusal(status why) noexcept {
    if (why == errc::message_empty) ++empty;
    else if (why == errc::not_active) ++not_active;
    else if (why == errc::unknown_transport_id) ++unknown_local_id;
    else ++queue_full;
  }
};

}  // namespace lockgate::inline v0

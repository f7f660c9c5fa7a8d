// Counters of one instance and of one endpoint, readable at any time.
#pragma once

#include "lockgate/platform/session_state.hpp"  // for drop_cause

#include <array>    // for array
#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t

namespace lockgate::inline v0 {

/// Messages dropped, by cause.
class drop_counters {
 public:
  /// Counts messages that were dropped.
  void add(drop_cause cause, std::uint64_t count = 1) noexcept {
    counts_[static_cast<std::size_t>(cause)] += count;
  }
  [[nodiscard]] std::uint64_t operator[](drop_cause cause) const noexcept {
    return counts_[static_cast<std::size_t>(cause)];
  }
  [[nodiscard]] std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts_) sum += count;
    return sum;
  }

 private:
  std::array<std::uint64_t, drop_cause_count> counts_{};
};

/// What an instance has carried. Cost: plain additions on the path.
struct instance_statistics {
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t send_rows = 0;  ///< calls of send_buffers; messages_sent / send_rows is the batch
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t pended_calls = 0;
  std::uint64_t late_rows = 0;  ///< rows that went on after their grace time
  drop_counters drops;
};

/// What an endpoint has received and holds.
struct endpoint_statistics {
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t compacted = 0;  ///< messages copied out of large slabs, to free them
  std::size_t queued_messages = 0;
  std::size_t queued_pinned = 0;  ///< bytes that the queue keeps occupied
  std::size_t paths = 0;
  drop_counters drops;
};

}  // namespace lockgate::inline v0

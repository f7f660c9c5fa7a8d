// How a provider hands received messages up, and what is counted of them.
#pragma once

#include "lockgate/base/status.hpp"        // for status
#include "lockgate/buffer/train.hpp"       // for train_length
#include "lockgate/provider/instance.hpp"  // for instance
#include "lockgate/provider/message.hpp"   // for incoming

#include <cstdint>  // for uint64_t
#include <span>     // for span

namespace lockgate::inline v0 {

/// What the platform has done with the messages of a provider. Cost: plain integers, read at any
/// time.
struct hand_up_counters {
  std::uint64_t received = 0;          ///< datagrams that the platform took
  std::uint64_t empty = 0;             ///< refused by the platform: not one byte
  std::uint64_t not_active = 0;        ///< refused by the platform: the instance is not active
  std::uint64_t unknown_local_id = 0;  ///< refused by the platform: no endpoint has the id
  std::uint64_t queue_full = 0;        ///< refused by the platform: the endpoint's queue is full

  /// Datagrams that the platform did not take.
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return empty + not_active + unknown_local_id + queue_full;
  }
  /// Counts a datagram that the platform did not take, by its reason.
  void count_refusal(status why) noexcept {
    if (why == errc::message_empty) ++empty;
    else if (why == errc::not_active) ++not_active;
    else if (why == errc::unknown_transport_id) ++unknown_local_id;
    else ++queue_full;
  }
};

/// Hands messages up. One that the platform refuses, or the first datagram of a refused train, is
/// dropped and counted; the next one is offered all the same.
inline void hand_up(instance& self, std::span<incoming> messages,
                    hand_up_counters& counters) noexcept {
  for (const incoming& message : messages)
    counters.received += train_length(message.size(), message.segment_size);
  while (!messages.empty()) {
    const accepted taken = self.indicate(messages);
    messages = messages.subspan(taken.count);
    if (messages.empty()) [[likely]]
      return;
    --counters.received;
    counters.count_refusal(taken.why);
    incoming& refused = messages.front();
    if (refused.is_train()) {
      refused.drop_front(1);
    } else {
      refused.reset();
      messages = messages.subspan(1);
    }
  }
}

}  // namespace lockgate::inline v0

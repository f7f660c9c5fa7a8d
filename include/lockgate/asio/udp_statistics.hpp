// What a UDP socket has done: counters and switches that every backend shares.
#pragma once

#include "lockgate/base/clock.hpp"  // for duration

#include <array>    // for array
#include <bit>      // for bit_cast
#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t

namespace lockgate::inline v0 {

/// A UDP socket's counters. Cost: plain integers, read at any time on the socket's thread.
struct udp_statistics {
  std::uint64_t receive_calls = 0;  ///< system calls that asked for datagrams
  std::uint64_t send_calls = 0;     ///< system calls that sent
  std::uint64_t waits = 0;          ///< times the io_context was asked for readiness
  std::uint64_t pauses = 0;         ///< times datagrams were left to gather (`moderation`)
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagrams_sent = 0;
  std::uint64_t trains_received = 0;    ///< coalesced by the kernel (UDP_GRO)
  std::uint64_t segments_received = 0;  ///< datagrams that came in trains
  std::uint64_t trains_sent = 0;        ///< cut by the kernel or the device (UDP_SEGMENT)
  std::uint64_t segments_sent = 0;      ///< datagrams that left in trains
  std::uint64_t copies = 0;             ///< datagrams of which some bytes were copied
  std::uint64_t adaptations = 0;        ///< changes of the way memory is laid out for receiving
  std::uint64_t offload_fallbacks = 0;  ///< trains that failed and were sent one by one
  std::uint64_t would_block = 0;        ///< sends refused because the socket's buffer was full
  std::uint64_t no_buffer_space = 0;    ///< sends refused by a device queue (ENOBUFS)
  std::uint64_t reported_errors = 0;    ///< ICMP errors met and passed over
  std::uint64_t truncated = 0;          ///< datagrams that did not fit, marked as such
  std::uint64_t dropped_no_buffer = 0;  ///< dropped because the slab pool was exhausted
  std::uint64_t dropped_refused = 0;    ///< taken over, then refused by the system
  std::uint64_t dropped_closed = 0;     ///< taken over or received, and unread at close
};

/// Adds what another socket has done.
inline udp_statistics& operator+=(udp_statistics& sum, const udp_statistics& more) noexcept {
  using counters = std::array<std::uint64_t, sizeof(udp_statistics) / sizeof(std::uint64_t)>;
  auto all = std::bit_cast<counters>(sum);
  const auto added = std::bit_cast<counters>(more);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] += added[i];
  return sum = std::bit_cast<udp_statistics>(all);
}

/// How a UDP socket behaves.
///
/// Moderation, on Linux: once datagrams come one by one, closer together than `moderation` and
/// without being answered, each that wakes the thread is followed by a pause of that length, and
/// what has gathered meanwhile is taken together, as with the interrupts of a network card. Zero
/// turns it off; so does `busy_poll`.
struct udp_options {
  std::size_t receive_buffer = 4 << 20;  ///< SO_RCVBUF, bytes: the usual 208 KiB hold 92 datagrams
  std::size_t send_buffer = 4 << 20;     ///< SO_SNDBUF, bytes
  std::size_t batches_per_turn = 16;     ///< batches received before others get their turn
  bool offload = true;                   ///< use UDP_GRO and UDP_SEGMENT where there are
  bool share_port = false;               ///< SO_REUSEPORT: several sockets on one port
  bool ancillary = false;                ///< fill in all of `arrived` of what is received
  duration moderation =
      std::chrono::microseconds(100);  ///< how long datagrams that come one by one gather
  duration busy_poll{};                ///< poll this long before waiting; burns processor time
  duration no_buffer_backoff = std::chrono::milliseconds(1);  ///< wait after ENOBUFS
};

}  // namespace lockgate::inline v0

// What a simulated link does to packets.
#pragma once

#include "lockgate/base/clock.hpp"  // for duration

#include <chrono>   // for milliseconds
#include <cstddef>  // for size_t
#include <cstdint>  // for uint32_t

namespace lockgate::inline v0::testing {

/// The way between a host, or a NAT box, and what is outside of it; the same in both directions.
/// Probabilities are in parts per million of packets.
struct link_quality {
  duration delay = std::chrono::milliseconds(10);
  duration jitter{};              ///< at most this much is added
  std::uint32_t loss = 0;         ///< never arrives
  std::uint32_t duplication = 0;  ///< arrives twice
  std::uint32_t reordering = 0;   ///< arrives `reordering_delay` late
  std::uint32_t corruption = 0;   ///< arrives with one byte changed, past UDP's checksum
  duration reordering_delay = std::chrono::milliseconds(50);
  std::size_t largest_payload = 1472;  ///< bytes of UDP payload; IPv4 on Ethernet. More is refused
  bool up = true;                      ///< false: nothing passes (a pulled cable, a partition)
};

/// What has become of the packets of a network.
struct network_statistics {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;      ///< by a link, or a link that is down
  std::uint64_t filtered = 0;  ///< by a NAT box
  std::uint64_t no_route = 0;  ///< nobody has the address, or no socket the port
  std::uint64_t duplicated = 0;
  std::uint64_t corrupted = 0;
  std::uint64_t overflowed = 0;  ///< a socket's queue or a host's buffers were full
};

}  // namespace lockgate::inline v0::testing

// What is known of how a datagram came in.
#pragma once

#include "lockgate/base/address.hpp"  // for socket_address
#include "lockgate/base/clock.hpp"    // for time_point

#include <cstdint>  // for uint8_t

namespace lockgate::inline v0 {

/// How a datagram came in, from the socket that received it to the application that reads it.
struct arrival {
  time_point time;               ///< when the network had it; the epoch where unknown
  socket_address local_address;  ///< where it was sent to; the socket's own where unknown
  std::uint8_t ecn = 0;          ///< RFC 3168 codepoint, 0 where unknown
  bool truncated = false;        ///< longer than the memory: bytes are missing at its end
};

}  // namespace lockgate::inline v0

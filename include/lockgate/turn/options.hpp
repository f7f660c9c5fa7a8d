// What can be set about a `turn` provider, and what it counts.
#pragma once

#include "lockgate/base/clock.hpp"             // for duration
#include "lockgate/provider/hand_up.hpp"       // for hand_up_counters
#include "lockgate/turn/rest_credentials.hpp"  // for turn_credentials
#include "lockgate/turn/types.hpp"             // for turn_families

#include <chrono>      // for seconds, milliseconds
#include <cstdint>     // for uint16_t, uint64_t
#include <functional>  // for function
#include <string>      // for string
#include <utility>     // for move
#include <vector>      // for vector

namespace lockgate::inline v0 {

/// A TURN server, and how it may be used.
struct turn_server {
  turn_server() = default;
  turn_server(std::string host_name, stun::turn_credentials with)
      : host(std::move(host_name)), credentials([kept = std::move(with)] { return kept; }) {}

  std::string host;  ///< a name or an address
  /// Asked before each connection, so that ephemeral credentials are fresh ones.
  std::function<stun::turn_credentials()> credentials;
  std::string certificate_name;   ///< whom TLS must prove it to be; empty: `host`
  std::uint16_t port = 3478;      ///< UDP and TCP; RFC 8656 section 3.1
  std::uint16_t tls_port = 5349;  ///< RFC 8656 section 3.1
  bool udp = true;                ///< the fastest, where it is not blocked
  bool tcp = true;                ///< where UDP is blocked
  bool tls = true;                ///< where only what looks like the web passes
};

/// How a `turn` provider behaves.
struct turn_options {
  turn_options() = default;
  std::vector<turn_server> servers;  ///< all are tried at once; the first serves, UDP before TCP
  bool always_on = false;  ///< open the control channel in establish, keep it through dormancy
  stun::turn_families families = stun::turn_families::v4;  ///< of the relayed addresses
  bool allow_private_peers = false;  ///< relay to private, link-local and loopback addresses
  duration keep_alive = std::chrono::seconds(15);          ///< RFC 8445 section 11
  duration open_timeout = std::chrono::seconds(15);        ///< for the control channel
  duration reach_timeout = std::chrono::seconds(10);       ///< for a peer's answer to signals
  duration first_repeat = std::chrono::milliseconds(250);  ///< of a signal; doubles each time
  duration reach_freshness = std::chrono::seconds(30);     ///< how long a peer's answer is believed
  duration release_timeout = std::chrono::seconds(2);      ///< for the server to delete allocations
};

/// What a `turn` provider has carried, and dropped. Cost: plain integers, read at any time.
struct turn_counters : hand_up_counters {
  std::uint64_t sent = 0;               ///< messages handed to the network
  std::uint64_t waits = 0;              ///< times a send had to wait for the network
  std::uint64_t allocations = 0;        ///< control channels that were opened
  std::uint64_t unknown_peer = 0;       ///< dropped: no peer has this address
  std::uint64_t truncated = 0;          ///< dropped: longer than the memory to receive into
  std::uint64_t icmp = 0;               ///< reports from the relay about a peer's address
  std::uint64_t signals_sent = 0;       ///< announcements to peers
  std::uint64_t malformed_signals = 0;  ///< dropped: not an announcement of a known version
  std::uint64_t stale_signals = 0;      ///< dropped: overtaken by a later one
};

}  // namespace lockgate::inline v0

// How a simulated NAT behaves, in the words of RFC 4787, and the nine kinds that tests need.
#pragma once

#include "lockgate/base/clock.hpp"  // for duration

#include <array>        // for array
#include <chrono>       // for minutes
#include <cstdint>      // for uint8_t
#include <string_view>  // for string_view
#include <utility>      // for pair

namespace lockgate::inline v0::testing {

/// What of the far end a rule looks at (RFC 4787 4.1 and 5).
enum class nat_scope : std::uint8_t { endpoint_independent, address, address_and_port };

/// Which external port a new mapping gets (RFC 4787 4.2).
enum class port_allocation : std::uint8_t { preserving, sequential, random };

/// What a NAT box does, in the words of RFC 4787.
struct nat_behaviour {
  bool translates = true;   ///< false: a plain router, and maybe a filter
  bool blocks_udp = false;  ///< nothing passes in either direction
  nat_scope mapping = nat_scope::endpoint_independent;
  nat_scope filtering = nat_scope::address_and_port;
  port_allocation ports = port_allocation::preserving;
  duration lifetime = std::chrono::minutes(2);  ///< of an unused mapping; the least of REQ-5
  bool inbound_refreshes = false;               ///< REQ-6: inbound packets may refresh
  bool hairpin = false;                         ///< REQ-9: with the external source address
  /// A packet from outside that comes before the first one out moves the mapping to another port,
  /// as Linux does that masquerades without dropping what nobody asked for.
  bool moved_by_early_packet = false;
};

namespace nat {

inline constexpr nat_behaviour none = [] {
  nat_behaviour b;
  b.translates = false;
  b.filtering = nat_scope::endpoint_independent;
  return b;
}();
inline constexpr nat_behaviour full_cone = [] {
  nat_behaviour b;
  b.filtering = nat_scope::endpoint_independent;
  return b;
}();
inline constexpr nat_behaviour address_restricted = [] {
  nat_behaviour b;
  b.filtering = nat_scope::address;
  return b;
}();
inline constexpr nat_behaviour port_restricted = nat_behaviour();
inline constexpr nat_behaviour leaky = [] {
  nat_behaviour b;
  b.moved_by_early_packet = true;
  return b;
}();
inline constexpr nat_behaviour port_changing = [] {
  nat_behaviour b;
  b.ports = port_allocation::sequential;
  return b;
}();
inline constexpr nat_behaviour address_dependent = [] {
  nat_behaviour b;
  b.mapping = nat_scope::address;
  b.ports = port_allocation::random;
  return b;
}();
inline constexpr nat_behaviour symmetric = [] {
  nat_behaviour b;
  b.mapping = nat_scope::address_and_port;
  b.ports = port_allocation::random;
  return b;
}();
inline constexpr nat_behaviour udp_blocked = [] {
  nat_behaviour b;
  b.blocks_udp = true;
  return b;
}();

/// All nine, by name.
inline constexpr std::array<std::pair<std::string_view, nat_behaviour>, 9> kinds{{
    {"none", none},
    {"full-cone", full_cone},
    {"address-restricted", address_restricted},
    {"port-restricted", port_restricted},
    {"leaky", leaky},
    {"port-changing", port_changing},
    {"address-dependent", address_dependent},
    {"symmetric", symmetric},
    {"udp-blocked", udp_blocked},
}};

}  // namespace nat

}  // namespace lockgate::inline v0::testing

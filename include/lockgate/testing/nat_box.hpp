// A NAT box in the simulated network, and the addresses on both sides of it.
#pragma once

#include "lockgate/base/address.hpp"           // for ip_address
#include "lockgate/testing/link_quality.hpp"   // for link_quality
#include "lockgate/testing/nat_behaviour.hpp"  // for nat_behaviour
#include "lockgate/testing/virtual_nat.hpp"    // for virtual_nat

#include <chrono>   // for minutes
#include <cstdint>  // for uint64_t
#include <vector>   // for vector

namespace lockgate::inline v0::testing {

class virtual_host;
class nat_box;

/// Addresses that can talk to each other directly: the internet, or what is behind a NAT box.
struct address_realm {
  nat_box* gateway = nullptr;  ///< the way out; null: this is the internet
  std::vector<virtual_host*> hosts;
  std::vector<nat_box*> boxes;
};

/// A NAT box in the network: its tables, its link to the outside, and the realm behind it.
class nat_box {
 public:
  nat_box(address_realm& outside, const ip_address& external, const nat_behaviour& behaviour,
          std::uint64_t seed)
      : table(external, behaviour, seed), streams(external, for_streams(behaviour), ~seed),
        outside_(outside) {
    inside.gateway = this;
  }
  virtual_nat table;    ///< for UDP
  virtual_nat streams;  ///< for TCP: the same rules, but never blocked, and remembered for longer
  link_quality link{};
  address_realm inside;
  [[nodiscard]] address_realm& outside() const noexcept { return outside_; }

  // What happens to both tables.
  /// Forgets every mapping, as when the power fails.
  void reboot() noexcept {
    table.reboot();
    streams.reboot();
  }
  /// Gives every mapping another external port.
  void rebind() {
    table.rebind();
    streams.rebind();
  }
  /// Has another external address from now on.
  void change_external(const ip_address& to) noexcept {
    table.change_external(to);
    streams.change_external(to);
  }

 private:
  static nat_behaviour for_streams(nat_behaviour b) noexcept {
    b.blocks_udp = false;
    b.lifetime = std::chrono::minutes(124);  // RFC 5382 REQ-5
    return b;
  }
  address_realm& outside_;
};

}  // namespace lockgate::inline v0::testing

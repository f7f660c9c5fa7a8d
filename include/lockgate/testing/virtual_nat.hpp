// A simulated NAT box: two address realms, a table of mappings, and the rules between them.
#pragma once

#include "lockgate/base/address.hpp"           // for socket_address, ip_address
#include "lockgate/base/clock.hpp"             // for time_point
#include "lockgate/testing/nat_behaviour.hpp"  // for nat_behaviour, nat_scope
#include "lockgate/testing/split_mix.hpp"      // for split_mix

#include <algorithm>  // for find_if, erase_if
#include <cstddef>    // for size_t
#include <cstdint>    // for uint16_t, uint64_t
#include <optional>   // for optional
#include <vector>     // for vector

namespace lockgate::inline v0::testing {

/// A NAT box. Its own addresses in both realms are given to it; the network moves the packets.
class virtual_nat {
 public:
  virtual_nat(const ip_address& external, const nat_behaviour& behaviour, std::uint64_t seed)
      : external_(external), behaviour_(behaviour), random_(seed) {}

  [[nodiscard]] const ip_address& external() const noexcept { return external_; }
  [[nodiscard]] const nat_behaviour& behaviour() const noexcept { return behaviour_; }
  /// Behaves otherwise from now on; mappings stay.
  void change_behaviour(const nat_behaviour& b) noexcept { behaviour_ = b; }
  /// The table is lost; forwarded ports, which are configuration, stay.
  void reboot() noexcept {
    mappings_.clear();
    early_.clear();
  }
  /// Every mapping moves to another external port, as when the pool is shuffled.
  void rebind() {
    for (mapping& m : mappings_) m.external_port = free_port(m.inside.port, true);
  }
  /// The outside changes: mappings are lost with the old address.
  void change_external(const ip_address& to) noexcept {
    external_ = to;
    reboot();
  }
  /// What arrives at `external_port` goes to `inside`, whoever sent it (DNAT).
  void forward(std::uint16_t external_port, const socket_address& inside) {
    forwards_.push_back({external_port, inside});
  }

  /// The source address under which a packet from inside leaves; nothing if it does not.
  [[nodiscard]] std::optional<socket_address> outbound(const socket_address& from,
                                                       const socket_address& to, time_point now) {
    if (behaviour_.blocks_udp) return std::nullopt;
    if (!behaviour_.translates) return from;
    for (const forwarding& f : forwards_)
      if (f.inside == from) return address_of(f.external_port);
    expire(now);
    const bool early = came_early(from.port, to);
    mapping* m = find(from, to, early);
    if (!m) {
      mappings_.push_back({from, to, early, free_port(from.port, early), now, {}});
      m = &mappings_.back();
    }
    m->used = now;
    if (std::find(m->contacted.begin(), m->contacted.end(), to) == m->contacted.end())
      m->contacted.push_back(to);
    return address_of(m->external_port);
  }
  /// Where a packet from outside goes; nothing if it is filtered.
  [[nodiscard]] std::optional<socket_address> inbound(const socket_address& from,
                                                      const socket_address& to, time_point now) {
    if (behaviour_.blocks_udp) return std::nullopt;
    if (!behaviour_.translates) return to;
    for (const forwarding& f : forwards_)
      if (f.external_port == to.port) return f.inside;
    expire(now);
    for (mapping& m : mappings_) {
      if (m.external_port != to.port || !admits(m, from)) continue;
      if (behaviour_.inbound_refreshes) m.used = now;
      return m.inside;
    }
    if (behaviour_.moved_by_early_packet) early_.push_back({to.port, from, now});
    return std::nullopt;
  }
  [[nodiscard]] std::size_t mapping_count() const noexcept { return mappings_.size(); }

 private:
  struct mapping {
    socket_address inside;
    socket_address first_remote;
    bool moved;  // out of the way of an early packet: for this remote only
    std::uint16_t external_port;
    time_point used;
    std::vector<socket_address> contacted;
  };
  struct forwarding {
    std::uint16_t external_port;
    socket_address inside;
  };
  struct early_packet {
    std::uint16_t port;
    socket_address from;
    time_point at;
  };

  [[nodiscard]] socket_address address_of(std::uint16_t port) const noexcept {
    return {external_, port, 0};
  }
  static bool same(nat_scope scope, const socket_address& a, const socket_address& b) noexcept {
    if (scope == nat_scope::endpoint_independent) return true;
    return a.ip == b.ip && (scope == nat_scope::address || a.port == b.port);
  }
  [[nodiscard]] mapping* find(const socket_address& from, const socket_address& to, bool early) {
    const nat_scope scope = early ? nat_scope::address_and_port : behaviour_.mapping;
    for (mapping& m : mappings_)
      if (m.inside == from && m.moved == early && same(scope, m.first_remote, to)) return &m;
    return nullptr;
  }
  [[nodiscard]] bool admits(const mapping& m, const socket_address& from) const noexcept {
    for (const socket_address& c : m.contacted)
      if (same(behaviour_.filtering, c, from)) return true;
    return false;
  }
  [[nodiscard]] bool came_early(std::uint16_t port, const socket_address& from) const noexcept {
    for (const early_packet& e : early_)
      if (e.port == port && e.from == from) return true;
    return false;
  }
  void expire(time_point now) {
    std::erase_if(mappings_, [&](const mapping& m) { return now - m.used > behaviour_.lifetime; });
    std::erase_if(early_, [&](const early_packet& e) { return now - e.at > behaviour_.lifetime; });
  }
  [[nodiscard]] bool is_taken(std::uint16_t port) const noexcept {
    for (const mapping& m : mappings_)
      if (m.external_port == port) return true;
    for (const forwarding& f : forwards_)
      if (f.external_port == port) return true;
    return false;
  }
  [[nodiscard]] std::uint16_t free_port(std::uint16_t wanted, bool another) {
    if (behaviour_.ports == port_allocation::preserving && !another && !is_taken(wanted))
      return wanted;
    for (;;) {
      if (behaviour_.ports == port_allocation::random)
        next_port_ = static_cast<std::uint16_t>(1024 + random_.below(64512));
      else next_port_ = static_cast<std::uint16_t>(next_port_ == 65535 ? 1024 : next_port_ + 1);
      if (next_port_ != wanted && !is_taken(next_port_)) return next_port_;
    }
  }

  ip_address external_;
  nat_behaviour behaviour_;
  split_mix random_;
  std::uint16_t next_port_ = 40000;
  std::vector<mapping> mappings_;
  std::vector<forwarding> forwards_;
  std::vector<early_packet> early_;
};

}  // namespace lockgate::inline v0::testing

// A whole network in one process and one thread: hosts, NAT boxes, links, and packets under way.
#pragma once

#include "lockgate/base/address.hpp"          // for ip_address, socket_address
#include "lockgate/coro/scheduler.hpp"        // for scheduler
#include "lockgate/coro/timer.hpp"            // for timer
#include "lockgate/net/resolver.hpp"          // for resolving_network
#include "lockgate/net/stream.hpp"            // for stream_network
#include "lockgate/testing/allocations.hpp"   // for allocations_pause
#include "lockgate/testing/link_quality.hpp"  // for link_quality, network_statistics
#include "lockgate/testing/nat_box.hpp"       // for nat_box, address_realm
#include "lockgate/testing/split_mix.hpp"     // for split_mix
#include "lockgate/testing/virtual_host.hpp"  // for virtual_host

#include <algorithm>  // for push_heap, pop_heap
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint64_t
#include <map>        // for map
#include <memory>     // for unique_ptr, shared_ptr
#include <string>     // for string
#include <utility>    // for move
#include <vector>     // for vector

namespace lockgate::inline v0::testing {

/// The network. Packets move hop by hop, on the scheduler's time; the same seed makes the same run.
///
/// Lifetime: outlives what runs on its hosts; the scheduler outlives it.
class virtual_network {
 public:
  virtual_network(scheduler& home, std::uint64_t seed)
      : home_(home), random_(seed), seed_(seed), arrival_(*this) {}
  virtual_network(const virtual_network&) = delete;

  [[nodiscard]] scheduler& home() noexcept { return home_; }
  [[nodiscard]] address_realm& internet() noexcept { return internet_; }
  [[nodiscard]] const network_statistics& statistics() const noexcept { return statistics_; }

  /// A NAT box with this address in `outside`; what is behind it is its `inside`.
  nat_box& add_nat(address_realm& outside, const ip_address& external,
                   const nat_behaviour& behaviour) {
    boxes_.push_back(std::make_unique<nat_box>(outside, external, behaviour, ++seed_));
    outside.boxes.push_back(boxes_.back().get());
    return *boxes_.back();
  }
  /// A host with this address in `where`. Lifetime: belongs to the network.
  virtual_host& add_host(address_realm& where, const ip_address& address) {
    hosts_.push_back(std::make_unique<virtual_host>(*this, where, address));
    where.hosts.push_back(hosts_.back().get());
    return *hosts_.back();
  }
  /// What look-ups of a name give from now on; one that was never set is unknown.
  void set_name(const std::string& name, virtual_name what) { names_[name] = std::move(what); }

 private:
  friend class virtual_socket;
  friend class virtual_host;

  struct packet {
    time_point at;
    std::uint64_t sequence = 0;
    socket_address from;
    socket_address to;
    address_realm* realm = nullptr;  // where it arrives, or
    virtual_host* host = nullptr;    // whom it reaches
    std::vector<std::byte> payload;
    std::shared_ptr<const detail::stream_segment> segment;  // null: a datagram
    /// A heap gives the greatest: the one due first.
    friend bool operator<(const packet& a, const packet& b) noexcept {
      return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }
  };
  class arrival_timer : public timer {
   public:
    explicit arrival_timer(virtual_network& net)
        : timer([](ready_item& self) noexcept { static_cast<arrival_timer&>(self).net_.arrive(); }),
          net_(net) {}

   private:
    virtual_network& net_;
  };

  void send(virtual_host& by, const socket_address& from, const socket_address& to,
            const chain& payload) {
    const allocations_pause pause;  // the network's memory is not what a test makes fail
    packet p;
    p.payload = take_buffer(payload.size());
    payload.copy_to(p.payload.data());
    leave(by, from, to, std::move(p));
  }
  void send(virtual_host& by, const socket_address& from, const socket_address& to,
            detail::stream_segment segment, std::vector<std::byte> payload) {
    const allocations_pause pause;
    packet p;
    p.payload = std::move(payload);
    p.segment = std::make_shared<const detail::stream_segment>(std::move(segment));
    leave(by, from, to, std::move(p));
  }
  void leave(virtual_host& by, const socket_address& from, const socket_address& to, packet&& p) {
    ++statistics_.sent;
    p.from = from;
    p.to = to;
    p.realm = &by.realm_;
    travel(std::move(p), by.link);
  }

  /// Puts a packet on a link, with what the link does to it.
  void travel(packet&& p, const link_quality& link) {
    if (!link.up || random_.chance(link.loss)) {
      ++statistics_.lost;
      return keep_buffer(std::move(p.payload));
    }
    if (random_.chance(link.duplication)) {
      ++statistics_.duplicated;
      packet twin = p;
      twin.at = home_.now() + travel_time(link);
      enqueue(std::move(twin));
    }
    if (!p.payload.empty() && random_.chance(link.corruption)) {
      ++statistics_.corrupted;
      if (p.segment) return keep_buffer(std::move(p.payload));  // TCP's checksum sees it
      p.payload[random_.below(p.payload.size())] ^= static_cast<std::byte>(1 + random_.below(255));
    }
    p.at = home_.now() + travel_time(link);
    enqueue(std::move(p));
  }
  [[nodiscard]] duration travel_time(const link_quality& link) {
    duration time = link.delay;
    if (link.jitter > duration::zero())
      time += duration(static_cast<duration::rep>(
          random_.next() % static_cast<std::uint64_t>(link.jitter.count() + 1)));
    if (random_.chance(link.reordering)) time += link.reordering_delay;
    return time;
  }
  void enqueue(packet&& p) {
    p.sequence = next_sequence_++;
    under_way_.push_back(std::move(p));
    std::push_heap(under_way_.begin(), under_way_.end());
    home_.arm(arrival_, under_way_.front().at);
  }
  /// The packets that are due take their next hop.
  void arrive() noexcept {
    const allocations_pause pause;
    const time_point now = home_.now();
    while (!under_way_.empty() && under_way_.front().at <= now) {
      std::pop_heap(under_way_.begin(), under_way_.end());
      packet p = std::move(under_way_.back());
      under_way_.pop_back();
      if (p.host) reach_host(std::move(p));
      else route(std::move(p));
    }
    if (!under_way_.empty()) home_.arm(arrival_, under_way_.front().at);
  }
  void reach_host(packet&& p) {
    if (!p.host->has(p.to.ip)) ++statistics_.no_route;
    else if (p.segment) take_segment(p);
    else if (!p.host->take_in(p.from, p.to, p.payload, home_.now())) ++statistics_.overflowed;
    else ++statistics_.delivered;
    keep_buffer(std::move(p.payload));
  }
  void take_segment(const packet& p) {
    ++statistics_.delivered;
    p.host->take_in(p.from, p.to, *p.segment, p.payload);
  }
  void drop(packet&& p, std::uint64_t& counter) {
    ++counter;
    keep_buffer(std::move(p.payload));
  }
  void route(packet&& p);
  void enter(nat_box& box, packet&& p);
  /// The table of a box that a packet is subject to.
  [[nodiscard]] static virtual_nat& table_for(nat_box& box, const packet& p) noexcept {
    return p.segment ? box.streams : box.table;
  }
  [[nodiscard]] static virtual_host* host_in(address_realm& realm, const ip_address& address) {
    for (virtual_host* h : realm.hosts)
      if (h->has(address)) return h;
    return nullptr;
  }

  [[nodiscard]] std::vector<std::byte> take_buffer(std::size_t size) {
    std::vector<std::byte> out;
    if (!spare_.empty()) {
      out = std::move(spare_.back());
      spare_.pop_back();
    }
    out.resize(size);
    return out;
  }
  void keep_buffer(std::vector<std::byte>&& buffer) { spare_.push_back(std::move(buffer)); }

  scheduler& home_;
  split_mix random_;
  std::uint64_t seed_;
  network_statistics statistics_;
  address_realm internet_;
  std::vector<std::unique_ptr<nat_box>> boxes_;
  std::vector<std::unique_ptr<virtual_host>> hosts_;
  std::map<std::string, virtual_name> names_;
  std::vector<packet> under_way_;
  std::vector<std::vector<std::byte>> spare_;
  std::uint64_t next_sequence_ = 0;
  arrival_timer arrival_;
};

/// A packet has arrived in a realm: to a host there, through a box to the inside, or outwards.
inline void virtual_network::route(packet&& p) {
  if (virtual_host* const host = host_in(*p.realm, p.to.ip)) {
    p.host = host;
    const link_quality& link = host->link;
    return travel(std::move(p), link);
  }
  for (nat_box* const box : p.realm->boxes)
    if (box->table.behaviour().translates ? box->table.external() == p.to.ip
                                          : host_in(box->inside, p.to.ip) != nullptr)
      return enter(*box, std::move(p));

  nat_box* const gateway = p.realm->gateway;
  if (!gateway) return drop(std::move(p), statistics_.no_route);
  const auto source = table_for(*gateway, p).outbound(p.from, p.to, home_.now());
  if (!source) return drop(std::move(p), statistics_.filtered);
  p.from = *source;
  if (gateway->table.behaviour().translates && p.to.ip == gateway->table.external()) {
    if (!gateway->table.behaviour().hairpin) return drop(std::move(p), statistics_.filtered);
    return enter(*gateway, std::move(p));
  }
  p.realm = &gateway->outside();
  travel(std::move(p), gateway->link);
}

/// From outside of a box to its inside, if the box lets it.
inline void virtual_network::enter(nat_box& box, packet&& p) {
  const auto destination = table_for(box, p).inbound(p.from, p.to, home_.now());
  if (!destination) return drop(std::move(p), statistics_.filtered);
  p.to = *destination;
  p.realm = &box.inside;
  travel(std::move(p), box.link);
}

inline scheduler& virtual_host::home() noexcept {
  return net_.home();
}
inline void virtual_host::carry(const socket_address& from, const socket_address& to,
                                detail::stream_segment segment, std::vector<std::byte> payload) {
  if (has(from.ip)) net_.send(*this, from, to, std::move(segment), std::move(payload));
}
inline virtual_name virtual_host::look_up(const std::string& name) const {
  const auto known = net_.names_.find(name);
  return known == net_.names_.end() ? virtual_name() : known->second;
}

inline accepted virtual_socket::try_send(std::span<const outgoing_datagram> batch) {
  if (!state_ || state_->closed || !state_->host) return errc::closed;
  virtual_host& host = *state_->host;
  std::size_t done = 0;
  for (const outgoing_datagram& d : batch) {
    socket_address from = state_->local;
    if (from.ip.is_unspecified()) from.ip = host.source_for(d.to.ip);
    if (!host.has(from.ip)) return {done, errc::unreachable};
    if (d.payload.size() > host.link.largest_payload) return {done, errc::message_too_large};
    host.net_.send(host, from, d.to, d.payload);
    ++done;
  }
  return done;
}

inline void virtual_socket::close() noexcept {
  if (state_ && !state_->closed) state_->close();
}

static_assert(stream_network<virtual_host>);
static_assert(resolving_network<virtual_host>);

}  // namespace lockgate::inline v0::testing

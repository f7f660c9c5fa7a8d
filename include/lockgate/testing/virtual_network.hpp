// A whole network in one process and one thread: hosts, NAT boxes, links, and packets under way.
#pragma once

#include "lockgate/base/address.hpp"            // for ip_address, socket_address
#include "lockgate/buffer/slab_pool.hpp"        // for slab_pool
#include "lockgate/coro/scheduler.hpp"          // for scheduler
#include "lockgate/coro/timer.hpp"              // for timer
#include "lockgate/net/datagram_socket.hpp"     // for datagram_network
#include "lockgate/testing/link_quality.hpp"    // for link_quality, network_statistics
#include "lockgate/testing/split_mix.hpp"       // for split_mix
#include "lockgate/testing/virtual_nat.hpp"     // for virtual_nat
#include "lockgate/testing/virtual_socket.hpp"  // for virtual_socket

#include <algorithm>  // for push_heap, pop_heap, find
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint64_t, uint16_t
#include <cstring>    // for memcpy
#include <memory>     // for unique_ptr, shared_ptr, weak_ptr
#include <span>       // for span
#include <utility>    // for move
#include <vector>     // for vector

namespace lockgate::inline v0::testing {

class virtual_network;
class nat_box;

/// Addresses that can talk to each other directly: the internet, or what is behind a NAT box.
struct address_realm {
  nat_box* gateway = nullptr;  ///< the way out; null: this is the internet
  std::vector<virtual_host*> hosts;
  std::vector<nat_box*> boxes;
};

/// A NAT box in the network: its table, its link to the outside, and the realm behind it.
class nat_box {
 public:
  nat_box(address_realm& outside, const ip_address& external, const nat_behaviour& behaviour,
          std::uint64_t seed)
      : table(external, behaviour, seed), outside_(outside) {
    inside.gateway = this;
  }
  virtual_nat table;
  link_quality link{};
  address_realm inside;
  [[nodiscard]] address_realm& outside() const noexcept { return outside_; }

 private:
  address_realm& outside_;
};

/// One machine: a `datagram_network` for the providers that run on it.
class virtual_host {
 public:
  using datagram_socket_type = virtual_socket;

  virtual_host(virtual_network& net, address_realm& realm, const ip_address& address)
      : net_(net), realm_(realm), addresses_{address} {}
  virtual_host(const virtual_host&) = delete;
  ~virtual_host() {
    for (const auto& weak : sockets_)
      if (const auto s = weak.lock()) {
        s->close();
        s->host = nullptr;
      }
  }

  link_quality link{};

  [[nodiscard]] inline scheduler& home() noexcept;
  [[nodiscard]] slab_pool& buffers() noexcept { return buffers_; }
  /// Errors: unreachable when the host does not have the address, invalid_argument for a port that
  ///         is taken.
  [[nodiscard]] inline result<virtual_socket> open_datagram(const socket_address& local);

  [[nodiscard]] const std::vector<ip_address>& addresses() const noexcept { return addresses_; }
  [[nodiscard]] bool has(const ip_address& address) const noexcept {
    return std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
  }
  void add_address(const ip_address& address) { addresses_.push_back(address); }
  /// Sockets bound to it stay, but neither send nor receive any more.
  void remove_address(const ip_address& address) { std::erase(addresses_, address); }

 private:
  friend class virtual_network;
  friend class virtual_socket;

  [[nodiscard]] std::shared_ptr<detail::socket_state> socket_at(const socket_address& to) {
    std::erase_if(sockets_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : sockets_) {
      auto s = weak.lock();
      if (s && !s->closed && s->local.port == to.port &&
          (s->local.ip.is_unspecified() || s->local.ip == to.ip))
        return s;
    }
    return nullptr;
  }
  /// False when it had to be dropped.
  bool take_in(const socket_address& from, const socket_address& to,
               std::span<const std::byte> payload, time_point now);

  virtual_network& net_;
  address_realm& realm_;
  std::vector<ip_address> addresses_;
  std::vector<std::weak_ptr<detail::socket_state>> sockets_;
  std::uint16_t next_port_ = 49151;
  slab_pool buffers_{2048, 1024};
};

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
  virtual_host& add_host(address_realm& where, const ip_address& address) {
    hosts_.push_back(std::make_unique<virtual_host>(*this, where, address));
    where.hosts.push_back(hosts_.back().get());
    return *hosts_.back();
  }

 private:
  friend class virtual_socket;

  struct packet {
    time_point at;
    std::uint64_t sequence = 0;
    socket_address from;
    socket_address to;
    address_realm* realm = nullptr;  // where it arrives, or
    virtual_host* host = nullptr;    // whom it reaches
    std::vector<std::byte> payload;
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
    ++statistics_.sent;
    packet p;
    p.from = from;
    p.to = to;
    p.realm = &by.realm_;
    p.payload = take_buffer(payload.size());
    payload.copy_to(p.payload.data());
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
    else if (!p.host->take_in(p.from, p.to, p.payload, home_.now())) ++statistics_.overflowed;
    else ++statistics_.delivered;
    keep_buffer(std::move(p.payload));
  }
  void drop(packet&& p, std::uint64_t& counter) {
    ++counter;
    keep_buffer(std::move(p.payload));
  }
  void route(packet&& p);
  void enter(nat_box& box, packet&& p);
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
  const auto source = gateway->table.outbound(p.from, p.to, home_.now());
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
  const auto destination = box.table.inbound(p.from, p.to, home_.now());
  if (!destination) return drop(std::move(p), statistics_.filtered);
  p.to = *destination;
  p.realm = &box.inside;
  travel(std::move(p), box.link);
}

inline scheduler& virtual_host::home() noexcept {
  return net_.home();
}

inline result<virtual_socket> virtual_host::open_datagram(const socket_address& local) {
  if (!local.ip.is_unspecified() && !has(local.ip)) return errc::unreachable;
  socket_address bound = local;
  if (bound.port == 0) {
    do {
      next_port_ = static_cast<std::uint16_t>(next_port_ == 65535 ? 49152 : next_port_ + 1);
      bound.port = next_port_;
    } while (socket_at(bound));
  } else if (socket_at(bound)) {
    return errc::invalid_argument;
  }
  auto state = std::make_shared<detail::socket_state>();
  state->host = this;
  state->local = bound;
  sockets_.push_back(state);
  return virtual_socket(std::move(state));
}

inline bool virtual_host::take_in(const socket_address& from, const socket_address& to,
                                  std::span<const std::byte> payload, time_point now) {
  const auto socket = socket_at(to);
  if (!socket || socket->queue.size() >= detail::socket_state::queue_limit) return false;
  const slab_pool::filling memory = buffers_.acquire();
  if (!memory.has_memory()) return false;
  const std::size_t size = std::min(payload.size(), memory.memory().size());
  if (size > 0) std::memcpy(memory.memory().data(), payload.data(), size);
  received_datagram got;
  got.payload = memory.cut(0, size);
  got.from = from;
  got.local = to;
  got.arrival = now;
  got.truncated = size < payload.size();
  socket->queue.push_back(std::move(got));
  socket->readers.complete_one();
  return true;
}

inline sent virtual_socket::try_send(std::span<const outgoing_datagram> batch) {
  if (!state_ || state_->closed || !state_->host) return errc::closed;
  virtual_host& host = *state_->host;
  std::size_t done = 0;
  for (const outgoing_datagram& d : batch) {
    socket_address from = state_->local;
    if (from.ip.is_unspecified() && !host.addresses().empty()) from.ip = host.addresses().front();
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

static_assert(datagram_network<virtual_host>);

}  // namespace lockgate::inline v0::testing

// One machine of the simulated network: its addresses, its sockets, its streams, its look-ups.
#pragma once

#include "lockgate/base/address.hpp"               // for ip_address, socket_address
#include "lockgate/base/address_text.hpp"          // for parse_ip_address
#include "lockgate/base/result.hpp"                // for result
#include "lockgate/buffer/slab_pool.hpp"           // for slab_pool
#include "lockgate/coro/sleep.hpp"                 // for sleep_for
#include "lockgate/coro/task.hpp"                  // for task
#include "lockgate/net/stream.hpp"                 // for stream_target
#include "lockgate/testing/link_quality.hpp"       // for link_quality
#include "lockgate/testing/nat_box.hpp"            // for address_realm
#include "lockgate/testing/stream_connection.hpp"  // for stream_connection
#include "lockgate/testing/virtual_socket.hpp"     // for virtual_socket
#include "lockgate/testing/virtual_stream.hpp"     // for virtual_stream, virtual_listener

#include <algorithm>  // for find, any_of, min
#include <chrono>     // for milliseconds
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint16_t
#include <cstring>    // for memcpy
#include <memory>     // for shared_ptr, weak_ptr
#include <span>       // for span
#include <string>     // for string
#include <utility>    // for move
#include <vector>     // for vector

namespace lockgate::inline v0::testing {

class virtual_network;

/// What looking a name up gives, and after how long. `never` is a server that does not answer.
struct virtual_name {
  virtual_name() = default;
  std::vector<ip_address> addresses;  ///< none: `errc::unreachable`
  status failure;                     ///< given instead of the addresses
  duration delay = std::chrono::milliseconds(20);
};

/// One machine: what providers that run on it take for their network.
class virtual_host final : private detail::segment_carrier {
 public:
  using datagram_socket_type = virtual_socket;
  using stream_type = virtual_stream;

  virtual_host(virtual_network& net, address_realm& realm, const ip_address& address)
      : net_(net), realm_(realm), addresses_{address} {}
  virtual_host(const virtual_host&) = delete;
  ~virtual_host() {
    for (const auto& weak : sockets_)
      if (const auto s = weak.lock()) {
        s->close();
        s->host = nullptr;
      }
    for (const auto& connection : connections_) connection->lose_carrier();
  }

  link_quality link{};

  [[nodiscard]] scheduler& home() noexcept;
  [[nodiscard]] slab_pool& buffers() noexcept { return buffers_; }
  /// Errors: unreachable when the host does not have the address, invalid_argument for a port that
  ///         is taken.
  [[nodiscard]] result<virtual_socket> open_datagram(const socket_address& local) {
    const auto bound = bind(local, [this](const auto& at) { return socket_at(at) != nullptr; });
    if (!bound) return bound.error();
    auto state = std::make_shared<detail::socket_state>();
    state->host = this;
    state->local = *bound;
    sockets_.push_back(state);
    return virtual_socket(std::move(state));
  }
  /// Accepts streams; with a name it is TLS that is spoken, and the server that has this name.
  /// Errors: as `open_datagram`.
  [[nodiscard]] result<virtual_listener> listen(const socket_address& local,
                                                std::string certificate_name = {}) {
    const auto bound = bind(local, [this](const auto& at) { return is_stream_port_taken(at); });
    if (!bound) return bound.error();
    auto state = std::make_shared<detail::listener_state>();
    state->local = *bound;
    state->certificate_name = std::move(certificate_name);
    listeners_.push_back(state);
    return virtual_listener(std::move(state));
  }
  /// Errors: as `virtual_stream`; `std::errc::permission_denied` for a wrong name,
  ///         `errc::malformed` for a server that does not speak TLS, `errc::unreachable` for a host
  ///         without an address.
  [[nodiscard]] task<result<virtual_stream>> connect(stream_target target) {
    socket_address local;
    local.ip = source_for(target.to.ip);
    const auto bound = bind(local, [this](const auto& at) { return is_stream_port_taken(at); });
    if (local.ip.is_unspecified() || !bound) co_return result<virtual_stream>(errc::unreachable);
    const auto made = add_connection(*bound, target.to);
    co_return co_await virtual_stream::connect(made, &home(), std::move(target));
  }
  [[nodiscard]] task<result<std::vector<ip_address>>> resolve(std::string name) {
    using answer = result<std::vector<ip_address>>;
    if (const auto literal = parse_ip_address(name); literal)
      co_return answer(std::vector<ip_address>(1, *literal));
    virtual_name known = look_up(name);
    const status slept = co_await sleep_for(known.delay);
    if (!slept.ok()) co_return answer(slept);
    if (!known.failure.ok()) co_return answer(known.failure);
    if (known.addresses.empty()) co_return answer(errc::unreachable);
    co_return answer(std::move(known.addresses));
  }

  [[nodiscard]] const std::vector<ip_address>& addresses() const noexcept { return addresses_; }
  /// Whether packets for this address are for this host.
  [[nodiscard]] bool has(const ip_address& address) const noexcept {
    return std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
  }
  /// Gives the host one more address.
  void add_address(const ip_address& address) { addresses_.push_back(address); }
  /// Sockets and streams bound to it stay, but neither send nor receive any more.
  void remove_address(const ip_address& address) { std::erase(addresses_, address); }

 private:
  friend class virtual_network;
  friend class virtual_socket;

  /// The address from which `to` is spoken to; unspecified without one of its family.
  [[nodiscard]] ip_address source_for(const ip_address& to) const noexcept {
    for (const ip_address& own : addresses_)
      if (own.is_v4() == to.is_v4()) return own;
    return {};
  }
  /// `local` with a port, if it can be had.
  template <class IsTaken>
  [[nodiscard]] result<socket_address> bind(socket_address local, IsTaken is_taken) {
    if (!local.ip.is_unspecified() && !has(local.ip)) return errc::unreachable;
    if (local.port != 0) {
      if (is_taken(local)) return errc::invalid_argument;
      return local;
    }
    do {
      next_port_ = static_cast<std::uint16_t>(next_port_ == 65535 ? 49152 : next_port_ + 1);
      local.port = next_port_;
    } while (is_taken(local));
    return local;
  }

  static bool is_at(const socket_address& local, const socket_address& to) noexcept {
    return local.port == to.port && (local.ip.is_unspecified() || local.ip == to.ip);
  }
  [[nodiscard]] std::shared_ptr<detail::socket_state> socket_at(const socket_address& to) {
    std::erase_if(sockets_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : sockets_) {
      auto s = weak.lock();
      if (s && !s->closed && is_at(s->local, to)) return s;
    }
    return nullptr;
  }
  [[nodiscard]] std::shared_ptr<detail::listener_state> listener_at(const socket_address& to) {
    std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : listeners_) {
      auto l = weak.lock();
      if (l && !l->closed && is_at(l->local, to)) return l;
    }
    return nullptr;
  }
  [[nodiscard]] std::shared_ptr<detail::stream_connection> connection_between(
      const socket_address& local, const socket_address& remote) {
    std::erase_if(connections_, [](const auto& c) { return c->is_over(); });
    for (const auto& c : connections_)
      if (c->local() == local && c->remote() == remote) return c;
    return nullptr;
  }
  [[nodiscard]] std::shared_ptr<detail::stream_connection> add_connection(
      const socket_address& local, const socket_address& remote) {
    detail::segment_carrier& self = *this;
    connections_.push_back(
        std::make_shared<detail::stream_connection>(home(), self, local, remote));
    return connections_.back();
  }
  [[nodiscard]] bool is_stream_port_taken(const socket_address& at) {
    return listener_at(at) || std::any_of(connections_.begin(), connections_.end(), [&](auto& c) {
             return !c->is_over() && c->local().port == at.port;
           });
  }

  /// A datagram has arrived. False when it had to be dropped.
  bool take_in(const socket_address& from, const socket_address& to,
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
    got.arrived = {now, to, 0, size < payload.size()};
    socket->queue.push_back(std::move(got));
    socket->readers.complete_one();
    return true;
  }
  /// A segment has arrived: of a stream there is, of one to be, or of none.
  void take_in(const socket_address& from, const socket_address& to,
               const detail::stream_segment& segment, bytes_view payload) {
    if (const auto connection = connection_between(to, from))
      return connection->take(segment, payload);
    if (segment.resets) return;
    const auto listener = listener_at(to);
    const bool is_new = segment.opens && !segment.acknowledges;
    const bool speaks_tls = !segment.name.empty();
    if (is_new && listener && listener->waiting.size() < detail::listener_state::queue_limit &&
        (speaks_tls || listener->certificate_name.empty())) {
      const auto made = add_connection(to, from);
      made->answer(listener->certificate_name);
      listener->waiting.push_back(made);
      return listener->acceptors.complete_all();
    }
    detail::stream_segment reset;
    reset.resets = true;
    carry(to, from, std::move(reset), {});
  }

  void carry(const socket_address& from, const socket_address& to, detail::stream_segment segment,
             std::vector<std::byte> payload) override;
  [[nodiscard]] std::size_t largest_segment() const noexcept override {
    return link.largest_payload - 12;  // a TCP header is that much longer than UDP's
  }
  [[nodiscard]] virtual_name look_up(const std::string& name) const;

  virtual_network& net_;
  address_realm& realm_;
  std::vector<ip_address> addresses_;
  std::vector<std::weak_ptr<detail::socket_state>> sockets_;
  std::vector<std::weak_ptr<detail::listener_state>> listeners_;
  std::vector<std::shared_ptr<detail::stream_connection>> connections_;
  std::uint16_t next_port_ = 49151;
  slab_pool buffers_{2048, 1024};
};

}  // namespace lockgate::inline v0::testing

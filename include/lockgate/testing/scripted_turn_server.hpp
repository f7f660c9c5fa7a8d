// A TURN server for tests, on any datagram network: honest, slow, lying, silent or rebooting.
#pragma once

#include "lockgate/base/clock.hpp"            // for duration
#include "lockgate/coro/sleep.hpp"            // for sleep_for
#include "lockgate/coro/task_group.hpp"       // for task_group
#include "lockgate/net/datagram_socket.hpp"   // for datagram_network
#include "lockgate/stun/channel_data.hpp"     // for parse_channel_data
#include "lockgate/testing/turn_replies.hpp"  // for turn_replies

#include <array>       // for array
#include <cstddef>     // for byte, size_t
#include <cstdint>     // for uint16_t, uint64_t
#include <functional>  // for function
#include <map>         // for map
#include <memory>      // for shared_ptr, make_shared
#include <set>         // for set
#include <span>        // for span
#include <string>      // for string
#include <utility>     // for move
#include <vector>      // for vector

namespace lockgate::inline v0::testing {

/// A TURN server (RFC 8656) over UDP with one user, which does what a test tells it.
///
/// As it is made it is honest: permissions, channels, indications and lifetimes of the allocation
/// are as the RFC says. Its public members change that at any time.
///
/// Lifetime: the network and the tasks outlive it; `close()` ends what it has spawned.
template <datagram_network Network, stun::crypto Crypto>
class scripted_turn_server {
  using socket_type = typename Network::datagram_socket_type;

 public:
  /// What makes the answers.
  using replies = turn_replies<Crypto>;
  /// A message of the protocol.
  using packet = typename replies::packet;
  /// Gives what is said to a request instead of the honest answer, which has taken effect.
  using lie = std::function<packet(replies& says, const packet& request, packet honest)>;

  scripted_turn_server(Network& net, task_group& tasks, const ip_address& ip,
                       std::uint16_t port = 0)
      : net_(net), tasks_(tasks), ip_(ip), socket_(open(port)) {
    static_cast<void>(tasks_.spawn(serve()));
  }
  scripted_turn_server(const scripted_turn_server&) = delete;

  [[nodiscard]] socket_address at() const { return socket_.local_address(); }
  /// Forgets every allocation, as a restart does.
  void reboot() {
    for (auto& [from, c] : clients_)
      if (c->relay) c->relay->close();
    clients_.clear();
  }
  /// Ends: nothing is heard or relayed any more.
  void close() {
    reboot();
    socket_.close();
  }
  [[nodiscard]] std::size_t allocations() const {
    std::size_t count = 0;
    for (const auto& [from, c] : clients_) count += c->relay != nullptr;
    return count;
  }

  bool is_silent = false;  ///< hears everything, says and relays nothing
  duration delay{};        ///< of each answer; data is relayed at once
  lie instead;             ///< empty: honest. An empty packet: no answer
  std::string user = "alice", password = "secret-of-alice";  ///< of clients that come from now on

  bool is_logging = false;  ///< keeps what it receives in `log`
  std::string log;          ///< every byte of every control message
  std::uint64_t requests = 0;
  std::uint64_t relayed = 0;      ///< datagrams to clients
  std::uint64_t forbidden = 0;    ///< dropped: no permission
  std::uint64_t indications = 0;  ///< data that came in Send indications

 private:
  struct client {
    socket_address at;
    replies says;
    std::shared_ptr<socket_type> relay;
    std::set<ip_address> permitted;
    std::map<std::uint16_t, socket_address> peers;
    std::map<socket_address, std::uint16_t> channels;
  };

  [[nodiscard]] socket_type open(std::uint16_t port) {
    socket_address local;
    local.ip = ip_;
    local.port = port;
    return std::move(net_.open_datagram(local).value());
  }
  static void send(socket_type& from, const socket_address& to, const chain& bytes) {
    const outgoing_datagram one{to, bytes};
    static_cast<void>(from.try_send({&one, 1}));  // as good as lost on the way
  }

  task<> serve() {
    std::array<received_datagram, 64> arrived;
    for (;;) {
      const result<std::size_t> count = co_await socket_.receive(arrived);
      if (!count) co_return;
      for (std::size_t i = 0; i < *count; ++i) {
        take(arrived[i].payload.bytes(), arrived[i].from);
        arrived[i].payload.reset();
      }
    }
  }
  void take(bytes_view bytes, const socket_address& from) {
    const auto known = clients_.find(from);
    if (const auto data = stun::parse_channel_data(bytes); data) {
      if (is_silent || known == clients_.end() || !known->second->relay) return;
      const auto peer = known->second->peers.find(data->channel);
      if (peer != known->second->peers.end())
        send(*known->second->relay, peer->second, chain(data->payload));
      return;
    }
    const auto message = stun::message_view::parse(bytes);
    if (!message) return;
    if (is_logging) log.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (is_silent) return;
    if (message->kind() == stun::message_class::indication) {
      if (known != clients_.end()) take_indication(*known->second, *message);
      return;
    }
    if (message->kind() != stun::message_class::request) return;
    ++requests;
    auto& place = clients_[from];
    if (!place) {
      place = std::make_shared<client>();
      place->at = place->says.mapped = from;
      place->says.user = user;
      place->says.password = password;
    }
    answer(place, *message, packet(bytes.begin(), bytes.end()));
  }
  void take_indication(client& c, const stun::message_view& message) {
    const auto to = message.find(stun::attribute_type::xor_peer_address);
    const auto data = message.find(stun::attribute_type::data);
    const auto peer = to ? stun::read_xor_address(*to, message.id()) : std::nullopt;
    if (!peer || !data || !c.relay || !c.permitted.contains(peer->ip)) return;
    ++indications;
    send(*c.relay, *peer, chain(data->value));
  }
  void answer(const std::shared_ptr<client>& c, const stun::message_view& message,
              const packet& request) {
    if (message.method() == stun::method::allocate && !c->relay) {
      // Bound beforehand, since the answer tells its address; it goes again if there is none.
      c->relay = std::make_shared<socket_type>(open(0));
      c->says.relayed = c->relay->local_address();
    }
    const bool had = c->says.has_allocation;
    packet out = c->says.honest(request);
    const auto said = stun::message_view::parse(out).value().kind();
    if (!c->says.has_allocation && c->relay) {
      c->relay->close();
      c->relay = nullptr;
    } else if (!had && c->relay) {
      static_cast<void>(tasks_.spawn(relay(c, c->relay)));
    } else if (said == stun::message_class::success) {
      permit(*c, message);
    }
    if (instead) out = instead(c->says, request, std::move(out));
    if (out.empty()) return;
    if (delay == duration::zero()) return send(socket_, c->at, chain(out));
    static_cast<void>(tasks_.spawn(send_late(c->at, std::move(out), delay)));
  }
  static void permit(client& c, const stun::message_view& message) {
    const auto to = message.find(stun::attribute_type::xor_peer_address);
    const auto peer = to ? stun::read_xor_address(*to, message.id()) : std::nullopt;
    if (!peer) return;
    c.permitted.insert(peer->ip);
    const auto number = message.find(stun::attribute_type::channel_number);
    if (!number) return;
    if (const auto channel = stun::read_channel(*number)) {
      c.peers[*channel] = *peer;
      c.channels[*peer] = *channel;
    }
  }
  task<> send_late(socket_address to, packet out, duration after) {
    const status slept = co_await sleep_for(after);
    if (!slept.ok()) co_return;
    send(socket_, to, chain(out));
  }
  task<> relay(std::shared_ptr<client> c, std::shared_ptr<socket_type> through) {
    std::array<received_datagram, 64> arrived;
    for (;;) {
      const result<std::size_t> count = co_await through->receive(arrived);
      if (!count) co_return;
      for (std::size_t i = 0; i < *count; ++i) {
        pass_on(*c, arrived[i].payload.bytes(), arrived[i].from);
        arrived[i].payload.reset();
      }
    }
  }
  void pass_on(client& c, bytes_view payload, const socket_address& from) {
    if (!c.permitted.contains(from.ip)) return static_cast<void>(++forbidden);
    if (is_silent) return;
    ++relayed;
    const auto channel = c.channels.find(from);
    if (channel == c.channels.end())
      return send(socket_, c.at, chain(replies::data_indication(from, payload)));
    std::array<std::byte, stun::channel_header_size> header{};
    stun::write_channel_header(header, channel->second, static_cast<std::uint16_t>(payload.size()));
    send(socket_, c.at, chain(bytes_view(header), {&payload, 1}));
  }

  Network& net_;
  task_group& tasks_;
  ip_address ip_;
  socket_type socket_;
  std::map<socket_address, std::shared_ptr<client>> clients_;
};

}  // namespace lockgate::inline v0::testing

// An honest TURN server on any datagram network, for tests: one user, UDP, channels and all.
#pragma once

#include "lockgate/coro/task_group.hpp"      // for task_group
#include "lockgate/net/datagram_socket.hpp"  // for datagram_network
#include "lockgate/stun/channel_data.hpp"    // for parse_channel_data
#include "stun/scripted_turn.hpp"            // for scripted_server

#include <array>    // for array
#include <cstddef>  // for byte, size_t
#include <map>      // for map
#include <memory>   // for shared_ptr, make_shared
#include <set>      // for set
#include <span>     // for span
#include <string>   // for string
#include <utility>  // for move

namespace support {

template <lockgate::datagram_network Network>
class turn_server {
  using socket_type = typename Network::datagram_socket_type;
  using address = lockgate::socket_address;
  using method = lockgate::stun::method;
  using packet = lockgate_test::packet;

 public:
  turn_server(Network& net, lockgate::task_group& tasks, const lockgate::ip_address& ip)
      : net_(net), tasks_(tasks), ip_(ip), socket_(open()) {
    static_cast<void>(tasks_.spawn(serve()));
  }
  [[nodiscard]] address at() const { return socket_.local_address(); }
  /// Forgets every allocation, as a restart does.
  void reboot() {
    for (auto& [from, c] : clients_)
      if (c->relay) c->relay->close();
    clients_.clear();
  }
  void close() {
    reboot();
    socket_.close();
  }
  [[nodiscard]] std::size_t allocations() const {
    std::size_t count = 0;
    for (const auto& [from, c] : clients_) count += c->relay != nullptr;
    return count;
  }

  bool is_silent = false;   ///< hears everything, says nothing
  bool is_logging = false;  ///< keeps what it receives in `log`
  std::string log;          ///< every byte of every control message
  std::string password = "secret-of-alice";
  std::uint64_t relayed = 0;      ///< datagrams to clients
  std::uint64_t forbidden = 0;    ///< dropped: no permission
  std::uint64_t indications = 0;  ///< data that came in Send indications

 private:
  struct client {
    address at;
    lockgate_test::scripted_server says;
    std::shared_ptr<socket_type> relay;
    std::set<lockgate::ip_address> permitted;
    std::map<std::uint16_t, address> peers;
    std::map<address, std::uint16_t> channels;
  };

  [[nodiscard]] socket_type open() {
    address any;
    any.ip = ip_;
    return std::move(*net_.open_datagram(any));
  }
  void send(socket_type& from, const address& to, const lockgate::chain& bytes) {
    const lockgate::outgoing_datagram one{to, bytes};
    static_cast<void>(from.try_send({&one, 1}));
  }

  lockgate::task<> serve() {
    std::array<lockgate::received_datagram, 64> arrived;
    for (;;) {
      const lockgate::result<std::size_t> count = co_await socket_.receive(arrived);
      if (!count) co_return;
      for (std::size_t i = 0; i < *count; ++i) {
        take(arrived[i].payload.bytes(), arrived[i].from);
        arrived[i].payload.reset();
      }
    }
  }
  void take(std::span<const std::byte> bytes, const address& from) {
    const auto known = clients_.find(from);
    if (const auto data = lockgate::stun::parse_channel_data(bytes); data) {
      if (known == clients_.end() || !known->second->relay) return;
      const auto peer = known->second->peers.find(data->channel);
      if (peer != known->second->peers.end())
        send(*known->second->relay, peer->second, lockgate::chain(data->payload));
      return;
    }
    const auto message = lockgate::stun::message_view::parse(bytes);
    if (!message) return;
    if (is_logging) log.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (is_silent) return;
    if (message->kind() == lockgate::stun::message_class::indication) {
      if (known != clients_.end()) take_indication(*known->second, *message);
      return;
    }
    auto& place = clients_[from];
    if (!place) {
      place = std::make_shared<client>();
      place->at = from;
      place->says.password = password;
    }
    answer(place, *message, packet(bytes.begin(), bytes.end()));
  }
  void take_indication(client& c, const lockgate::stun::message_view& message) {
    using lockgate::stun::attribute_type;
    const auto to = message.find(attribute_type::xor_peer_address);
    const auto data = message.find(attribute_type::data);
    const auto peer = to ? lockgate::stun::read_xor_address(*to, message.id()) : std::nullopt;
    if (!peer || !data || !c.relay || !c.permitted.contains(peer->ip)) return;
    ++indications;
    send(*c.relay, *peer, lockgate::chain(data->value));
  }
  void answer(const std::shared_ptr<client>& c, const lockgate::stun::message_view& message,
              const packet& request) {
    using lockgate::stun::attribute_type;
    const bool had = c->says.has_allocation;
    packet out = c->says.honest(request);
    const bool granted = lockgate_test::view(out).kind() == lockgate::stun::message_class::success;
    if (!had && c->says.has_allocation) {
      c->relay = std::make_shared<socket_type>(open());
      out = c->says.allocated(request, c->relay->local_address());
      static_cast<void>(tasks_.spawn(relay(c, c->relay)));
    } else if (had && !c->says.has_allocation) {
      c->relay->close();
      c->relay = nullptr;
    } else if (granted && message.method() != method::refresh) {
      const auto peer = lockgate::stun::read_xor_address(
          *message.find(attribute_type::xor_peer_address), message.id());
      c->permitted.insert(peer->ip);
      if (const auto number = message.find(attribute_type::channel_number)) {
        const auto channel = static_cast<std::uint16_t>(*lockgate::stun::read_u32(*number) >> 16);
        c->peers[channel] = *peer;
        c->channels[*peer] = channel;
      }
    }
    send(socket_, c->at, lockgate::chain(out));
  }
  lockgate::task<> relay(std::shared_ptr<client> c, std::shared_ptr<socket_type> through) {
    std::array<lockgate::received_datagram, 64> arrived;
    for (;;) {
      const lockgate::result<std::size_t> count = co_await through->receive(arrived);
      if (!count) co_return;
      for (std::size_t i = 0; i < *count; ++i) {
        pass_on(*c, arrived[i].payload.bytes(), arrived[i].from);
        arrived[i].payload.reset();
      }
    }
  }
  void pass_on(client& c, lockgate::bytes_view payload, const address& from) {
    if (!c.permitted.contains(from.ip)) return static_cast<void>(++forbidden);
    ++relayed;
    const auto channel = c.channels.find(from);
    if (channel == c.channels.end()) {
      const packet out = lockgate_test::scripted_server::data_indication(
          from, packet(payload.begin(), payload.end()));
      return send(socket_, c.at, lockgate::chain(out));
    }
    std::array<std::byte, lockgate::stun::channel_header_size> header{};
    lockgate::stun::write_channel_header(header, channel->second,
                                         static_cast<std::uint16_t>(payload.size()));
    send(socket_, c.at, lockgate::chain(lockgate::bytes_view(header), {&payload, 1}));
  }

  Network& net_;
  lockgate::task_group& tasks_;
  lockgate::ip_address ip_;
  socket_type socket_;
  std::map<address, std::shared_ptr<client>> clients_;
};

}  // namespace support

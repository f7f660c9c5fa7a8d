// The peers of a TURN allocation, and their data: into frames, and out of what was received.
#pragma once

#include "lockgate/base/random.hpp"        // for random_source
#include "lockgate/base/result.hpp"        // for result
#include "lockgate/stun/channel_data.hpp"  // for parse_channel_data
#include "lockgate/stun/message.hpp"       // for message_view
#include "lockgate/turn/peer.hpp"          // for turn_peer
#include "lockgate/turn/types.hpp"         // for turn_frame, turn_received

#include <algorithm>      // for any_of
#include <cstddef>        // for byte, size_t
#include <cstdint>        // for uint16_t
#include <span>           // for span
#include <unordered_map>  // for unordered_map
#include <vector>         // for vector

namespace lockgate::inline v0::stun {

/// A table whose index is the channel number, so that received data finds its peer without search.
///
/// Cost: framing and receiving data is O(1) and allocates nothing, but for a Data indication from
///       another port of a permitted address, which looks through all peers.
template <crypto C>
class turn_peers {
 public:
  /// The wanted peer of this name, or null.
  [[nodiscard]] turn_peer<C>* find(std::uint16_t peer) noexcept {
    const std::size_t at = std::size_t{peer} - first_channel;  // wraps for numbers below
    return at < peers_.size() && peers_[at].wanted ? &peers_[at] : nullptr;
  }
  /// The slot of `address`, a new one, or one whose channel may be bound to another peer.
  [[nodiscard]] turn_peer<C>* obtain(const socket_address& address, time_point now) {
    if (const auto known = by_address_.find(address); known != by_address_.end())
      return &peers_[known->second];
    std::size_t at = peers_.size();
    if (at > last_channel - first_channel) {
      at = 0;
      while (at < peers_.size() && (peers_[at].wanted || now < peers_[at].reusable_at)) ++at;
      if (at == peers_.size()) return nullptr;
      by_address_.erase(peers_[at].address);
    } else {
      peers_.emplace_back();
    }
    turn_peer<C>& peer = peers_[at];
    peer.address = address;
    peer.channel = static_cast<std::uint16_t>(first_channel + at);
    by_address_.emplace(address, at);
    return &peer;
  }

  [[nodiscard]] auto begin() noexcept { return peers_.begin(); }
  [[nodiscard]] auto end() noexcept { return peers_.end(); }
  /// Forgets what a former allocation granted.
  void reset() noexcept {
    for (turn_peer<C>& peer : peers_) peer.reset();
  }

  /// See `turn_client::frame`.
  [[nodiscard]] result<turn_frame> frame(std::uint16_t peer, std::size_t size, transport via,
                                         random_source& random,
                                         std::span<std::byte, max_turn_header_size> out) {
    const turn_peer<C>* p = find(peer);
    if (p == nullptr || p->reached == turn_peer<C>::stage::refused) return errc::unreachable;
    if (!p->may_send()) return errc::would_block;
    constexpr std::size_t largest = 0xffff - max_turn_header_size - 3;
    if (size > largest) return errc::message_too_large;
    const auto length = static_cast<std::uint16_t>(size);
    if (p->reached == turn_peer<C>::stage::bound) {
      write_channel_header(out.template first<channel_header_size>(), peer, length);
      return turn_frame{channel_header_size, via == transport::stream ? padding_of(size) : 0};
    }
    transaction_id id{};
    random.fill(id);
    encoder header(out, message_class::indication, method::send, id);
    header.xor_address(attribute_type::xor_peer_address, p->address);
    header.detached(attribute_type::data, length);
    return turn_frame{header.size(), padding_of(size)};
  }

  /// ChannelData.
  [[nodiscard]] turn_received receive(std::span<const std::byte> datagram,
                                      turn_drops& drops) noexcept {
    const auto message = parse_channel_data(datagram);
    if (!message) return ++drops.malformed, turn_received{};
    const turn_peer<C>* peer = find(message->channel);
    if (peer == nullptr) return ++drops.unknown_channel, turn_received{};
    turn_received out;
    out.type = turn_received_type::data;
    out.peer = peer->channel;
    out.address = peer->address;
    out.offset = channel_header_size;
    out.length = message->payload.size();
    return out;
  }

  /// An indication.
  [[nodiscard]] turn_received receive(const message_view& message, turn_drops& drops) noexcept {
    const auto from = message.find(attribute_type::xor_peer_address);
    const auto data = message.find(attribute_type::data);
    const auto icmp = message.find(attribute_type::icmp);
    if (message.method() != method::data || has_unknown_required_attribute(message) || !from ||
        (!data && !icmp))
      return ++drops.unexpected, turn_received{};
    const auto address = read_xor_address(*from, message.id());
    const auto report = icmp ? read_icmp(*icmp) : std::nullopt;
    if (!address || (icmp && !report)) return ++drops.malformed, turn_received{};
    turn_received out;
    out.address = *address;
    const auto known = by_address_.find(*address);
    if (known != by_address_.end() && peers_[known->second].wanted)
      out.peer = peers_[known->second].channel;
    else if (!has_permission(address->ip)) return ++drops.not_permitted, turn_received{};
    if (report) {
      out.type = turn_received_type::icmp;
      out.icmp = *report;
      return out;
    }
    out.type = turn_received_type::data;
    out.offset = data->offset + 4;
    out.length = data->value.size();
    return out;
  }

 private:
  /// Permissions are for addresses, whatever the port (RFC 8656 section 9).
  [[nodiscard]] bool has_permission(const ip_address& ip) const noexcept {
    return std::any_of(peers_.begin(), peers_.end(), [&](const turn_peer<C>& peer) {
      return peer.wanted && peer.address.ip == ip;
    });
  }

  std::vector<turn_peer<C>> peers_;  // the peer with channel first_channel + i is peers_[i]
  std::unordered_map<socket_address, std::size_t> by_address_;
};

}  // namespace lockgate::inline v0::stun

// Sans-I/O TURN client (RFC 8656): one 5-tuple, its allocation, and the peers reached through it.
//
// The drive loop; time and packets are arguments, the machine does no I/O and has no clock:
//
//   turn_client<openssl_crypto> turn(config, credentials, random);
//   turn.start(server, now);
//   for (;;) {
//     while ((action = turn.next(now)).type != wait)  perform it: send bytes, or take note;
//     wait for a datagram (or a frame of the stream), or for action.deadline;
//     on a datagram: turn.receive(datagram, now) says `control` (go on at the top), or where the
//       payload lies in it; it is never copied.
//   }
//   To send: turn.frame(peer, size, header) gives the bytes to put before the payload, and how many
//   zeros behind it. Only datagrams from the server's address may be handed in.
#pragma once

#include "lockgate/base/result.hpp"          // for result
#include "lockgate/stun/address_policy.hpp"  // for scope_of
#include "lockgate/turn/allocation.hpp"      // for turn_allocation
#include "lockgate/turn/peers.hpp"           // for turn_peers
#include "lockgate/turn/types.hpp"           // for turn_action, turn_config, turn_received

#include <algorithm>    // for min
#include <cstddef>      // for byte, size_t
#include <cstdint>      // for uint16_t, uint64_t
#include <optional>     // for optional
#include <span>         // for span
#include <string_view>  // for string_view

namespace lockgate::inline v0::stun {

/// A TURN client over one socket after the other.
///
/// Lifetime: the credentials and the random source outlive it. It is not movable: its requests
///           refer to its settings.
/// Cost:     `receive` of data and `frame` are O(1) and do not allocate; `next` is O(1) while
///           nothing is due, else O(peers), as is a received response.
template <crypto C>
class turn_client {
 public:
  turn_client(const turn_config& config, authenticator<C>& credentials, random_source& random)
      : config_(config), auth_(credentials), random_(random),
        allocation_(config_, credentials, random, peers_) {}
  turn_client(const turn_client&) = delete;
  turn_client& operator=(const turn_client&) = delete;

  /// Asks `server` for an allocation over a 5-tuple that was not used before. Peers stay; what a
  /// former allocation had granted them is asked for anew.
  void start(const socket_address& server, time_point now) {
    dirty_ = true;
    allocation_.start(server, now);
  }

  /// Deletes the allocation: `released` follows, within one transaction.
  void release(time_point now) {
    dirty_ = true;
    allocation_.release(now);
  }

  /// What should we do next? Call it after every other call, until it answers `wait`.
  [[nodiscard]] turn_action next(time_point now) {
    for (;;) {
      if (next_told_ < allocation_.told().size()) return allocation_.told()[next_told_++];
      allocation_.told().clear();
      next_told_ = 0;
      if (!dirty_ && now < deadline_) return wait();
      dirty_ = false;
      using step_result = typename turn_allocation<C>::step_result;
      const step_result done = allocation_.step(now);
      if (done == step_result::send) return transmit(allocation_.control());
      dirty_ = done == step_result::changed;
      deadline_ = allocation_.deadline();
      for (turn_peer<C>& peer : peers_) {
        if (!peer.wanted || !allocation_.may_ask(peer)) continue;
        if (is_without_relay(peer)) {
          allocation_.refuse(peer, error_code::peer_family_mismatch);
          continue;
        }
        if (step(peer, false, now)) return transmit(peer.permission);
        if (step(peer, true, now)) return transmit(peer.binding);
      }
      if (!dirty_ && allocation_.told().empty()) return wait();
    }
  }

  /// Says what a datagram from the server is, and where in it a payload lies.
  [[nodiscard]] turn_received receive(std::span<const std::byte> datagram, time_point now) {
    if (!datagram.empty() && (datagram.front() & std::byte{0xc0}) == std::byte{0x40})
      return allocation_.is_ready() ? peers_.receive(datagram, drops_)
                                    : drop(drops_.unknown_channel);
    const auto message = message_view::parse(datagram);
    if (!message) return drop(drops_.malformed);
    switch (message->kind()) {
      case message_class::indication:
        return allocation_.is_ready() ? peers_.receive(*message, drops_) : drop(drops_.unexpected);
      case message_class::request: return drop(drops_.unexpected);
      default: return receive_response(*message, now);
    }
  }

  /// Lets `address` through and gives it a channel; the number is the peer's name here.
  ///
  /// Errors: `errc::unreachable` for an address that no relay should be asked to reach (private
  ///         ones, unless the settings allow them), `errc::invalid_argument` for port 0,
  ///         `errc::queue_full` if all 4096 channels are taken.
  [[nodiscard]] result<std::uint16_t> add_peer(const socket_address& address, time_point now) {
    if (address.port == 0) return errc::invalid_argument;
    if (scope_of(address.ip) <
        (config_.allow_private_peers ? address_scope::host : address_scope::global))
      return errc::unreachable;
    turn_peer<C>* peer = peers_.obtain(address, now);
    if (peer == nullptr) return errc::queue_full;
    if (!peer->wanted || peer->reached == turn_peer<C>::stage::refused) {
      const auto rest = peer->reusable_at;
      peer->reset();  // its channel may still stand, but binding it to the same peer is allowed
      peer->reusable_at = rest;
      peer->wanted = dirty_ = true;
    }
    return peer->channel;
  }
  /// Stops refreshing what `peer` was granted (TURN cannot take it back) and drops what it sends.
  void remove_peer(std::uint16_t peer) noexcept {
    if (turn_peer<C>* p = peers_.find(peer)) {
      p->permission.cancel();
      p->binding.cancel();
      p->wanted = false;
    }
  }

  /// Writes what goes before a payload of `size` bytes to `peer`.
  ///
  /// Errors: `errc::would_block` before the server was asked to let the peer through,
  ///         `errc::unreachable` if it refused or the peer is unknown, `errc::message_too_large`.
  /// Cost:   4 bytes once the channel is bound; before, a Send indication with a fresh random id.
  [[nodiscard]] result<turn_frame> frame(std::uint16_t peer, std::size_t size,
                                         std::span<std::byte, max_turn_header_size> out) {
    if (!allocation_.is_ready()) return errc::would_block;
    return peers_.frame(peer, size, config_.requests.via, random_, out);
  }

  [[nodiscard]] bool is_allocated() const noexcept { return allocation_.is_ready(); }
  /// The address that the server relays for, if it has given one of this family.
  [[nodiscard]] std::optional<socket_address> relayed(address_family family) const noexcept {
    return allocation_.relayed(family);
  }
  /// How far the allocation of one family is.
  [[nodiscard]] turn_family_state family_state(address_family family) const noexcept {
    return allocation_.family_state(family);
  }
  /// Our address as the server sees it.
  [[nodiscard]] std::optional<socket_address> mapped() const noexcept {
    return allocation_.mapped();
  }
  /// The name that the certificate of a redirect's target must carry; empty: the original one.
  [[nodiscard]] std::string_view alternate_domain() const noexcept {
    return allocation_.alternate_domain();
  }
  [[nodiscard]] const turn_drops& drops() const noexcept { return drops_; }

 private:
  [[nodiscard]] turn_action wait() const noexcept {
    turn_action action;
    action.deadline = deadline_;
    return action;
  }
  [[nodiscard]] turn_action transmit(const request<C, turn_request>& what) noexcept {
    dirty_ = true;  // the scan was cut short
    turn_action action;
    action.type = turn_action_type::send;
    action.bytes = what.bytes();
    return action;
  }
  [[nodiscard]] turn_received drop(std::uint64_t& cause) noexcept {
    ++cause;
    return {};
  }
  /// Whether the server is bound to answer 443.
  [[nodiscard]] bool is_without_relay(const turn_peer<C>& peer) const noexcept {
    return allocation_.is_ready() && peer.reached != turn_peer<C>::stage::refused &&
           !allocation_.relayed(peer.address.ip.is_v4() ? address_family::v4 : address_family::v6);
  }

  /// True to send the peer's permission or channel request.
  [[nodiscard]] bool step(turn_peer<C>& peer, bool is_binding, time_point now) {
    auto& what = is_binding ? peer.binding : peer.permission;
    auto& due = is_binding ? peer.binding_due : peer.permission_due;
    if (!what.is_active() && now >= due) {
      turn_request body;
      body.what = is_binding ? method::channel_bind : method::create_permission;
      body.channel = peer.channel;
      body.peer = peer.address;
      due = never;
      what.start(body, auth_, random_, config_.requests, now);
      if (is_binding)
        peer.reusable_at = now + turn_peer<C>::channel_life + turn_peer<C>::channel_rest;
    }
    if (!what.is_active()) {
      deadline_ = std::min(deadline_, due);
      return false;
    }
    if (what.next(now)) return true;
    if (what.is_active()) deadline_ = std::min(deadline_, what.deadline());
    else settle_peer(peer, is_binding, now);
    return false;
  }

  void settle_peer(turn_peer<C>& peer, bool is_binding, time_point now) {
    dirty_ = true;
    const request_outcome outcome = (is_binding ? peer.binding : peer.permission).outcome();
    const duration later = allocation_.jittered(turn_peer<C>::refresh_interval);
    switch (peer.request_ended(is_binding, now, later, allocation_.is_ready())) {
      case peer_verdict::permitted:
        return allocation_.tell(turn_action_type::permitted, peer.channel);
      case peer_verdict::bound: return allocation_.tell(turn_action_type::bound, peer.channel);
      case peer_verdict::refused:
        return allocation_.tell(turn_action_type::refused, peer.channel, outcome.code);
      case peer_verdict::gone: return allocation_.lose(now);
      case peer_verdict::out_of_step: return allocation_.probe(true, now);
      case peer_verdict::suspicious: return allocation_.probe(false, now);
      case peer_verdict::fatal: allocation_.end_if_fatal(outcome, now); return;
      case peer_verdict::none:
      case peer_verdict::too_early: return;
    }
  }

  [[nodiscard]] turn_received receive_response(const message_view& message, time_point now) {
    turn_received control;
    control.type = turn_received_type::control;
    const auto answers = [&](const request<C, turn_request>& r) {
      return r.is_active() && r.id() == message.id();
    };
    const auto take = [&](request<C, turn_request>& r) {
      dirty_ = true;
      if (!r.receive(message, now)) ++drops_.untrusted;
      return !r.is_active();
    };
    if (answers(allocation_.control())) {
      if (take(allocation_.control())) allocation_.control_ended(&message, now);
      return control;
    }
    for (turn_peer<C>& peer : peers_)
      for (const bool is_binding : {false, true})
        if (auto& r = is_binding ? peer.binding : peer.permission; answers(r)) {
          if (take(r)) settle_peer(peer, is_binding, now);
          return control;
        }
    return drop(drops_.unknown_response);
  }

  const turn_config config_;
  authenticator<C>& auth_;
  random_source& random_;
  turn_peers<C> peers_;
  turn_allocation<C> allocation_;
  std::size_t next_told_ = 0;
  time_point deadline_ = never;  // before it `next` has nothing to do, unless dirty_
  bool dirty_ = false;
  turn_drops drops_;
};

}  // namespace lockgate::inline v0::stun

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
#include "lockgate/stun/channel_data.hpp"    // for parse_channel_data
#include "lockgate/stun/redirects.hpp"       // for redirects
#include "lockgate/stun/turn_peer.hpp"       // for turn_peer
#include "lockgate/stun/turn_types.hpp"      // for turn_action, turn_config, turn_received

#include <algorithm>      // for any_of, clamp, max, min
#include <array>          // for array
#include <chrono>         // for seconds, minutes
#include <cstddef>        // for byte, size_t
#include <cstdint>        // for uint16_t, uint32_t
#include <optional>       // for optional
#include <span>           // for span
#include <string>         // for string
#include <string_view>    // for string_view
#include <unordered_map>  // for unordered_map
#include <utility>        // for exchange
#include <vector>         // for vector

namespace lockgate::inline v0::stun {

/// A TURN client over one socket after the other.
///
/// Lifetime: the credentials and the random source outlive it. It is not movable: its requests
///           refer to its settings.
/// Cost:     `receive` of data and `frame` are O(1) and do not allocate; `next` is O(1) while
///           nothing is due, else O(peers), as is a received response.
template <crypto C> class turn_client {
public:
  turn_client(const turn_config& config, authenticator<C>& credentials, random_source& random)
      : config_(config), auth_(credentials), random_(random), dont_fragment_(config.dont_fragment) {
  }
  turn_client(const turn_client&) = delete;
  turn_client& operator=(const turn_client&) = delete;

  /// Asks `server` for an allocation over a 5-tuple that was not used before. Peers stay; what a
  /// former allocation had granted them is asked for anew.
  void start(const socket_address& server, time_point now) {
    if (!auth_.is_valid())
      return fail(turn_reason::bad_credentials);
    server_ = server;
    redirects_.visit(server, now);
    allocate(now);
  }

  /// Deletes the allocation: `released` follows, within one transaction.
  void release(time_point now) {
    const bool nothing_there =
        state_ == state::closed || (state_ == state::allocating && !control_.has_sent_signed());
    reset_peers();
    if (nothing_there)
      return close(turn_action_type::released);
    state_ = state::releasing;
    ask(method::refresh, 0, now);
  }

  /// What should we do next? Call it after every other call, until it answers `wait`.
  [[nodiscard]] turn_action next(time_point now) {
    for (;;) {
      if (next_event_ < events_.size())
        return events_[next_event_++];
      events_.clear();
      next_event_ = 0;
      if (!dirty_ && now < deadline_)
        return wait();
      dirty_ = false;
      deadline_ = never;
      if (step_control(now))
        return transmit(control_);
      for (turn_peer<C>& peer : peers_) {
        if (!peer.wanted || !may_ask(peer))
          continue;
        if (is_without_relay(peer)) {
          refuse(peer, error_code::peer_family_mismatch);
          continue;
        }
        if (step(peer, false, now))
          return transmit(peer.permission);
        if (step(peer, true, now))
          return transmit(peer.binding);
      }
      if (!dirty_ && events_.empty())
        return wait();
    }
  }

  /// Says what a datagram from the server is, and where in it a payload lies.
  [[nodiscard]] turn_received receive(std::span<const std::byte> datagram, time_point now) {
    if (!datagram.empty() && (datagram.front() & std::byte{0xc0}) == std::byte{0x40})
      return receive_channel(datagram);
    const auto message = message_view::parse(datagram);
    if (!message)
      return drop(drops_.malformed);
    switch (message->kind()) {
    case message_class::indication:
      return receive_indication(*message);
    case message_class::request:
      return drop(drops_.unexpected);
    default:
      return receive_response(*message, now);
    }
  }

  /// Lets `address` through and gives it a channel; the number is the peer's name here.
  ///
  /// Errors: `errc::unreachable` for an address that no relay should be asked to reach (private
  ///         ones, unless the settings allow them), `errc::invalid_argument` for port 0,
  ///         `errc::queue_full` if all 4096 channels are taken.
  [[nodiscard]] result<std::uint16_t> add_peer(const socket_address& address, time_point now) {
    if (address.port == 0)
      return errc::invalid_argument;
    if (scope_of(address.ip) <
        (config_.allow_private_peers ? address_scope::host : address_scope::global))
      return errc::unreachable;
    turn_peer<C>* peer = slot_for(address, now);
    if (peer == nullptr)
      return errc::queue_full;
    if (!peer->wanted || peer->reached == turn_peer<C>::stage::refused) {
      const auto rest = peer->reusable_at;
      peer->reset();  // an old channel may still stand: binding it again to the same peer is
                      // allowed
      peer->reusable_at = rest;
      peer->wanted = dirty_ = true;
    }
    return peer->channel;
  }
  /// Stops refreshing what `peer` was granted (TURN cannot take it back) and drops what it sends.
  void remove_peer(std::uint16_t peer) noexcept {
    if (turn_peer<C>* p = find(peer)) {
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
    const turn_peer<C>* p = find(peer);
    if (p == nullptr || p->reached == turn_peer<C>::stage::refused)
      return errc::unreachable;
    if (state_ != state::ready || !p->may_send())
      return errc::would_block;
    constexpr std::size_t largest = 0xffff - max_turn_header_size - 3;
    if (size > largest)
      return errc::message_too_large;
    const auto length = static_cast<std::uint16_t>(size);
    if (p->reached == turn_peer<C>::stage::bound) {
      write_channel_header(out.template first<channel_header_size>(), peer, length);
      const bool padded = config_.requests.via == transport::stream;
      return turn_frame{channel_header_size, padded ? padding_of(size) : 0};
    }
    transaction_id id{};
    random_.fill(id);
    encoder header(out, message_class::indication, method::send, id);
    header.xor_address(attribute_type::xor_peer_address, p->address);
    header.detached(attribute_type::data, length);
    return turn_frame{header.size(), padding_of(size)};
  }

  [[nodiscard]] bool is_allocated() const noexcept { return state_ == state::ready; }
  [[nodiscard]] std::optional<socket_address> relayed(address_family family) const noexcept {
    return relayed_[index(family)];
  }
  [[nodiscard]] turn_family_state family_state(address_family family) const noexcept {
    return families_[index(family)];
  }
  /// Our address as the server sees it.
  [[nodiscard]] std::optional<socket_address> mapped() const noexcept { return mapped_; }
  /// The name that the certificate of a redirect's target must carry; empty: the original one.
  [[nodiscard]] std::string_view alternate_domain() const noexcept { return alternate_domain_; }
  [[nodiscard]] const turn_drops& drops() const noexcept { return drops_; }

private:
  enum class state : std::uint8_t { closed, allocating, ready, restarting, releasing };

  static constexpr auto min_lifetime = std::chrono::seconds(10);    // against a server's 0 or 1
  static constexpr auto max_lifetime = std::chrono::seconds(3600);  // RFC 8656 section 7.2
  static constexpr auto refresh_margin = std::chrono::seconds(60);  // RFC 8656 section 8
  static constexpr auto busy_pause = std::chrono::seconds(60);      // RFC 8656 section 7.4
  static constexpr auto mismatch_pause = std::chrono::minutes(2);   // RFC 8656 section 7.4
  static constexpr int max_mismatches = 3;                          // RFC 8656 section 7.4

  [[nodiscard]] static std::size_t index(address_family family) noexcept {
    return family == address_family::v4 ? 0 : 1;
  }
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
  void tell(turn_action_type type, std::uint16_t peer = 0, error_code code = error_code::none) {
    turn_action action;
    action.type = type;
    action.peer = peer;
    action.code = code;
    events_.push_back(action);
  }
  [[nodiscard]] turn_received drop(std::uint64_t& cause) noexcept {
    ++cause;
    return {};
  }
  /// A time up to a tenth shorter, so that many clients do not come at once.
  [[nodiscard]] duration jittered(duration d) {
    return d - duration(static_cast<duration::rep>(
                   random_.below(static_cast<std::uint64_t>(d.count() / 10 + 1))));
  }

  void ask(method what, std::uint32_t lifetime, time_point now) {
    turn_request body;
    body.what = what;
    body.families = config_.families;
    body.lifetime = lifetime;
    body.dont_fragment = dont_fragment_;
    control_.start(body, auth_, random_, config_.requests, now);
    dirty_ = true;
  }
  [[nodiscard]] std::uint32_t lifetime_wanted() const noexcept {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(config_.lifetime).count());
  }
  void allocate(time_point now) {
    state_ = state::allocating;
    relayed_ = {};
    families_ = {};
    reset_peers();
    ask(method::allocate, lifetime_wanted(), now);
  }
  void reset_peers() noexcept {
    for (turn_peer<C>& peer : peers_)
      peer.reset();
    probing_ = out_of_step_ = false;
  }

  // Ends

  void close(turn_action_type type, turn_reason reason = turn_reason::none,
             error_code code = error_code::none, time_point not_before = never,
             const socket_address& to = {}) {
    state_ = state::closed;
    control_.cancel();
    reset_peers();
    dirty_ = true;
    turn_action action;
    action.type = type;
    action.reason = reason;
    action.code = code;
    action.deadline = not_before;
    action.address = to;
    events_.push_back(action);
  }
  void fail(turn_reason reason, error_code code = error_code::none) {
    close(turn_action_type::failed, reason, code);
  }
  void reconnect(turn_reason reason, error_code code, time_point not_before) {
    close(turn_action_type::reconnect, reason, code, not_before, server_);
  }
  /// Nothing the first time, then 2 s, 4 s ... 64 s, until a Refresh has succeeded.
  [[nodiscard]] time_point after_backoff(time_point now) {
    const int failures = failures_++;
    return failures == 0 ? now : now + jittered(std::chrono::seconds(1 << std::min(failures, 6)));
  }
  /// The server has forgotten the allocation. Its 5-tuple is free then, so the same socket serves.
  void lose(time_point now) {
    const auto again = after_backoff(now);
    if (again > now)
      return reconnect(turn_reason::allocation_lost, error_code::none, again);
    tell(turn_action_type::lost);
    allocate(now);
  }
  /// Outcomes that mean the same whatever was asked; false if `outcome` is none of them.
  bool settle_fatal(const request_outcome& outcome, time_point now) {
    switch (outcome.result) {
    case request_result::timed_out:
      return reconnect(turn_reason::timed_out, {}, after_backoff(now)), true;
    case request_result::integrity_violated:
      return reconnect(turn_reason::integrity_violated, {}, after_backoff(now)), true;
    case request_result::bid_down:
      return fail(turn_reason::bid_down), true;
    case request_result::no_algorithm:
      return fail(turn_reason::no_algorithm), true;
    case request_result::realm_changed:
      return fail(turn_reason::realm_changed), true;
    case request_result::protocol_error:
      return fail(turn_reason::protocol_error), true;
    default:
      break;
    }
    switch (outcome.code) {
    case error_code::unauthenticated:
    case error_code::stale_nonce:
      return fail(turn_reason::bad_credentials, outcome.code), true;
    case error_code::wrong_credentials:
      return reconnect(turn_reason::address_in_use, outcome.code, after_backoff(now)), true;
    default:
      return false;
    }
  }

  // Allocation

  /// True to send the control request.
  [[nodiscard]] bool step_control(time_point now) {
    if (state_ == state::ready && !control_.is_active()) {
      deadline_ = std::min(deadline_, refresh_at_);
      if (now >= refresh_at_)
        ask(method::refresh, lifetime_wanted(), now);
    }
    if (!control_.is_active())
      return false;
    if (control_.next(now))
      return true;
    if (control_.is_active())
      deadline_ = std::min(deadline_, control_.deadline());
    else
      settle_control(nullptr, now);
    return false;
  }

  /// Requires: `response` is there if the outcome is an answer that was received just now.
  void settle_control(const message_view* response, time_point now) {
    dirty_ = true;
    const request_outcome outcome = control_.outcome();
    if (state_ == state::releasing)  // 437 and 400 say that it is gone, silence that nobody cares
      return close(turn_action_type::released);
    if (state_ == state::restarting)
      return allocate(now);
    if (outcome.result == request_result::success)
      return state_ == state::ready ? refreshed(*response, now) : allocated(*response, now);
    if (settle_fatal(outcome, now))
      return;
    if (state_ == state::allocating)
      return allocate_refused(outcome.code, response, now);
    // Refresh: 437 (RFC 8656 section 5), 400 (coturn) or 443: nothing there. Others: no use to us.
    lose(now);
  }

  void allocate_refused(error_code code, const message_view* response, time_point now) {
    switch (code) {
    case error_code::try_alternate: {
      const auto to = redirects_.follow(*response, server_, now);
      if (!to)
        return fail(turn_reason::bad_redirect, code);
      const auto domain = response->find(attribute_type::alternate_domain);
      alternate_domain_ = domain ? text_of(domain->value) : std::string_view();
      return close(turn_action_type::reconnect, turn_reason::redirected, code, now, *to);
    }
    case error_code::unknown_attribute:
      if (!dont_fragment_ || !lists_unknown(*response, attribute_type::dont_fragment))
        return fail(turn_reason::refused, code);
      dont_fragment_ = false;
      return allocate(now);
    case error_code::allocation_mismatch: {
      const bool enough = ++mismatches_ % max_mismatches == 0;
      return reconnect(turn_reason::address_in_use, code, enough ? now + mismatch_pause : now);
    }
    case error_code::address_family_not_supported:
      return fail(turn_reason::unsupported_family, code);
    case error_code::allocation_quota_reached:
    case error_code::server_error:
    case error_code::insufficient_capacity:
      // With an eighth more, jitter never makes it less than the minute that RFC 8656 asks for.
      return reconnect(turn_reason::busy, code, now + jittered(busy_pause * 9 / 8));
    default:
      return fail(turn_reason::refused, code);
    }
  }

  void allocated(const message_view& response, time_point now) {
    for (const attribute& a : response.attributes()) {
      if (a.type != attribute_type::xor_relayed_address)
        continue;
      const auto address = read_xor_address(a, response.id());
      if (!address || address->port == 0 || !is_acceptable(address->ip))
        return fail(turn_reason::protocol_error);
      const auto family = address->ip.is_v4() ? address_family::v4 : address_family::v6;
      if (wants(family) && !relayed_[index(family)])
        relayed_[index(family)] = *address;
    }
    if (!relayed_[0] && !relayed_[1])
      return fail(turn_reason::protocol_error);
    const auto refused = response.find(attribute_type::address_error_code);
    const auto why = refused ? read_address_error(*refused) : std::nullopt;
    for (const auto family : {address_family::v4, address_family::v6}) {
      auto& to = families_[index(family)];
      if (!wants(family))
        to = turn_family_state::not_requested;
      else if (relayed_[index(family)])
        to = turn_family_state::allocated;
      else if (!why || why->family != family)
        to = turn_family_state::ignored;
      else
        to = why->code == error_code::address_family_not_supported ? turn_family_state::unsupported
                                                                   : turn_family_state::busy;
    }
    const auto mapped = response.find(attribute_type::xor_mapped_address);
    mapped_ = mapped ? read_xor_address(*mapped, response.id()) : std::nullopt;
    state_ = state::ready;
    mismatches_ = 0;
    schedule_refresh(response, now);
    tell(turn_action_type::allocated);
  }
  [[nodiscard]] bool wants(address_family family) const noexcept {
    return config_.families == turn_families::both ||
           (config_.families == turn_families::v4) == (family == address_family::v4);
  }
  [[nodiscard]] bool is_acceptable(const ip_address& relayed) const noexcept {
    return scope_of(relayed) >=
           (config_.allow_private_peers ? address_scope::host : address_scope::site);
  }
  /// The lifetime that the server granted counts, not the one asked for (RFC 8656 section 7.3).
  void schedule_refresh(const message_view& response, time_point now) {
    const auto granted = response.find(attribute_type::lifetime);
    const auto seconds = granted ? read_u32(*granted) : std::nullopt;
    const duration lifetime = std::clamp<duration>(
        seconds ? std::chrono::seconds(*seconds) : config_.lifetime, min_lifetime, max_lifetime);
    const duration early = std::max<duration>(lifetime - refresh_margin, lifetime / 2);
    refresh_at_ = now + jittered(std::min(early, config_.keep_alive));
  }

  void refreshed(const message_view& response, time_point now) {
    failures_ = 0;
    schedule_refresh(response, now);
    if (out_of_step_) {
      tell(turn_action_type::lost);
      reset_peers();
      state_ = state::restarting;
      return ask(method::refresh, 0, now);
    }
    if (!std::exchange(probing_, false))
      return;
    for (turn_peer<C>& peer : peers_)  // the allocation is well, so the peer's address was not
      if (std::exchange(peer.suspected, false))
        refuse(peer, error_code::bad_request);
  }

  // Peers

  [[nodiscard]] turn_peer<C>* find(std::uint16_t peer) noexcept {
    const std::size_t at = std::size_t{peer} - first_channel;  // wraps for numbers below
    return at < peers_.size() && peers_[at].wanted ? &peers_[at] : nullptr;
  }
  /// The slot of `address`, a new one, or one whose channel may be bound to another peer.
  [[nodiscard]] turn_peer<C>* slot_for(const socket_address& address, time_point now) {
    if (const auto known = by_address_.find(address); known != by_address_.end())
      return &peers_[known->second];
    std::size_t at = peers_.size();
    if (at > last_channel - first_channel) {
      at = 0;
      while (at < peers_.size() && (peers_[at].wanted || now < peers_[at].reusable_at))
        ++at;
      if (at == peers_.size())
        return nullptr;
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
  /// Requests for peers go out right behind the signed Allocate: if they arrive in order, no round
  /// trip was spent on waiting, if not, they are sent again once it has been answered.
  [[nodiscard]] bool may_ask(const turn_peer<C>& peer) const noexcept {
    return state_ == state::ready ||
           (state_ == state::allocating && control_.has_sent_signed() && !peer.overtook);
  }
  /// Whether the server is bound to answer 443.
  [[nodiscard]] bool is_without_relay(const turn_peer<C>& peer) const noexcept {
    return state_ == state::ready && peer.reached != turn_peer<C>::stage::refused &&
           !relayed_[peer.address.ip.is_v4() ? 0 : 1];
  }
  void refuse(turn_peer<C>& peer, error_code code) {
    peer.refuse();
    tell(turn_action_type::refused, peer.channel, code);
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
    if (what.next(now))
      return true;
    if (what.is_active())
      deadline_ = std::min(deadline_, what.deadline());
    else
      settle_peer(peer, is_binding, now);
    return false;
  }

  void settle_peer(turn_peer<C>& peer, bool is_binding, time_point now) {
    dirty_ = true;
    const request_outcome outcome = (is_binding ? peer.binding : peer.permission).outcome();
    const duration later = jittered(turn_peer<C>::refresh_interval);
    switch (peer.settle(is_binding, now, later, state_ == state::ready)) {
    case peer_verdict::permitted:
      return tell(turn_action_type::permitted, peer.channel);
    case peer_verdict::bound:
      return tell(turn_action_type::bound, peer.channel);
    case peer_verdict::refused:
      return tell(turn_action_type::refused, peer.channel, outcome.code);
    case peer_verdict::gone:
      return lose(now);
    case peer_verdict::out_of_step:
      out_of_step_ = true;
      [[fallthrough]];
    case peer_verdict::suspicious:
      probing_ = true;
      refresh_at_ = now;
      return;
    case peer_verdict::fatal:
      settle_fatal(outcome, now);
      return;
    case peer_verdict::none:
    case peer_verdict::too_early:
      return;
    }
  }

  // Received messages

  [[nodiscard]] turn_received receive_channel(std::span<const std::byte> datagram) noexcept {
    const auto message = parse_channel_data(datagram);
    if (!message)
      return drop(drops_.malformed);
    const turn_peer<C>* peer = find(message->channel);
    if (peer == nullptr || state_ != state::ready)
      return drop(drops_.unknown_channel);
    turn_received out;
    out.type = turn_received_type::data;
    out.peer = peer->channel;
    out.address = peer->address;
    out.offset = channel_header_size;
    out.length = message->payload.size();
    return out;
  }

  [[nodiscard]] turn_received receive_indication(const message_view& message) noexcept {
    const auto from = message.find(attribute_type::xor_peer_address);
    const auto data = message.find(attribute_type::data);
    const auto icmp = message.find(attribute_type::icmp);
    if (message.method() != method::data || has_unknown_required_attribute(message) || !from ||
        (!data && !icmp) || state_ != state::ready)
      return drop(drops_.unexpected);
    const auto address = read_xor_address(*from, message.id());
    const auto report = icmp ? read_icmp(*icmp) : std::nullopt;
    if (!address || (icmp && !report))
      return drop(drops_.malformed);
    turn_received out;
    out.address = *address;
    const auto known = by_address_.find(*address);
    if (known != by_address_.end() && peers_[known->second].wanted)
      out.peer = peers_[known->second].channel;
    else if (!has_permission(address->ip))
      return drop(drops_.not_permitted);
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
  /// Permissions are for addresses, whatever the port (RFC 8656 section 9).
  [[nodiscard]] bool has_permission(const ip_address& ip) const noexcept {
    return std::any_of(peers_.begin(), peers_.end(), [&](const turn_peer<C>& peer) {
      return peer.wanted && peer.address.ip == ip;
    });
  }

  [[nodiscard]] turn_received receive_response(const message_view& message, time_point now) {
    turn_received control;
    control.type = turn_received_type::control;
    const auto answers = [&](const request<C, turn_request>& r) {
      return r.is_active() && r.id() == message.id();
    };
    const auto take = [&](request<C, turn_request>& r) {
      dirty_ = true;
      if (!r.receive(message, now))
        ++drops_.untrusted;
      return !r.is_active();
    };
    if (answers(control_)) {
      if (take(control_))
        settle_control(&message, now);
      return control;
    }
    for (turn_peer<C>& peer : peers_)
      for (const bool is_binding : {false, true})
        if (auto& r = is_binding ? peer.binding : peer.permission; answers(r)) {
          if (take(r))
            settle_peer(peer, is_binding, now);
          return control;
        }
    return drop(drops_.unknown_response);
  }

  const turn_config config_;
  authenticator<C>& auth_;
  random_source& random_;
  bool dont_fragment_;

  state state_ = state::closed;
  socket_address server_;
  redirects redirects_;
  std::string alternate_domain_;
  request<C, turn_request> control_;  // Allocate, then each Refresh
  std::array<std::optional<socket_address>, 2> relayed_;
  std::array<turn_family_state, 2> families_{};
  std::optional<socket_address> mapped_;
  time_point refresh_at_ = never;
  int mismatches_ = 0;
  int failures_ = 0;
  bool probing_ = false;      // a 400 made us ask with Refresh whether the allocation lives
  bool out_of_step_ = false;  // and it was an answer to ChannelBind

  std::vector<turn_peer<C>> peers_;  // the peer with channel first_channel + i is peers_[i]
  std::unordered_map<socket_address, std::size_t> by_address_;
  std::vector<turn_action> events_;
  std::size_t next_event_ = 0;
  time_point deadline_ = never;  // before it `next` has nothing to do, unless dirty_
  bool dirty_ = false;
  turn_drops drops_;
};

}  // namespace lockgate::inline v0::stun

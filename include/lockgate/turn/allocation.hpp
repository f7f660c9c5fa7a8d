// Sans-I/O: one TURN allocation (RFC 8656 sections 6 to 8), asked for, kept, lost and released.
#pragma once

#include "lockgate/stun/address_policy.hpp"  // for scope_of
#include "lockgate/turn/peers.hpp"           // for turn_peers
#include "lockgate/turn/redirects.hpp"       // for redirects
#include "lockgate/turn/types.hpp"           // for turn_action, turn_config, turn_request

#include <algorithm>    // for clamp, max, min
#include <array>        // for array
#include <chrono>       // for seconds, minutes
#include <cstddef>      // for size_t
#include <cstdint>      // for uint8_t, uint16_t, uint32_t
#include <optional>     // for optional
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for exchange
#include <vector>       // for vector

namespace lockgate::inline v0::stun {

/// The allocation on one 5-tuple after the other, and what every error of the server means for it.
/// What its user must know or do is collected in `told`.
///
/// Lifetime: what it is constructed with outlives it.
template <crypto C>
class turn_allocation {
 public:
  turn_allocation(const turn_config& config, authenticator<C>& credentials, random_source& random,
                  turn_peers<C>& peers)
      : config_(config), auth_(credentials), random_(random), peers_(peers),
        dont_fragment_(config.dont_fragment) {}
  turn_allocation(const turn_allocation&) = delete;
  turn_allocation& operator=(const turn_allocation&) = delete;

  /// Begins to allocate at a server.
  void start(const socket_address& server, time_point now) {
    if (!auth_.is_valid()) return fail(turn_reason::bad_credentials);
    server_ = server;
    redirects_.visit(server, now);
    allocate(now);
  }
  /// Asks the server to delete the allocation (RFC 8656 section 8: a lifetime of 0).
  void release(time_point now) {
    const bool nothing_there =
        state_ == state::closed || (state_ == state::allocating && !control_.has_sent_signed());
    peers_.reset();
    if (nothing_there) return close(turn_action_type::released);
    state_ = state::releasing;
    ask(method::refresh, 0, now);
  }

  /// What `step` leaves to do.
  enum class step_result : std::uint8_t { idle, send, changed };

  /// Does what is due: `send` means `control().bytes()`, `changed` that an outcome was dealt with.
  [[nodiscard]] step_result step(time_point now) {
    if (state_ == state::ready && !control_.is_active() && now >= refresh_at_)
      ask(method::refresh, lifetime_wanted(), now);
    if (!control_.is_active()) return step_result::idle;
    if (control_.next(now)) return step_result::send;
    if (control_.is_active()) return step_result::idle;
    control_ended(nullptr, now);
    return step_result::changed;
  }
  [[nodiscard]] time_point deadline() const noexcept {
    if (control_.is_active()) return control_.deadline();
    return state_ == state::ready ? refresh_at_ : never;
  }

  /// Deals with the outcome of `control()`.
  /// Requires: `response` is there if the outcome is an answer that was received just now.
  void control_ended(const message_view* response, time_point now) {
    const request_outcome outcome = control_.outcome();
    if (state_ == state::releasing)  // 437 and 400 say that it is gone, silence that nobody cares
      return close(turn_action_type::released);
    if (state_ == state::restarting)  // coturn keeps the old 5-tuple for a while: take a new one
      return reconnect(turn_reason::allocation_lost, error_code::bad_request, after_backoff(now));
    if (outcome.result == request_result::success)
      return state_ == state::ready ? refreshed(*response, now) : allocated(*response, now);
    if (end_if_fatal(outcome, now)) return;
    if (state_ == state::allocating) return allocate_refused(outcome.code, response, now);
    // Refresh: 437 (RFC 8656 section 5), 400 (coturn) or 443: nothing there. Others: no use to us.
    lose(now);
  }

  /// The server has forgotten the allocation. Its 5-tuple is free then, so the same socket serves.
  void lose(time_point now) {
    const auto again = after_backoff(now);
    if (again > now) return reconnect(turn_reason::allocation_lost, error_code::none, again);
    tell(turn_action_type::lost);
    allocate(now);
  }
  /// Outcomes that mean the same whatever was asked; false if `outcome` is none of them.
  bool end_if_fatal(const request_outcome& outcome, time_point now) {
    switch (outcome.result) {
      case request_result::timed_out:
        return reconnect(turn_reason::timed_out, {}, after_backoff(now)), true;
      case request_result::integrity_violated:
        return reconnect(turn_reason::integrity_violated, {}, after_backoff(now)), true;
      case request_result::bid_down: return fail(turn_reason::bid_down), true;
      case request_result::no_algorithm: return fail(turn_reason::no_algorithm), true;
      case request_result::realm_changed: return fail(turn_reason::realm_changed), true;
      case request_result::untrusted_redirect:
        return fail(turn_reason::untrusted_redirect, error_code::try_alternate), true;
      case request_result::protocol_error: return fail(turn_reason::protocol_error), true;
      default: break;
    }
    switch (outcome.code) {
      case error_code::unauthenticated:
      case error_code::stale_nonce: return fail(turn_reason::bad_credentials, outcome.code), true;
      case error_code::wrong_credentials:
        return reconnect(turn_reason::address_in_use, outcome.code, after_backoff(now)), true;
      default: return false;
    }
  }

  /// A 400 to a peer's request: asks by Refresh whether the allocation lives. If it does, the
  /// peer was wrong, or (`out_of_step`) server and client disagree about a channel.
  void probe(bool out_of_step, time_point now) noexcept {
    probing_ = true;
    out_of_step_ = out_of_step_ || out_of_step;
    refresh_at_ = now;
  }
  /// Gives up on a peer, and says so.
  void refuse(turn_peer<C>& peer, error_code code) {
    peer.refuse();
    tell(turn_action_type::refused, peer.channel, code);
  }
  /// Queues something for the owner to do.
  void tell(turn_action_type type, std::uint16_t peer = 0, error_code code = error_code::none) {
    turn_action action;
    action.type = type;
    action.peer = peer;
    action.code = code;
    told_.push_back(action);
  }
  /// A time up to a tenth shorter, so that many clients do not come at once.
  [[nodiscard]] duration jittered(duration d) {
    return d - duration(static_cast<duration::rep>(
                   random_.below(static_cast<std::uint64_t>(d.count() / 10 + 1))));
  }

  /// Requests for peers go out right behind the signed Allocate: if they arrive in order, no round
  /// trip was spent on waiting, if not, they are sent again once it has been answered.
  [[nodiscard]] bool may_ask(const turn_peer<C>& peer) const noexcept {
    return state_ == state::ready ||
           (state_ == state::allocating && control_.has_sent_signed() && !peer.overtook);
  }
  [[nodiscard]] bool is_ready() const noexcept { return state_ == state::ready; }
  [[nodiscard]] request<C, turn_request>& control() noexcept { return control_; }
  [[nodiscard]] std::vector<turn_action>& told() noexcept { return told_; }
  /// The address that the server relays for, if it has given one of this family.
  [[nodiscard]] std::optional<socket_address> relayed(address_family family) const noexcept {
    return relayed_[index(family)];
  }
  /// How far the allocation of one family is.
  [[nodiscard]] turn_family_state family_state(address_family family) const noexcept {
    return families_[index(family)];
  }
  [[nodiscard]] std::optional<socket_address> mapped() const noexcept { return mapped_; }
  [[nodiscard]] std::string_view alternate_domain() const noexcept { return alternate_domain_; }

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
  void ask(method what, std::uint32_t lifetime, time_point now) {
    turn_request body;
    body.what = what;
    body.families = config_.families;
    body.lifetime = lifetime;
    body.dont_fragment = dont_fragment_;
    control_.start(body, auth_, random_, config_.requests, now);
  }
  [[nodiscard]] std::uint32_t lifetime_wanted() const noexcept {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(config_.lifetime).count());
  }
  void allocate(time_point now) {
    state_ = state::allocating;
    relayed_ = {};
    families_ = {};
    peers_.reset();
    probing_ = out_of_step_ = false;
    ask(method::allocate, lifetime_wanted(), now);
  }
  // Ends

  void close(turn_action_type type, turn_reason reason = turn_reason::none,
             error_code code = error_code::none, time_point not_before = never,
             const socket_address& to = {}) {
    state_ = state::closed;
    control_.cancel();
    peers_.reset();
    turn_action action;
    action.type = type;
    action.reason = reason;
    action.code = code;
    action.deadline = not_before;
    action.address = to;
    told_.push_back(action);
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
  void allocate_refused(error_code code, const message_view* response, time_point now) {
    switch (code) {
      case error_code::try_alternate: {
        const auto to = redirects_.follow(*response, server_, now);
        if (!to) return fail(turn_reason::bad_redirect, code);
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
      default: return fail(turn_reason::refused, code);
    }
  }

  void allocated(const message_view& response, time_point now) {
    for (const attribute& a : response.attributes()) {
      if (a.type != attribute_type::xor_relayed_address) continue;
      const auto address = read_xor_address(a, response.id());
      if (!address || address->port == 0 || !is_acceptable(address->ip))
        return fail(turn_reason::protocol_error);
      const auto family = address->ip.is_v4() ? address_family::v4 : address_family::v6;
      if (wants(family) && !relayed_[index(family)]) relayed_[index(family)] = *address;
    }
    if (!relayed_[0] && !relayed_[1]) return fail(turn_reason::protocol_error);
    const auto refused = response.find(attribute_type::address_error_code);
    const auto why = refused ? read_address_error(*refused) : std::nullopt;
    for (const auto family : {address_family::v4, address_family::v6}) {
      auto& to = families_[index(family)];
      if (!wants(family)) to = turn_family_state::not_requested;
      else if (relayed_[index(family)]) to = turn_family_state::allocated;
      else if (!why || why->family != family) to = turn_family_state::ignored;
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
      peers_.reset();
      out_of_step_ = false;
      state_ = state::restarting;
      return ask(method::refresh, 0, now);
    }
    if (!std::exchange(probing_, false)) return;
    for (turn_peer<C>& peer : peers_)  // the allocation is well, so the peer's address was not
      if (std::exchange(peer.suspected, false)) refuse(peer, error_code::bad_request);
  }

  const turn_config& config_;
  authenticator<C>& auth_;
  random_source& random_;
  turn_peers<C>& peers_;
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
  bool probing_ = false;
  bool out_of_step_ = false;
  std::vector<turn_action> told_;
};

}  // namespace lockgate::inline v0::stun

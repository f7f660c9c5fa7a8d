// One peer of a TURN allocation: its permission, its channel, and what a lost one of them means.
#pragma once

#include "lockgate/base/clock.hpp"    // for time_point
#include "lockgate/stun/request.hpp"  // for request
#include "lockgate/turn/types.hpp"    // for turn_request

#include <chrono>   // for seconds
#include <cstdint>  // for uint8_t, uint16_t

namespace lockgate::inline v0::stun {

/// What a peer's request ended with, as far as the allocation is concerned.
enum class peer_verdict : std::uint8_t {
  none,
  permitted,
  bound,
  refused,
  too_early,    ///< the server has no allocation yet: the request overtook Allocate
  gone,         ///< the server has no allocation any more
  suspicious,   ///< 400: a bad peer, or (coturn) no allocation: ask with Refresh
  out_of_step,  ///< 400 to ChannelBind: as above, and if there is one it must be deleted
                ///< (RFC 8656 section 12.3)
  fatal,        ///< the outcome concerns the whole allocation
};

/// A peer's permission and channel. They are asked for together: whichever is answered first lets
/// data through, and the channel's refreshes keep the permission alive too (RFC 8656 section 12).
template <crypto C>
struct turn_peer {
  static constexpr auto permission_life = std::chrono::seconds(300);  // RFC 8656 section 9
  static constexpr auto channel_life = std::chrono::seconds(600);     // RFC 8656 section 12
  static constexpr auto channel_rest = std::chrono::seconds(300);     // before reuse, section 12
  /// Leaves a whole transaction (39.5 s) before the permission expires.
  static constexpr auto refresh_interval = std::chrono::seconds(240);
  static constexpr auto busy_pause = std::chrono::seconds(60);  // after 486 and 508

  /// What the server grants this peer so far.
  enum class stage : std::uint8_t { none, permitted, bound, refused };

  socket_address address;
  std::uint16_t channel = 0;
  stage reached = stage::none;
  bool wanted = false;
  bool overtook = false;   ///< was refused before the allocation existed
  bool suspected = false;  ///< a 400 waits for the allocation's proof of life
  request<C, turn_request> permission;
  request<C, turn_request> binding;
  time_point permission_due = time_point::min();
  time_point binding_due = time_point::min();
  time_point reusable_at = time_point::min();  ///< when another peer may have the channel

  /// Forgets what a former allocation granted.
  void reset() noexcept {
    permission.cancel();
    binding.cancel();
    reached = stage::none;
    overtook = suspected = false;
    permission_due = binding_due = reusable_at = time_point::min();
  }
  /// The server will not have this peer.
  void refuse() noexcept {
    permission.cancel();
    binding.cancel();
    reached = stage::refused;
    permission_due = binding_due = never;
  }
  /// Whether data may go out: the server has granted it, or has just been asked and will have
  /// processed that first unless the network reorders.
  [[nodiscard]] bool may_send() const noexcept {
    return reached == stage::permitted || reached == stage::bound ||
           (reached == stage::none && permission.has_sent_signed());
  }

  /// Takes the outcome of `permission` or `binding`; `later` is a refresh interval with jitter.
  [[nodiscard]] peer_verdict request_ended(bool is_binding, time_point now, duration later,
                                           bool allocated) noexcept {
    const auto outcome = (is_binding ? binding : permission).outcome();
    auto& due = is_binding ? binding_due : permission_due;
    if (outcome.result == request_result::success) {
      due = now + later;
      if (is_binding) {
        permission_due = never;
        permission.cancel();
        const bool renewed = reached == stage::bound;
        reached = stage::bound;
        return renewed ? peer_verdict::none : peer_verdict::bound;
      }
      const bool first = reached == stage::none || reached == stage::refused;
      if (reached == stage::refused)  // the server was busy, and is no more
        binding_due = now;
      if (first) reached = stage::permitted;
      return first ? peer_verdict::permitted : peer_verdict::none;
    }
    if (outcome.result != request_result::error) return peer_verdict::fatal;
    const bool mismatch = outcome.code == error_code::allocation_mismatch;
    if (!allocated && (mismatch || outcome.code == error_code::bad_request)) {
      due = time_point::min();
      overtook = true;
      return peer_verdict::too_early;
    }
    due = never;
    switch (outcome.code) {
      case error_code::allocation_mismatch: return peer_verdict::gone;
      case error_code::bad_request:
        suspected = true;
        return is_binding ? peer_verdict::out_of_step : peer_verdict::suspicious;
      case error_code::unauthenticated:
      case error_code::stale_nonce:
      case error_code::wrong_credentials: return peer_verdict::fatal;
      case error_code::forbidden:
      case error_code::peer_family_mismatch: refuse(); return peer_verdict::refused;
      default: break;
    }
    if (is_binding) {  // Send indications do as well; the permission must be refreshed then
      if (reached == stage::bound) reached = stage::permitted;
      if (permission_due == never) permission_due = now;
      return peer_verdict::none;
    }
    const bool busy = outcome.code == error_code::allocation_quota_reached ||
                      outcome.code == error_code::insufficient_capacity;
    refuse();
    if (busy) permission_due = now + busy_pause;
    return peer_verdict::refused;
  }
};

}  // namespace lockgate::inline v0::stun

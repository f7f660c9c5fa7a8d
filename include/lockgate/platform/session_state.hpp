// The states of a session, the rows of the table, and the reasons for dropping a message, by name.
#pragma once

#include <cstdint>      // for uint8_t
#include <string_view>  // for string_view

namespace lockgate::inline v0 {

/// Where an instance is in its life; from ESTABLISHING to TERMINATING it has a session.
enum class session_state : std::uint8_t {
  created,       ///< not registered, or a registration failed
  registering,   ///< registration is being decided
  establishing,  ///< establish_session runs; calls are held
  idle,          ///< the session is up; nobody needs it
  activating,    ///< transition_active runs
  active,        ///< ids, peers and messages are served
  deactivating,  ///< ids are removed and transition_dormant runs
  terminating,   ///< rows are run down and terminate_session runs
  ended,         ///< over, but the provider still owes deregister (G17)
  deregistered,  ///< over for good
};
/// How many states there are.
inline constexpr int session_state_count = 10;

[[nodiscard]] constexpr std::string_view to_string(session_state state) noexcept {
  switch (state) {
    case session_state::created: return "CREATED";
    case session_state::registering: return "REGISTERING";
    case session_state::establishing: return "ESTABLISHING";
    case session_state::idle: return "IDLE";
    case session_state::activating: return "ACTIVATING";
    case session_state::active: return "ACTIVE";
    case session_state::deactivating: return "DEACTIVATING";
    case session_state::terminating: return "TERMINATING";
    case session_state::ended: return "ENDED";
    case session_state::deregistered: return "DEREGISTERED";
  }
  return "unknown";
}

/// A row of the dispatch table.
enum class row : std::uint8_t {
  none,
  establish_session,
  terminate_session,
  transition_active,
  transition_dormant,
  add_transport_id,
  remove_transport_id,
  reach_transport_id,
  send_buffers,
};

[[nodiscard]] constexpr std::string_view to_string(row r) noexcept {
  switch (r) {
    case row::none: return "none";
    case row::establish_session: return "establish_session";
    case row::terminate_session: return "terminate_session";
    case row::transition_active: return "transition_active";
    case row::transition_dormant: return "transition_dormant";
    case row::add_transport_id: return "add_transport_id";
    case row::remove_transport_id: return "remove_transport_id";
    case row::reach_transport_id: return "reach_transport_id";
    case row::send_buffers: return "send_buffers";
  }
  return "unknown";
}

/// Why a message was not delivered or not sent.
enum class drop_cause : std::uint8_t {
  not_active,         ///< indicated while the instance was not active (G6)
  unknown_id,         ///< indicated to an id that no endpoint here has (G33)
  empty,              ///< indicated without a byte
  queue_full,         ///< the endpoint's receive queue is at its bound
  endpoint_closed,    ///< received, but the endpoint or the receiver was gone before it was read
  send_failed,        ///< taken over by the platform, then refused by route or provider
  signal_queue_full,  ///< a signal nobody collected in time
};
/// How many causes there are.
inline constexpr int drop_cause_count = 7;

[[nodiscard]] constexpr std::string_view to_string(drop_cause cause) noexcept {
  switch (cause) {
    case drop_cause::not_active: return "not_active";
    case drop_cause::unknown_id: return "unknown_id";
    case drop_cause::empty: return "empty";
    case drop_cause::queue_full: return "queue_full";
    case drop_cause::endpoint_closed: return "endpoint_closed";
    case drop_cause::send_failed: return "send_failed";
    case drop_cause::signal_queue_full: return "signal_queue_full";
  }
  return "unknown";
}

}  // namespace lockgate::inline v0

// What the platform tells an observer: one small event for every step.
#pragma once

#include "lockgate/base/clock.hpp"                   // for time_point
#include "lockgate/base/status.hpp"                  // for status
#include "lockgate/base/transport_id.hpp"            // for transport_id
#include "lockgate/platform/session_state.hpp"       // for session_state, row, drop_cause
#include "lockgate/provider/termination_reason.hpp"  // for termination_reason

#include <cstdint>      // for uint64_t, uint32_t, uint8_t
#include <string_view>  // for string_view
#include <type_traits>  // for is_trivially_copyable_v

namespace lockgate::inline v0 {

/// What happened. The comments say which members of `event` mean something.
enum class event_kind : std::uint8_t {
  instance_created,    ///< `instance`
  registration_ended,  ///< `result`: granted or why not
  state_changed,       ///< `from`, `to`
  row_began,           ///< `which`, `id` where the row has one; `amount` messages of send_buffers
  row_ended,           ///< the same, and `result`
  row_threw,           ///< `which`: an exception left the row; the session ends (U16)
  task_threw,          ///< an exception left a spawned task; the session ends (U16)
  row_overran,         ///< `which` passed its time limit and was asked to stop (U15)
  provider_stuck,      ///< `which` went on after its grace time; draining waits for it (U15)
  call_pended,         ///< a provider's call is held until establish_session ends (G5)
  call_resumed,        ///< it is carried out
  call_refused,        ///< it is not: `result`
  session_ending,      ///< `reason`
  endpoint_opened,     ///< `endpoint`
  endpoint_ready,      ///< `endpoint`, `id`: its transport id is fixed (U27)
  endpoint_closed,     ///< `endpoint`
  path_opened,         ///< `id`: the peer, reached through `instance`
  path_closed,         ///< `id`: reach must be asked again
  send_refused,        ///< `id`: no way to the peer; `result`
  message_sent,        ///< `id`: the peer; `amount` bytes
  message_received,    ///< `id`: the peer; `amount` bytes
  message_dropped,     ///< `cause`
  signal_sent,         ///< `id`: the peer
  signal_received,     ///< `id`: the peer
};

[[nodiscard]] constexpr std::string_view to_string(event_kind kind) noexcept {
  switch (kind) {
    case event_kind::instance_created: return "instance_created";
    case event_kind::registration_ended: return "registration_ended";
    case event_kind::state_changed: return "state_changed";
    case event_kind::row_began: return "row_began";
    case event_kind::row_ended: return "row_ended";
    case event_kind::row_threw: return "row_threw";
    case event_kind::task_threw: return "task_threw";
    case event_kind::row_overran: return "row_overran";
    case event_kind::provider_stuck: return "provider_stuck";
    case event_kind::call_pended: return "call_pended";
    case event_kind::call_resumed: return "call_resumed";
    case event_kind::call_refused: return "call_refused";
    case event_kind::session_ending: return "session_ending";
    case event_kind::endpoint_opened: return "endpoint_opened";
    case event_kind::endpoint_ready: return "endpoint_ready";
    case event_kind::endpoint_closed: return "endpoint_closed";
    case event_kind::path_opened: return "path_opened";
    case event_kind::path_closed: return "path_closed";
    case event_kind::send_refused: return "send_refused";
    case event_kind::message_sent: return "message_sent";
    case event_kind::message_received: return "message_received";
    case event_kind::message_dropped: return "message_dropped";
    case event_kind::signal_sent: return "signal_sent";
    case event_kind::signal_received: return "signal_received";
  }
  return "unknown";
}

/// One step of the platform. Which members mean something is said at each `event_kind`.
struct event {
  time_point at;
  std::uint64_t endpoint = 0;
  transport_id id;
  status result;
  std::uint32_t instance = 0;
  std::uint32_t amount = 0;
  event_kind kind = event_kind::instance_created;
  row which = row::none;
  session_state from = session_state::created;
  session_state to = session_state::created;
  termination_reason reason = termination_reason::provider_request;
  drop_cause cause = drop_cause::not_active;
};
static_assert(std::is_trivially_copyable_v<event> && sizeof(event) <= 72);

}  // namespace lockgate::inline v0

// The life of a session, in the order in which it happens.
#pragma once

#include "lockgate/base/config.hpp"                     // for LOCKGATE_INLINE
#include "lockgate/coro/sleep.hpp"                      // for yield
#include "lockgate/coro/timed_wait.hpp"                 // for wait_until
#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/instance_state.hpp"  // for instance_state
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/session.hpp"         // for session

#include <utility>  // for exchange

namespace lockgate::inline v0::detail {

/// The whole protocol: its text is the state machine.
LOCKGATE_INLINE task<> session::life() {
  const row_limits establish_limits{platform_.options.establish_timeout, false};
  co_await indicate_row(row::establish_session, &any_provider::establish_session, establish_limits,
                        instance(*this));

  if (!ending_.has_begun) {
    const bool held = open_gate();
    if (held) co_await yield();  // callers go on before the first demand is served
  }

  while (!ending_.has_begun) {
    while (!ending_.has_begun && !demand_is_due()) co_await wait_until(wake_, demand_retry());
    if (ending_.has_begun) break;
    enter(session_state::activating);
    const status activated =
        co_await run_row(row::transition_active, &any_provider::transition_active);
    if (!activated.ok()) {
      back_off(activated);
      continue;
    }
    become_active();
    const status served = co_await serve_until_unused();
    const status dormant = co_await go_dormant();
    if (!served.ok() || !dormant.ok())
      end(termination_reason::provider_other_failure);  // out of memory
  }

  enter(session_state::terminating);
  status waited;
  while (!is_quiet() && waited.ok())
    waited = co_await wait_until(something_ended(), ending_.wait_until);
  co_await indicate_row(row::terminate_session, &any_provider::terminate_session, may_abandon(),
                        ending_.reason);
  while (!is_quiet()) co_await something_ended().wait();
}

/// The session is up: what was held back is carried out, in order, and later calls come after it.
/// True if something was.
LOCKGATE_INLINE bool session::open_gate() noexcept {
  enter(session_state::idle);
  gate_open_ = true;
  const bool held = !held_.empty();
  while (!held_.empty()) {
    auto& call = static_cast<instance_call&>(held_.pop_front());
    trace_.tell(event_kind::call_resumed);
    carry_out(call);
  }
  return held;
}

LOCKGATE_INLINE bool session::is_wanted() const noexcept {
  return !activation_waiters_.empty() || platform_.standing_demand > 0 || signals_.is_demand();
}

/// Somebody needs the instance, and its last failure, if any, has been backed off.
LOCKGATE_INLINE bool session::demand_is_due() const noexcept {
  return is_wanted() && platform_.home.now() >= backoff_.retry_at();
}
LOCKGATE_INLINE time_point session::demand_retry() const noexcept {
  return is_wanted() ? backoff_.retry_at() : never;
}

/// A failed activation leaves the session idle; the next demand may try again after a while (U21).
LOCKGATE_INLINE void session::back_off(status why) noexcept {
  if (ending_.has_begun) return;
  backoff_.failed(home().now(), platform_.options);
  signals_.set_demand(false);
  enter(session_state::idle);
  activation_waiters_.complete_all(why == errc::no_memory ? why : errc::activation_failed);
}

/// ACTIVE begins the moment the row has answered, so that an indication right after it works (U6).
LOCKGATE_INLINE void session::become_active() noexcept {
  if (state_ != session_state::activating || ending_.has_begun) return;
  backoff_.succeeded();
  signals_.set_demand(false);
  used_ = true;
  enter(session_state::active);
  for (endpoint_state& endpoint : platform_.endpoints) endpoint_opened(endpoint);
  activation_waiters_.complete_all();
}

/// Serves ids until nobody has needed the instance for the idle time. Messages and reaches do not
/// pass here: each path has a coroutine of its own.
LOCKGATE_INLINE task<status> session::serve_until_unused() {
  time_point look_again = saturating_add(home().now(), platform_.options.idle_time);
  while (!ending_.has_begun) {
    id_binding* const changing = ids_.next_to_change(*this);
    if (changing) {
      const status changed = co_await change_binding(changing);
      if (changed.ok()) continue;
      if (changing->endpoint) refuse_binding(*changing, changed);
      else ids_.remove(*changing);
      continue;
    }
    const status woken = co_await wait_until(wake_, look_again);
    if (woken != errc::timed_out) continue;
    for (endpoint_state& e : platform_.endpoints) endpoint_opened(e);  // if memory was short before
    const bool is_needed = platform_.standing_demand > 0 || inquiries_ > 0 || outbox_.is_busy();
    if (!std::exchange(used_, is_needed) && !is_needed) break;
    look_again = saturating_add(home().now(), platform_.options.idle_time);
  }
  co_return status();
}

/// Completes: with success, whatever the rows said; with no_memory if it could not begin.
LOCKGATE_INLINE task<status> session::change_binding(id_binding* binding) {
  if (binding->at == id_binding::stage::leaving) {
    binding->at = id_binding::stage::changing;
    static_cast<void>(co_await run_row(row::remove_transport_id, &any_provider::remove_transport_id,
                                       binding->id));
    ids_.remove(*binding);
    co_return status();
  }
  binding->at = id_binding::stage::changing;
  const status added = co_await propose_ids(binding);
  if (!binding->endpoint) {  // closed meanwhile
    if (!added.ok()) ids_.remove(*binding);
    else binding->at = id_binding::stage::leaving;
  } else if (!added.ok()) {
    refuse_binding(*binding, added);
  } else {
    binding->at = id_binding::stage::added;
    binding->decided.complete_all();
  }
  co_return status();
}

/// Adds the endpoint's id, or finds one that the provider accepts (G35, U22, U27).
LOCKGATE_INLINE task<status> session::propose_ids(id_binding* binding) {
  if (binding->endpoint->is_ready()) {
    binding->id = binding->endpoint->id();
    co_return co_await run_row(row::add_transport_id, &any_provider::add_transport_id, binding->id);
  }
  const transport_id proposed = binding->endpoint->proposed_id();
  if (!proposed.is_nil() && !ids_.may_propose(proposed)) co_return errc::duplicate_transport_id;
  binding->endpoint->begin_negotiation(*this);
  status added = errc::unreachable;
  for (int attempt = 0; attempt < platform_.options.add_attempts; ++attempt) {
    binding->id = proposed.is_nil() ? platform_.make_id() : proposed;
    added = co_await run_row(row::add_transport_id, &any_provider::add_transport_id, binding->id);
    if (added.ok() || added == errc::no_memory || !proposed.is_nil() || ending_.has_begun ||
        !binding->endpoint)
      break;
  }
  if (!binding->endpoint) co_return added;
  if (added.ok()) {
    added = binding->endpoint->accept_id(binding->id);
    const bool is_held = !added.ok() && !ending_.has_begun;  // at the end it goes with the session
    if (is_held)
      static_cast<void>(co_await run_row(row::remove_transport_id,
                                         &any_provider::remove_transport_id, binding->id));
  } else if (added != errc::no_memory) {
    added = proposed.is_nil() ? errc::unreachable : errc::duplicate_transport_id;
  }
  if (binding->endpoint) binding->endpoint->end_negotiation();
  co_return added;
}

/// Nobody needs the instance: no new messages, those under way are awaited, ids go, then the
/// notice.
LOCKGATE_INLINE task<status> session::go_dormant() {
  if (ending_.has_begun) co_return status();
  outbox_.flush();
  enter(session_state::deactivating);
  close_paths();
  while (!ending_.has_begun && !rows_.empty()) co_await something_ended().wait();
  while (!ending_.has_begun && !ids_.empty()) {
    id_binding& binding = ids_.front();
    if (binding.at == id_binding::stage::added || binding.at == id_binding::stage::leaving) {
      binding.at = id_binding::stage::leaving;
      const status changed = co_await change_binding(&binding);
      if (!changed.ok()) co_return changed;
    } else {
      ids_.remove(binding);
    }
  }
  if (ending_.has_begun) co_return status();
  if (provider_.table().transition_dormant)
    static_cast<void>(co_await run_row(row::transition_dormant, &any_provider::transition_dormant));
  if (!ending_.has_begun) enter(session_state::idle);
  co_return status();
}

/// Nothing is sent from here on; peers must be reached anew (G38, U23).
LOCKGATE_INLINE void session::close_paths() noexcept {
  ids_.forget_last();
  while (!paths_.empty()) paths_.front().route_lost();
}

LOCKGATE_INLINE void session::life_ended() noexcept {
  ids_.clear();
  list_link<session>::unlink();
  of_.session_over();
}

LOCKGATE_INLINE void session::enter(session_state next) noexcept {
  if (next == state_) return;
  trace_.tell_state(state_, next, ending_.reason);
  state_ = next;
  for (endpoint_state& endpoint : platform_.endpoints) endpoint.update_proposal();
}

}  // namespace lockgate::inline v0::detail

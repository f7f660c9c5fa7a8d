// The life of a session, in the order in which it happens.
#pragma once

#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/session.hpp"         // for session

#include <algorithm>  // for min
#include <utility>    // for exchange, move

namespace lockgate::inline v0::detail {

/// The whole protocol: its text is the state machine.
inline task<> session::life() {
  tell_row(event_kind::row_began, row::establish_session);
  const row_limits establish_limits{platform_.options.establish_timeout, false};
  const status established =
      co_await indication_.run(*this, row::establish_session,
                               provider_.establish_session(instance(*this)), establish_limits);
  tell_row(event_kind::row_ended, row::establish_session, established);

  if (!ending_) {
    const bool held = open_gate();
    if (held) co_await yield();  // callers go on before the first demand is served
  }

  while (!ending_) {
    while (!ending_ && !demand_is_due()) co_await wait_until(wake_, demand_retry());
    if (ending_) break;
    const status activated = co_await activate();
    if (!activated.ok()) {
      back_off(activated);
      continue;
    }
    const status unused = co_await serve_until_unused();
    const status dormant = co_await go_dormant();
    if (!unused.ok() || !dormant.ok())
      end(termination_reason::provider_other_failure);  // out of memory
  }

  enter(session_state::terminating);
  status waited;
  while (!is_quiet() && waited.ok()) waited = co_await wait_until(quiet(), patience_);
  tell_row(event_kind::row_began, row::terminate_session);
  const status terminated = co_await indication_.run(
      *this, row::terminate_session, provider_.terminate_session(reason_), may_abandon());
  tell_row(event_kind::row_ended, row::terminate_session, terminated);
  while (!is_quiet()) co_await quiet().wait();
}

/// The session is up: what was held back is carried out, in order, and later calls come after it.
/// True if something was.
inline bool session::open_gate() noexcept {
  enter(session_state::idle);
  gate_open_ = true;
  const bool held = !held_.empty();
  while (!held_.empty()) {
    auto& call = static_cast<instance_call&>(held_.pop_front());
    tell(event_kind::call_resumed);
    carry_out(call);
  }
  return held;
}

inline bool session::is_wanted() const noexcept {
  return !activation_waiters_.empty() || platform_.standing_demand > 0 || signal_demand_;
}

/// Somebody needs the instance, and its last failure, if any, has been backed off.
inline bool session::demand_is_due() const noexcept {
  return is_wanted() && platform_.home.now() >= retry_at_;
}
inline time_point session::demand_retry() const noexcept {
  return is_wanted() ? retry_at_ : never;
}

inline task<status> session::activate() {
  enter(session_state::activating);
  tell_row(event_kind::row_began, row::transition_active);
  const status activated = co_await control_.run(*this, row::transition_active,
                                                 provider_.transition_active(), may_abandon());
  tell_row(event_kind::row_ended, row::transition_active, activated);
  if (activated.ok()) become_active();
  co_return activated;
}

/// A failed activation leaves the session idle; the next demand may try again after a while (U21).
inline void session::back_off(status why) noexcept {
  if (ending_) return;
  const platform_options& o = platform_.options;
  backoff_ = backoff_ == duration::zero() ? o.first_backoff
                                          : std::min(backoff_ + backoff_, o.longest_backoff);
  retry_at_ = saturating_add(home().now(), backoff_);
  signal_demand_ = false;
  enter(session_state::idle);
  activation_waiters_.complete_all(why == errc::no_memory ? why : errc::activation_failed);
}

/// ACTIVE begins the moment the row has answered, so that an indication right after it works (U6).
inline void session::become_active() noexcept {
  if (state_ != session_state::activating || ending_) return;
  backoff_ = duration::zero();
  signal_demand_ = false;
  used_ = true;
  enter(session_state::active);
  for (endpoint_state& endpoint : platform_.endpoints) endpoint_opened(endpoint);
  activation_waiters_.complete_all();
}

/// Serves ids until nobody has needed the instance for the idle time. Messages and reaches do not
/// pass here: each path has a coroutine of its own.
inline task<status> session::serve_until_unused() {
  time_point look_again = saturating_add(home().now(), platform_.options.idle_time);
  while (!ending_) {
    id_binding* const changing = binding_to_change();
    if (changing) {
      const status changed = co_await change_binding(changing);
      if (changed.ok()) continue;
      if (changing->endpoint) refuse_binding(*changing, changed);
      else remove_binding(*changing);
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

inline id_binding* session::binding_to_change() noexcept {
  for (id_binding& b : bindings_) {
    if (b.at == id_binding::stage::leaving) return &b;
    if (b.at == id_binding::stage::wanted &&
        (b.endpoint->is_ready() || b.endpoint->may_negotiate(*this)))
      return &b;
  }
  return nullptr;
}

/// Completes: with success, whatever the rows said; with no_memory if it could not begin.
inline task<status> session::change_binding(id_binding* binding) {
  if (binding->at == id_binding::stage::leaving) {
    binding->at = id_binding::stage::changing;
    static_cast<void>(co_await remove_id(binding->id));
    remove_binding(*binding);
    co_return status();
  }
  binding->at = id_binding::stage::changing;
  const status added = co_await propose_ids(binding);
  if (!binding->endpoint) {  // closed meanwhile
    if (!added.ok()) remove_binding(*binding);
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
inline task<status> session::propose_ids(id_binding* binding) {
  if (binding->endpoint->is_ready()) {
    binding->id = binding->endpoint->id();
    co_return co_await add_id(binding->id);
  }
  const transport_id proposed = binding->endpoint->proposed_id();
  if (!proposed.is_nil() && !may_propose(proposed)) co_return errc::duplicate_transport_id;
  binding->endpoint->begin_negotiation(*this);
  status added = errc::unreachable;
  for (int attempt = 0; attempt < platform_.options.add_attempts; ++attempt) {
    binding->id = proposed.is_nil() ? platform_.make_id() : proposed;
    added = co_await add_id(binding->id);
    if (added.ok() || added == errc::no_memory || !proposed.is_nil() || ending_ ||
        !binding->endpoint)
      break;
  }
  if (!binding->endpoint) co_return added;
  if (added.ok()) {
    added = binding->endpoint->accept_id(binding->id);
    const bool is_held = !added.ok() && !ending_;  // at the end it goes with the session
    if (is_held) static_cast<void>(co_await remove_id(binding->id));
  } else if (added != errc::no_memory) {
    added = proposed.is_nil() ? errc::unreachable : errc::duplicate_transport_id;
  }
  if (binding->endpoint) binding->endpoint->end_negotiation();
  co_return added;
}

inline task<status> session::remove_id(transport_id id) {
  tell_row(event_kind::row_began, row::remove_transport_id, {}, id);
  const status removed = co_await control_.run(*this, row::remove_transport_id,
                                               provider_.remove_transport_id(id), may_abandon());
  tell_row(event_kind::row_ended, row::remove_transport_id, removed, id);
  co_return removed;
}

inline task<status> session::add_id(transport_id id) {
  tell_row(event_kind::row_began, row::add_transport_id, {}, id);
  const status added = co_await control_.run(*this, row::add_transport_id,
                                             provider_.add_transport_id(id), may_abandon());
  tell_row(event_kind::row_ended, row::add_transport_id, added, id);
  co_return added;
}

/// Nobody needs the instance: no new messages, those under way are awaited, ids go, then the
/// notice.
inline task<status> session::go_dormant() {
  if (ending_) co_return status();
  outbox_.flush();
  enter(session_state::deactivating);
  close_paths();
  while (!ending_ && !rows_.empty()) co_await quiet().wait();
  while (!ending_ && !bindings_.empty()) {
    id_binding& binding = bindings_.front();
    if (binding.at == id_binding::stage::added || binding.at == id_binding::stage::leaving) {
      binding.at = id_binding::stage::leaving;
      const status changed = co_await change_binding(&binding);
      if (!changed.ok()) co_return changed;
    } else {
      remove_binding(binding);
    }
  }
  if (ending_) co_return status();
  if (provider_.table().transition_dormant) {
    tell_row(event_kind::row_began, row::transition_dormant);
    const status dormant = co_await control_.run(*this, row::transition_dormant,
                                                 provider_.transition_dormant(), may_abandon());
    tell_row(event_kind::row_ended, row::transition_dormant, dormant);
  }
  if (!ending_) enter(session_state::idle);
  co_return status();
}

inline void session::add_path(path& p) noexcept {
  paths_.push_back(p);
}

/// Nothing is sent from here on; peers must be reached anew (G38, U23).
inline void session::close_paths() noexcept {
  last_endpoint_ = nullptr;
  while (!paths_.empty()) paths_.front().route_lost();
}

/// life() has ended and its frame may go.
inline void session::finish_life() noexcept {
  life_.work.reset();
  while (!bindings_.empty()) remove_binding(bindings_.front());
  platform_.names.give_back_name(name_);
  list_link<session>::unlink();
  platform_.instances.push_back(*this);
  enter(deregister_called_ ? session_state::deregistered : session_state::ended);
  drained_.complete_all();
  platform_.session_drained.complete_all();
  delete_if_abandoned();
}

/// The end begins here, whoever asks for it: the first reason counts, and nobody is left waiting
/// behind a row that may never return (U16, U18).
inline void session::end(termination_reason reason, const void* caller) noexcept {
  if (ending_ || state_ < session_state::establishing || state_ > session_state::deactivating)
    return;
  ending_ = true;
  reason_ = reason;
  ended_by_ = caller;
  const bool nothing_runs = is_quiet() && !launching;  // the usual end reads no clock
  patience_ = nothing_runs ? never : saturating_add(home().now(), platform_.options.row_grace);
  platform_.tell(event_kind::session_ending, id_, [&](event& e) { e.reason = reason; });
  if (state_ != session_state::establishing) enter(session_state::terminating);
  outbox_.flush();
  refuse_callers();
  for (row_call_base& call : rows_)
    if (&call != caller) call.ask_to_stop(platform_.options.row_grace);
  for (row_call_base* call = launching; call; call = call->launched_inside())
    if (call != caller) call->ask_to_stop(platform_.options.row_grace);
  tasks_.request_stop();
  wake();
  quiet().complete_all();
}

inline void session::refuse_callers() noexcept {
  while (!held_.empty()) {
    platform_.tell(event_kind::call_refused, id_, [](event& e) { e.result = errc::terminated; });
    held_.front().complete(errc::terminated);
  }
  activation_waiters_.complete_all(errc::terminated);
  signal_waiters_.complete_all(errc::terminated);
  for (id_binding& b : bindings_) b.decided.complete_all(errc::terminated);
  close_paths();
}

/// A session can be ended before its establish_session has begun, which runs all the same (G11),
/// and by a row in its first step, which is not stopped for that.
inline void session::row_suspended(row_call_base& call) noexcept {
  rows_.push_back(call);
  if (ending_ && &call != ended_by_ && call.which() != row::terminate_session)
    call.ask_to_stop(platform_.options.row_grace);
}
inline void session::row_overran(row_call_base& call) noexcept {
  tell_row(event_kind::row_overran, call.which());
  end(termination_reason::provider_timeout);
  call.ask_to_stop(platform_.options.row_grace);
}
inline void session::row_stuck(row_call_base& call) noexcept {
  ++statistics_.late_rows;
  tell_row(event_kind::provider_stuck, call.which());
}
inline void session::row_threw(row which, const std::exception_ptr&) noexcept {
  tell_row(event_kind::row_threw, which);
  end(termination_reason::provider_other_failure);
}
inline void session::task_threw(const std::exception_ptr&) noexcept {
  tell(event_kind::task_threw);
  end(termination_reason::provider_other_failure);
}
inline void session::row_answered(row_call_base& call) noexcept {
  if (&call == &control_ && call.which() == row::transition_active && control_.peek().ok())
    become_active();
}

inline void session::enter(session_state next) noexcept {
  if (next == state_) return;
  platform_.tell(event_kind::state_changed, id_, [&](event& e) {
    e.from = state_;
    e.to = next;
    e.reason = reason_;
  });
  state_ = next;
  for (endpoint_state& endpoint : platform_.endpoints) endpoint.update_proposal();
}

}  // namespace lockgate::inline v0::detail

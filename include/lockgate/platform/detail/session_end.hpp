// How a session begins to end, and what its rows report.
#pragma once

#include "lockgate/base/config.hpp"              // for LOCKGATE_INLINE
#include "lockgate/platform/detail/path.hpp"     // for path
#include "lockgate/platform/detail/session.hpp"  // for session

namespace lockgate::inline v0::detail {

/// The end begins here, whoever asks for it: the first reason counts, and nobody is left waiting
/// behind a row that may never return (U16, U18).
LOCKGATE_INLINE void session::end(termination_reason reason, const void* caller) noexcept {
  if (ending_.has_begun || state_ < session_state::establishing ||
      state_ > session_state::deactivating)
    return;
  const bool nothing_runs = is_quiet() && !launching;  // the usual end reads no clock
  ending_ = {true, reason, caller,
             nothing_runs ? never : saturating_add(home().now(), platform_.options.row_grace)};
  trace_.tell(event_kind::session_ending, [&](event& e) { e.reason = reason; });
  if (state_ != session_state::establishing) enter(session_state::terminating);
  outbox_.flush();
  refuse_callers();
  for (row_call_base& call : rows_)
    if (&call != caller) call.ask_to_stop(platform_.options.row_grace);
  for (row_call_base* call = launching; call; call = call->launched_inside())
    if (call != caller) call->ask_to_stop(platform_.options.row_grace);
  tasks_.request_stop();
  wake();
  something_ended().complete_all();
}

LOCKGATE_INLINE void session::refuse_callers() noexcept {
  while (!held_.empty()) {
    trace_.tell(event_kind::call_refused, [](event& e) { e.result = errc::terminated; });
    held_.front().complete(errc::terminated);
  }
  activation_waiters_.complete_all(errc::terminated);
  signals_.refuse_waiters(errc::terminated);
  ids_.refuse_waiters(errc::terminated);
  close_paths();
}

/// A session can be ended before its establish_session has begun, which runs all the same (G11),
/// and by a row in its first step, which is not stopped for that.
LOCKGATE_INLINE void session::row_suspended(row_call_base& call) noexcept {
  rows_.push_back(call);
  if (ending_.has_begun && &call != ending_.asked_by && call.which() != row::terminate_session)
    call.ask_to_stop(platform_.options.row_grace);
}
LOCKGATE_INLINE void session::row_overran(row_call_base& call) noexcept {
  trace_.tell_row(event_kind::row_overran, call.which());
  end(termination_reason::provider_timeout);
  call.ask_to_stop(platform_.options.row_grace);
}
LOCKGATE_INLINE void session::row_stuck(row_call_base& call) noexcept {
  trace_.count_late_row(call.which());
}
LOCKGATE_INLINE void session::row_threw(row which, const std::exception_ptr&) noexcept {
  trace_.tell_row(event_kind::row_threw, which);
  end(termination_reason::provider_other_failure);
}
LOCKGATE_INLINE void session::task_threw(const std::exception_ptr&) noexcept {
  trace_.tell(event_kind::task_threw);
  end(termination_reason::provider_other_failure);
}
LOCKGATE_INLINE void session::row_answered(row_call_base& call) noexcept {
  if (&call == &control_ && call.which() == row::transition_active && control_.peek().ok())
    become_active();
}

}  // namespace lockgate::inline v0::detail

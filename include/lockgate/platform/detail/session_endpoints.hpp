// What endpoints and their paths ask of a session: to be active, and to serve their ids.
#pragma once

#include "lockgate/base/config.hpp"                     // for LOCKGATE_INLINE
#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/id_binding.hpp"      // for id_binding
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/session.hpp"         // for session

namespace lockgate::inline v0::detail {

/// Demand: completes when the instance is active, or when it has failed to become so (G41).
LOCKGATE_INLINE task<status> session::await_active() {
  if (is_active()) co_return status();
  if (!is_live()) co_return errc::terminated;
  if (state_ == session_state::idle && home().now() < backoff_.retry_at())
    co_return errc::activation_delayed;
  wake();
  co_return co_await activation_waiters_.wait();
}

LOCKGATE_INLINE task<status> session::await_binding(endpoint_state* endpoint) {
  while (is_active()) {
    if (endpoint->is_closed()) co_return errc::closed;
    endpoint_opened(*endpoint);  // again, if there was no memory for it before
    id_binding* const binding = ids_.find(*endpoint);
    if (!binding) co_return errc::no_memory;
    if (binding->at == id_binding::stage::added) co_return status();
    if (binding->at == id_binding::stage::refused) co_return errc::unreachable;
    const status decided = co_await binding->decided.wait();
    if (!decided.ok()) co_return decided;
  }
  co_return errc::terminated;
}

LOCKGATE_INLINE void session::add_path(path& p) noexcept {
  paths_.push_back(p);
}

LOCKGATE_INLINE void session::endpoint_opened(endpoint_state& endpoint) noexcept {
  if (!is_active() || endpoint.is_closed() || ids_.find(endpoint)) return;
  if (!ids_.add(endpoint)) return endpoint.deny_id(errc::no_memory);
  wake();
}

LOCKGATE_INLINE void session::endpoint_wanted(endpoint_state& endpoint) noexcept {
  endpoint_opened(endpoint);
  id_binding* const binding = ids_.find(endpoint);
  if (!binding || binding->at != id_binding::stage::refused) return;
  binding->at = id_binding::stage::wanted;
  wake();
}

LOCKGATE_INLINE bool session::may_accept(const endpoint_state& endpoint) noexcept {
  if (!is_live()) return false;
  const id_binding* const binding = ids_.find(endpoint);
  return binding ? binding->at == id_binding::stage::wanted ||
                       binding->at == id_binding::stage::changing
                 : state_ < session_state::active;
}

LOCKGATE_INLINE bool session::seeks_id(const endpoint_state& endpoint) noexcept {
  if (!is_active() && (state_ != session_state::activating || ending_.has_begun)) return false;
  const id_binding* const binding = ids_.find(endpoint);
  return !(binding && binding->at == id_binding::stage::refused) &&
         ids_.may_propose(endpoint.proposed_id());
}

LOCKGATE_INLINE void session::endpoint_closing(endpoint_state& endpoint) noexcept {
  ids_.endpoint_closing(endpoint);
  wake();
}

/// A refused binding stays, and is asked for again when somebody wants the id (G35); one that there
/// was no memory for goes, and is made anew for the next message.
LOCKGATE_INLINE void session::refuse_binding(id_binding& binding, status why) noexcept {
  endpoint_state& endpoint = *binding.endpoint;
  binding.at = id_binding::stage::refused;
  binding.decided.complete_all(why == errc::no_memory ? why : errc::unreachable);
  if (why == errc::no_memory) ids_.remove(binding);
  if (!ending_.has_begun && !endpoint.is_ready()) endpoint.deny_id(why);
}

}  // namespace lockgate::inline v0::detail

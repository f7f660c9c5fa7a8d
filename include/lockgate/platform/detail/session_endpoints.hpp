// What endpoints and their paths ask of a session: to be active, and to serve their ids.
#pragma once

#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/id_binding.hpp"      // for id_binding
#include "lockgate/platform/detail/session.hpp"         // for session

#include <algorithm>  // for find

namespace lockgate::inline v0::detail {

/// Demand: completes when the instance is active, or when it has failed to become so (G41).
inline task<status> session::await_active() {
  if (is_active()) co_return status();
  if (!is_live()) co_return errc::terminated;
  if (state_ == session_state::idle && home().now() < retry_at_) co_return errc::activation_delayed;
  wake();
  co_return co_await activation_waiters_.wait();
}

inline task<status> session::await_binding(endpoint_state* endpoint) {
  while (is_active()) {
    if (endpoint->is_closed()) co_return errc::closed;
    endpoint_opened(*endpoint);  // again, if there was no memory for it before
    id_binding* const binding = find_binding(*endpoint);
    if (!binding) co_return errc::no_memory;
    if (binding->at == id_binding::stage::added) co_return status();
    if (binding->at == id_binding::stage::refused) co_return errc::unreachable;
    const status decided = co_await binding->decided.wait();
    if (!decided.ok()) co_return decided;
  }
  co_return errc::terminated;
}

inline id_binding* session::find_binding(const endpoint_state& endpoint) noexcept {
  const auto at = binding_of_.find(endpoint.luid());
  return at == binding_of_.end() ? nullptr : at->second;
}

inline void session::endpoint_opened(endpoint_state& endpoint) noexcept {
  if (!is_active() || endpoint.is_closed() || find_binding(endpoint)) return;
  auto* const binding = new id_binding(endpoint);
  if (!binding || !without_throwing([&] { binding_of_.emplace(endpoint.luid(), binding); }).ok()) {
    delete binding;
    return endpoint.deny_id(errc::no_memory);
  }
  bindings_.push_back(*binding);
  wake();
}

inline void session::endpoint_wanted(endpoint_state& endpoint) noexcept {
  endpoint_opened(endpoint);
  id_binding* const binding = find_binding(endpoint);
  if (!binding || binding->at != id_binding::stage::refused) return;
  binding->at = id_binding::stage::wanted;
  wake();
}

inline bool session::may_accept(const endpoint_state& endpoint) noexcept {
  if (!is_live()) return false;
  const id_binding* const binding = find_binding(endpoint);
  return binding ? binding->at == id_binding::stage::wanted ||
                       binding->at == id_binding::stage::changing
                 : state_ < session_state::active;
}

inline bool session::seeks_id(const endpoint_state& endpoint) noexcept {
  if (!is_active() && (state_ != session_state::activating || ending_)) return false;
  const id_binding* const binding = find_binding(endpoint);
  return !(binding && binding->at == id_binding::stage::refused) &&
         may_propose(endpoint.proposed_id());
}

inline void session::endpoint_closing(endpoint_state& endpoint) noexcept {
  if (last_endpoint_ == &endpoint) last_endpoint_ = nullptr;
  id_binding* const binding = find_binding(endpoint);
  if (!binding) return;
  binding_of_.erase(endpoint.luid());
  binding->endpoint = nullptr;
  if (binding->at == id_binding::stage::added) binding->at = id_binding::stage::leaving;
  else if (binding->at != id_binding::stage::changing) remove_binding(*binding);
  wake();
}

inline void session::remove_binding(id_binding& binding) noexcept {
  if (binding.endpoint) binding_of_.erase(binding.endpoint->luid());
  delete &binding;
}

/// A refused binding stays, and is asked for again when somebody wants the id (G35); one that there
/// was no memory for goes, and is made anew for the next message.
inline void session::refuse_binding(id_binding& binding, status why) noexcept {
  endpoint_state& endpoint = *binding.endpoint;
  binding.at = id_binding::stage::refused;
  binding.decided.complete_all(why == errc::no_memory ? why : errc::unreachable);
  if (why == errc::no_memory) remove_binding(binding);
  if (!ending_ && !endpoint.is_ready()) endpoint.deny_id(why);
}

/// An id that an application asks for is free, or reserved for this very instance.
inline bool session::may_propose(const transport_id& id) const noexcept {
  if (!platform_.ids.contains(id)) return true;
  return !platform_.find_endpoint(id) &&
         std::find(reserved_ids_.begin(), reserved_ids_.end(), id) != reserved_ids_.end();
}

}  // namespace lockgate::inline v0::detail

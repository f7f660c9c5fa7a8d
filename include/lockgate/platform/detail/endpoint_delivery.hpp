// What an endpoint does: finds its id, keeps its paths, closes.
#pragma once

#include "lockgate/base/config.hpp"                     // for LOCKGATE_INLINE
#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/session.hpp"         // for session

#include <utility>  // for exchange

namespace lockgate::inline v0::detail {

LOCKGATE_INLINE endpoint_state::endpoint_state(core& platform,
                                               const endpoint_options& wish) noexcept
    : platform_(&platform), luid_(platform.next_endpoint++), wish_(wish),
      received_(platform.options.receive_queue_bytes) {
  proposed_.id = wish.proposed_id;
  platform_->endpoints.push_back(*this);
  platform_->tell(event_kind::endpoint_opened, 0, [&](event& e) { e.endpoint = luid_; });
  for (session& s : platform_->sessions) s.endpoint_opened(*this);
  update_proposal();
  if (wish_.listening) platform_->add_standing_demand();
}

LOCKGATE_INLINE endpoint_state::~endpoint_state() = default;

LOCKGATE_INLINE void endpoint_state::update_proposal() noexcept {
  const bool is_open = !closed_ && !ready_ && !proposed_id().is_nil();
  bool is_sought = false;
  if (is_open)
    for (session& s : platform_->sessions) is_sought = is_sought || s.seeks_id(*this);
  if (is_sought == is_proposed_) return;
  core& shared = *platform_;
  if (is_sought) {
    const bool was_known = shared.has_id(proposed_id());
    shared.proposals.insert(proposed_);
    const status known = without_throwing([&] {
      if (shared.signals && !was_known) shared.signals->id_in_use(shared, proposed_id(), true);
    });
    is_proposed_ = known.ok();  // without memory for it, peers are heard once the id is accepted
    if (!known.ok()) shared.proposals.erase(proposed_);
  } else {
    is_proposed_ = false;
    shared.proposals.erase(proposed_);
    if (shared.signals && !shared.has_id(proposed_id()))
      shared.signals->id_in_use(shared, proposed_id(), false);
  }
}

LOCKGATE_INLINE status endpoint_state::accept_id(const transport_id& id) noexcept {
  if (platform_->find_endpoint(id)) return errc::duplicate_transport_id;
  const bool was_known = platform_->has_id(id);
  if (id_claim* const reserved = platform_->ids.find(id)) platform_->ids.erase(*reserved);
  accepted_.id = id;
  platform_->ids.insert(accepted_);
  const status known = without_throwing([&] {
    if (platform_->signals && !was_known) platform_->signals->id_in_use(*platform_, id, true);
  });
  if (!known.ok()) {
    platform_->ids.erase(accepted_);
    accepted_.id = {};
    return known;
  }
  ready_ = true;
  update_proposal();
  platform_->tell(event_kind::endpoint_ready, 0, [&](event& e) {
    e.endpoint = luid_;
    e.id = id;
  });
  ready_waiters_.complete_all();
  return {};
}

LOCKGATE_INLINE void endpoint_state::deny_id(status why) noexcept {
  update_proposal();
  for (session& s : platform_->sessions)
    if (s.may_accept(*this)) return;
  ready_waiters_.complete_all(why);
}

LOCKGATE_INLINE void endpoint_state::wait_for_id(waiter& waiting) noexcept {
  ready_waiters_.push_back(waiting);
  for (session& s : platform_->sessions) s.endpoint_wanted(*this);
  update_proposal();
}

LOCKGATE_INLINE path* endpoint_state::find_path(const transport_id& remote) noexcept {
  if (last_path_ && last_path_->remote() == remote) return last_path_;
  if (path* const known = paths_.find(remote)) return last_path_ = known;
  path* const made = new path(*this, remote);
  if (!made) return nullptr;
  paths_.insert(*made);
  return last_path_ = made;
}

LOCKGATE_INLINE void endpoint_state::delete_path(path& p) noexcept {
  if (last_path_ == &p) last_path_ = nullptr;
  paths_.erase(p);
  delete &p;
  delete_if_done();
}

LOCKGATE_INLINE endpoint_statistics endpoint_state::statistics() const noexcept {
  endpoint_statistics out = statistics_;
  out.queued_messages = received_.size();
  out.queued_pinned = received_.pinned();
  out.compacted = received_.compacted();
  out.paths = paths_.size();
  return out;
}

LOCKGATE_INLINE void endpoint_state::close() noexcept {
  if (std::exchange(closed_, true)) return;  // its handle was first, the platform's stop is second
  handle = nullptr;
  platform_->tell(event_kind::endpoint_closed, 0, [&](event& e) { e.endpoint = luid_; });
  if (wish_.listening) platform_->end_standing_demand();
  update_proposal();
  if (ready_) {
    platform_->ids.erase(accepted_);
    if (platform_->signals && !platform_->has_id(id()))
      platform_->signals->id_in_use(*platform_, id(), false);
  }
  for (session& s : platform_->sessions) s.endpoint_closing(*this);
  if (negotiator_) end_negotiation();
  ready_waiters_.complete_all(errc::closed);
  drop(drop_cause::endpoint_closed, received_.close(errc::closed));
  paths_.for_each([](path& p) { p.close(); });
  list_link<endpoint_state>::unlink();
  platform_->closed_endpoints.push_back(*this);
  delete_if_done();
}

LOCKGATE_INLINE void endpoint_state::delete_if_done() noexcept {
  if (closed_ && paths_.empty() && users_ == 0) delete this;
}

LOCKGATE_INLINE void endpoint_state::forget_platform() noexcept {
  last_path_ = nullptr;
  paths_.for_each([this](path& p) {
    paths_.erase(p);
    delete &p;
  });
  platform_ = nullptr;
  list_link<endpoint_state>::unlink();
  delete_if_done();
}

LOCKGATE_INLINE void endpoint_state::user::enter(endpoint_state& endpoint) noexcept {
  endpoint_ = &endpoint;
  ++endpoint.users_;
  endpoint.platform_->add_standing_demand();
}

LOCKGATE_INLINE void endpoint_state::user::leave() noexcept {
  endpoint_state* const left = std::exchange(endpoint_, nullptr);
  if (!left) return;
  if (left->platform_) left->platform_->end_standing_demand();
  --left->users_;
  left->delete_if_done();
}

}  // namespace lockgate::inline v0::detail

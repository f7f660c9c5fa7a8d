// What one session keeps about the transport ids of this side.
#pragma once

#include "lockgate/base/intrusive_list.hpp"             // for intrusive_list
#include "lockgate/base/intrusive_table.hpp"            // for intrusive_table
#include "lockgate/base/status.hpp"                     // for status
#include "lockgate/base/transport_id.hpp"               // for transport_id
#include "lockgate/platform/detail/core.hpp"            // for core
#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/id_binding.hpp"      // for id_binding
#include "lockgate/platform/detail/id_claim.hpp"        // for id_claim

namespace lockgate::inline v0::detail {

/// Which endpoints' ids an instance serves, and which ids it has reserved.
class local_ids {
 public:
  explicit local_ids(core& platform) noexcept : platform_(platform) {}
  local_ids(const local_ids&) = delete;
  ~local_ids() {
    clear();
    while (!reserved_.empty()) {
      id_claim& claim = reserved_.pop_front();
      if (platform_.ids.find(claim.id) == &claim) platform_.ids.erase(claim);
      delete &claim;
    }
  }

  [[nodiscard]] bool empty() const noexcept { return bindings_.empty(); }
  [[nodiscard]] id_binding& front() noexcept { return bindings_.front(); }
  [[nodiscard]] id_binding* find(const endpoint_state& endpoint) const noexcept {
    return by_endpoint_.find(&endpoint);
  }
  /// Begins to serve an endpoint. False without memory.
  [[nodiscard]] bool add(endpoint_state& endpoint) noexcept {
    auto* const binding = new id_binding(endpoint);
    if (!binding) return false;
    by_endpoint_.insert(*binding);
    bindings_.push_back(*binding);
    return true;
  }
  void remove(id_binding& binding) noexcept {
    if (binding.endpoint) by_endpoint_.erase(binding);
    delete &binding;
  }
  /// The endpoint is closing: its id leaves as soon as the rows allow.
  void endpoint_closing(endpoint_state& endpoint) noexcept {
    if (last_endpoint_ == &endpoint) last_endpoint_ = nullptr;
    id_binding* const binding = find(endpoint);
    if (!binding) return;
    by_endpoint_.erase(*binding);
    binding->endpoint = nullptr;
    if (binding->at == id_binding::stage::added) binding->at = id_binding::stage::leaving;
    else if (binding->at != id_binding::stage::changing) remove(*binding);
  }
  /// The next one that a row is to be called for; null when there is none.
  [[nodiscard]] id_binding* next_to_change(const session& on) noexcept {
    for (id_binding& b : bindings_) {
      if (b.at == id_binding::stage::leaving) return &b;
      if (b.at == id_binding::stage::wanted &&
          (b.endpoint->is_ready() || b.endpoint->may_negotiate(on)))
        return &b;
    }
    return nullptr;
  }
  void refuse_waiters(status why) noexcept {
    for (id_binding& b : bindings_) b.decided.complete_all(why);
  }
  void clear() noexcept {
    while (!bindings_.empty()) remove(bindings_.front());
  }

  /// The endpoint with this id, if the id has been added here (G33).
  [[nodiscard]] endpoint_state* endpoint_of(const transport_id& id) noexcept {
    if (last_endpoint_ && id == last_id_) return last_endpoint_;
    endpoint_state* const endpoint = platform_.find_endpoint(id);
    if (!endpoint) return nullptr;
    const id_binding* const binding = find(*endpoint);
    if (!binding || binding->at != id_binding::stage::added) return nullptr;
    last_id_ = id;
    return last_endpoint_ = endpoint;
  }
  /// From now on `endpoint_of` looks again.
  void forget_last() noexcept { last_endpoint_ = nullptr; }

  /// Makes an id that nobody has and keeps it for this instance. Errors: no_memory.
  [[nodiscard]] status reserve(transport_id& id) noexcept {
    auto* const claim = new id_claim(*this);
    if (!claim) return errc::no_memory;
    id = claim->id = platform_.make_id();
    platform_.ids.insert(*claim);
    reserved_.push_back(*claim);
    return {};
  }
  /// An id that an application asks for is free, or reserved for this very instance.
  [[nodiscard]] bool may_propose(const transport_id& id) const noexcept {
    const id_claim* const claim = platform_.ids.find(id);
    return !claim || claim->reserved_by == this;
  }

 private:
  core& platform_;
  intrusive_list<id_binding> bindings_;
  intrusive_table<id_binding> by_endpoint_;
  transport_id last_id_;
  endpoint_state* last_endpoint_ = nullptr;
  intrusive_list<id_claim>
      reserved_;  // owned; in the platform's table until an endpoint has the id
};

}  // namespace lockgate::inline v0::detail

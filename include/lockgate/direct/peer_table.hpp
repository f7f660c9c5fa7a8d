// Who is where: transport ids and the UDP addresses they stand for.
#pragma once

#include "lockgate/base/address.hpp"       // for socket_address
#include "lockgate/base/status.hpp"        // for status
#include "lockgate/base/transport_id.hpp"  // for transport_id

#include <unordered_map>  // for unordered_map

namespace lockgate::inline v0 {

/// The table in which a `direct` provider looks addresses up. The host program fills it, and may
/// change it at any time.
///
/// Guarantees: a peer has one address and an address one peer, so that every datagram has one
///             sender.
class peer_table {
 public:
  /// Errors: duplicate_transport_id when the id or the address has a row already; throws
  ///         `std::bad_alloc`.
  status add(const transport_id& peer, const socket_address& at) {
    if (addresses_.contains(peer) || peers_.contains(at)) return errc::duplicate_transport_id;
    addresses_.emplace(peer, at);
    peers_.emplace(at, peer);
    return {};
  }
  /// Forgets a peer; nothing happens when it is not here.
  void remove(const transport_id& peer) noexcept {
    const auto at = addresses_.find(peer);
    if (at == addresses_.end()) return;
    peers_.erase(at->second);
    addresses_.erase(at);
  }
  /// Where `peer` is; null when it is nowhere.
  [[nodiscard]] const socket_address* find(const transport_id& peer) const noexcept {
    const auto at = addresses_.find(peer);
    return at == addresses_.end() ? nullptr : &at->second;
  }
  /// Who is at `address`; null when nobody is.
  [[nodiscard]] const transport_id* find(const socket_address& address) const noexcept {
    const auto at = peers_.find(address);
    return at == peers_.end() ? nullptr : &at->second;
  }

  /// Binds the socket of the local id `id` to an address; port 0 lets the system choose.
  void bind(const transport_id& id, const socket_address& to) {
    bindings_.insert_or_assign(id, to);
  }
  /// The same for every id without an address of its own: `::` and any port unless told otherwise.
  void bind_others(const socket_address& to) noexcept { other_binding_ = to; }
  /// Where the socket of a local id is to be bound.
  [[nodiscard]] const socket_address& binding_of(const transport_id& id) const noexcept {
    const auto at = bindings_.find(id);
    return at == bindings_.end() ? other_binding_ : at->second;
  }

 private:
  std::unordered_map<transport_id, socket_address> addresses_;
  std::unordered_map<socket_address, transport_id> peers_;
  std::unordered_map<transport_id, socket_address> bindings_;
  socket_address other_binding_;
};

}  // namespace lockgate::inline v0

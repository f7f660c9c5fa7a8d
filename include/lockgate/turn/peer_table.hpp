// The peers of one local id: where they can be reached, and what they know of us.
#pragma once

#include "lockgate/base/address.hpp"       // for socket_address
#include "lockgate/base/clock.hpp"         // for time_point
#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/stun/channel_data.hpp"  // for first_channel
#include "lockgate/turn/announcement.hpp"  // for turn_announcement

#include <cstddef>        // for size_t
#include <cstdint>        // for uint16_t, uint32_t
#include <memory>         // for shared_ptr, make_shared
#include <unordered_map>  // for unordered_map
#include <vector>         // for vector

namespace lockgate::inline v0 {

/// What is known of a peer.
struct turn_remote {
  explicit turn_remote(const transport_id& peer) noexcept : id(peer) {}
  transport_id id;
  socket_address address;         ///< its relayed address; port 0 while unknown
  std::uint16_t channel = 0;      ///< its name in the present connection; 0: none
  std::uint32_t incarnation = 0;  ///< with `sequence`: its latest announcement
  std::uint32_t sequence = 0;
  time_point confirmed = time_point::min();  ///< when it last said that it knows our address
  bool owes_answer = false;                  ///< we do, as soon as there is an address
  bool exchanging = false;                   ///< a task repeats our announcement

  [[nodiscard]] bool is_usable() const noexcept {
    return channel != 0 && confirmed != time_point::min();
  }
};

/// Finds peers by id, and by the channel that their data comes from.
class turn_peer_table {
 public:
  [[nodiscard]] turn_remote* find(const transport_id& peer) const noexcept {
    if (last_ && last_->id == peer) return last_;
    const auto at = by_id_.find(peer);
    if (at == by_id_.end()) return nullptr;
    return last_ = at->second.get();
  }
  [[nodiscard]] turn_remote* find(std::uint16_t channel) const noexcept {
    const std::size_t at = std::size_t{channel} - stun::first_channel;  // wraps for numbers below
    return at < by_channel_.size() ? by_channel_[at] : nullptr;
  }
  /// The peer's entry, made if there is none. Errors: throws `std::bad_alloc`.
  [[nodiscard]] const std::shared_ptr<turn_remote>& obtain(const transport_id& peer) {
    auto& place = by_id_[peer];
    if (!place) place = std::make_shared<turn_remote>(peer);
    return place;
  }
  void erase(const transport_id& peer) noexcept {
    const auto at = by_id_.find(peer);
    if (at == by_id_.end()) return;
    unbind(*at->second);
    last_ = nullptr;
    by_id_.erase(at);
  }
  void bind(turn_remote& peer, std::uint16_t channel) {
    unbind(peer);
    const std::size_t at = std::size_t{channel} - stun::first_channel;
    if (at >= by_channel_.size()) by_channel_.resize(at + 1);
    by_channel_[at] = &peer;
    peer.channel = channel;
  }
  /// Forgets a peer's channel; the number is free again.
  void unbind(turn_remote& peer) noexcept {
    if (peer.channel != 0) by_channel_[std::size_t{peer.channel} - stun::first_channel] = nullptr;
    peer.channel = 0;
  }
  /// Forgets every channel, as when the allocation is gone.
  void unbind_all() noexcept {
    for (const auto& [id, peer] : by_id_) unbind(*peer);
  }
  void clear() noexcept {
    last_ = nullptr;
    by_channel_.clear();
    by_id_.clear();
  }

  [[nodiscard]] auto begin() const noexcept { return by_id_.begin(); }
  [[nodiscard]] auto end() const noexcept { return by_id_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }

 private:
  std::unordered_map<transport_id, std::shared_ptr<turn_remote>> by_id_;
  std::vector<turn_remote*> by_channel_;
  mutable turn_remote* last_ = nullptr;
};

}  // namespace lockgate::inline v0

// What an endpoint does: finds its id, takes messages in, keeps its paths, closes.
#pragma once

#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/session.hpp"         // for session

#include <algorithm>  // for min
#include <memory>     // for unique_ptr
#include <utility>    // for exchange, move

namespace lockgate::inline v0::detail {

inline endpoint_state::endpoint_state(core& platform, const endpoint_options& wish) noexcept
    : platform_(&platform), luid_(platform.next_endpoint++), wish_(wish),
      proposed_id_(wish.proposed_id) {
  platform_->endpoints.push_back(*this);
  platform_->tell(event_kind::endpoint_opened, 0, [&](event& e) { e.endpoint = luid_; });
  for (session& s : platform_->sessions) s.endpoint_opened(*this);
  update_proposal();
  if (wish_.listening) platform_->add_standing_demand();
}

inline endpoint_state::~endpoint_state() = default;

inline void endpoint_state::update_proposal() noexcept {
  const bool is_open = !closed_ && !ready_ && !proposed_id_.is_nil();
  bool is_sought = false;
  if (is_open)
    for (session& s : platform_->sessions) is_sought = is_sought || s.seeks_id(*this);
  if (is_sought == is_proposed_) return;
  core& shared = *platform_;
  if (is_sought) {
    auto place = shared.proposals.end();
    const bool was_known = shared.has_id(proposed_id_);
    const status known = without_throwing([&] {
      place = shared.proposals.insert(proposed_id_);
      if (shared.signals && !was_known) shared.signals->id_in_use(shared, proposed_id_, true);
    });
    is_proposed_ = known.ok();  // without memory for it, peers are heard once the id is accepted
    if (!known.ok() && place != shared.proposals.end()) shared.proposals.erase(place);
  } else {
    is_proposed_ = false;
    shared.proposals.erase(shared.proposals.find(proposed_id_));
    if (shared.signals && !shared.has_id(proposed_id_))
      shared.signals->id_in_use(shared, proposed_id_, false);
  }
}

inline status endpoint_state::accept_id(const transport_id& id) noexcept {
  if (platform_->find_endpoint(id)) return errc::duplicate_transport_id;
  const bool was_known = platform_->has_id(id);
  const status known = without_throwing([&] {
    platform_->ids.insert_or_assign(id, this);
    if (platform_->signals && !was_known) platform_->signals->id_in_use(*platform_, id, true);
  });
  if (!known.ok()) {
    platform_->ids.erase(id);
    return known;
  }
  id_ = id;
  ready_ = true;
  update_proposal();
  platform_->tell(event_kind::endpoint_ready, 0, [&](event& e) {
    e.endpoint = luid_;
    e.id = id;
  });
  ready_waiters_.complete_all();
  return {};
}

inline void endpoint_state::deny_id(status why) noexcept {
  update_proposal();
  for (session& s : platform_->sessions)
    if (s.may_accept(*this)) return;
  ready_waiters_.complete_all(why);
}

inline void endpoint_state::wait_for_id(waiter& waiting) noexcept {
  ready_waiters_.push_back(waiting);
  for (session& s : platform_->sessions) s.endpoint_wanted(*this);
  update_proposal();
}

inline status endpoint_state::deliver(incoming& message, bool pool_is_strained) noexcept {
  while (message.is_train()) {
    if (pool_is_strained) {
      incoming first;
      message.share_front({&first, 1});
      if (const status refused = deliver(first, true); !refused.ok()) return refused;
      message.drop_front(1);
      continue;
    }
    const std::span<incoming> room = find_room();
    if (room.empty()) return enqueue(message);
    const std::size_t count =
        std::min(room.size(), train_length(message.size(), message.segment_size) - 1);
    claim(count);
    message.share_front(room.first(count));
    message.drop_front(count);
  }
  if (pool_is_strained) relieve_pool(message);
  const std::span<incoming> room = find_room();
  if (room.empty()) return enqueue(message);
  claim(1);
  room.front() = std::move(message);
  room.front().segment_size = 0;
  return {};
}

inline std::size_t endpoint_state::deliver_run(std::span<incoming> messages,
                                               std::uint64_t& bytes) noexcept {
  const auto is_plain = [&](const incoming& message) {
    return message.size() > 0 && !message.is_train() && message.local == id_;
  };
  if (!is_plain(messages.front())) return 0;
  const std::span<incoming> room = find_room();
  const std::size_t most = std::min(room.size(), messages.size());
  std::size_t count = 0;
  std::uint64_t sum = 0;
  for (; count < most && is_plain(messages[count]); ++count) sum += messages[count].size();
  if (count == 0) return 0;
  claim(count);
  statistics_.messages_received += count;
  statistics_.bytes_received += sum;
  bytes += sum;
  for (std::size_t i = 0; i < count; ++i) {
    room[i] = std::move(messages[i]);
    room[i].segment_size = 0;
  }
  return count;
}

/// Where a receiver waits for the next messages; empty when none has room.
inline std::span<incoming> endpoint_state::find_room() noexcept {
  if (!filling_ || filling_->count == filling_->into.size()) {
    if (receivers_.empty()) return {};
    filling_ = &static_cast<receive_request&>(receivers_.front());
    filling_->complete({});
  }
  return filling_->into.subspan(filling_->count);
}

inline status endpoint_state::enqueue(incoming& message) noexcept {
  const lease_owner* const owner = message.part(0).owner();
  const bool same_slab = message.part_count() == 1 && !queue_.empty() &&
                         queue_.back().message.part(0).owner() == owner;
  queued entry;
  entry.charge = same_slab ? 0 : message.pinned();
  if (pinned_ + entry.charge > platform_->options.receive_queue_bytes &&
      entry.charge > message.size()) {
    compact(message);
    entry.charge = message.pinned();
  }
  if (pinned_ + entry.charge > platform_->options.receive_queue_bytes) return errc::queue_full;
  pinned_ += entry.charge;
  const std::size_t charge = entry.charge;
  const std::size_t count = train_length(message.size(), message.segment_size);
  entry.message = std::move(message);
  if (!queue_.push_back(std::move(entry))) {
    message = std::move(entry.message);  // NOLINT(bugprone-use-after-move): not taken
    pinned_ -= charge;
    return errc::no_memory;
  }
  queued_messages_ += count;
  return {};
}

/// A consumer that keeps one small message of every slab must not starve the others: once half of
/// the network's slabs are out, such messages move to memory of their own size.
inline void endpoint_state::relieve_pool(incoming& message) noexcept {
  if (message.size() * 4 <= message.pinned()) compact(message);
}

inline void endpoint_state::compact(incoming& message) noexcept {
  if (message.compact()) ++statistics_.compacted;
}

template <class F>
void endpoint_state::compact_queued(F belongs) noexcept {
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    queued& entry = queue_[i];
    if (!belongs(entry.message)) continue;
    compact(entry.message);
    // The next message of the same slab goes on pinning it: the charge moves to that one.
    if (entry.charge > 0 && i + 1 < queue_.size() && queue_[i + 1].charge == 0)
      queue_[i + 1].charge = entry.charge;
    else pinned_ -= entry.charge;
    entry.charge = entry.message.pinned();
    pinned_ += entry.charge;
  }
}

inline std::size_t endpoint_state::take_queued(std::span<incoming> into) noexcept {
  std::size_t count = 0;
  while (count < into.size() && !queue_.empty()) {
    if (queue_.front().message.is_train()) {
      incoming train = std::move(queue_.front().message);  // the queue may move meanwhile
      const std::size_t shared = train.share_front(into.subspan(count));
      train.drop_front(shared);
      queue_.front().message = std::move(train);
      count += shared;
      continue;
    }
    queued entry = queue_.pop_front();
    pinned_ -= entry.charge;
    // The next message of the same slab goes on pinning it: the charge moves to that one.
    if (entry.charge > 0 && !queue_.empty() && queue_.front().charge == 0) {
      queue_.front().charge = entry.charge;
      pinned_ += entry.charge;
    }
    into[count] = std::move(entry.message);
    into[count++].segment_size = 0;
  }
  queued_messages_ -= count;
  return count;
}

inline path* endpoint_state::find_path(const transport_id& remote) noexcept {
  if (last_path_ && last_path_->remote() == remote) return last_path_;
  const auto at = paths_.find(remote);
  if (at != paths_.end()) return last_path_ = at->second.get();
  std::unique_ptr<path> made(new path(*this, remote));
  path* const p = made.get();
  if (!p || !without_throwing([&] { paths_.emplace(remote, std::move(made)); }).ok())
    return nullptr;
  return last_path_ = p;
}

inline void endpoint_state::delete_path(path& p) noexcept {
  if (last_path_ == &p) last_path_ = nullptr;
  paths_.erase(paths_.find(p.remote()));
  delete_if_done();
}

inline endpoint_statistics endpoint_state::statistics() const noexcept {
  endpoint_statistics out = statistics_;
  out.queued_messages = queued_messages_;
  out.queued_pinned = pinned_;
  out.paths = paths_.size();
  return out;
}

inline void endpoint_state::close() noexcept {
  if (std::exchange(closed_, true)) return;  // its handle was first, the platform's stop is second
  handle = nullptr;
  platform_->tell(event_kind::endpoint_closed, 0, [&](event& e) { e.endpoint = luid_; });
  if (wish_.listening) platform_->end_standing_demand();
  update_proposal();
  if (ready_) {
    platform_->ids.erase(id_);
    if (platform_->signals && !platform_->has_id(id_))
      platform_->signals->id_in_use(*platform_, id_, false);
  }
  for (session& s : platform_->sessions) s.endpoint_closing(*this);
  if (negotiator_) end_negotiation();
  ready_waiters_.complete_all(errc::closed);
  while (!receivers_.empty()) receivers_.front().complete(errc::closed);
  drop(drop_cause::endpoint_closed, std::exchange(queued_messages_, 0));
  while (!queue_.empty()) static_cast<void>(queue_.pop_front());
  pinned_ = 0;
  for (auto& [remote, p] : paths_) p->close();
  list_link<endpoint_state>::unlink();
  platform_->closed_endpoints.push_back(*this);
  delete_if_done();
}

inline void endpoint_state::delete_if_done() noexcept {
  if (closed_ && paths_.empty() && users_ == 0) delete this;
}

inline void endpoint_state::forget_platform() noexcept {
  last_path_ = nullptr;
  paths_.clear();
  platform_ = nullptr;
  list_link<endpoint_state>::unlink();
  delete_if_done();
}

inline void endpoint_state::user::enter(endpoint_state& endpoint) noexcept {
  endpoint_ = &endpoint;
  ++endpoint.users_;
  endpoint.platform_->add_standing_demand();
}

inline void endpoint_state::user::leave() noexcept {
  endpoint_state* const left = std::exchange(endpoint_, nullptr);
  if (!left) return;
  if (left->platform_) left->platform_->end_standing_demand();
  --left->users_;
  left->delete_if_done();
}

}  // namespace lockgate::inline v0::detail

// What an endpoint has received: messages that wait, and receivers that wait for some.
#pragma once

#include "lockgate/base/intrusive_list.hpp"  // for intrusive_list
#include "lockgate/base/status.hpp"          // for status
#include "lockgate/base/transport_id.hpp"    // for transport_id
#include "lockgate/buffer/ring.hpp"          // for ring
#include "lockgate/buffer/train.hpp"         // for train_length
#include "lockgate/coro/wait_list.hpp"       // for waiter
#include "lockgate/provider/message.hpp"     // for incoming

#include <algorithm>  // for min
#include <cstddef>    // for size_t
#include <cstdint>    // for uint64_t
#include <span>       // for span
#include <utility>    // for exchange, move

namespace lockgate::inline v0::detail {

/// A receiver's place for messages, in its own frame: filled until it gets to run.
class receive_request : public waiter {
 public:
  std::span<incoming> into;
  std::size_t count = 0;
};

/// The received messages of one endpoint. A receiver that waits is given them at once; others wait
/// in the order of their arrival, up to a bound of memory.
class receive_queue {
 public:
  explicit receive_queue(std::size_t most_bytes) noexcept : most_pinned_(most_bytes) {}

  /// Takes a message or a train over on success. Errors: queue_full, no_memory: what is left of the
  /// train is not taken.
  /// `pool_under_pressure`: a small message is moved out of the network's memory.
  status put(incoming& message, bool pool_under_pressure) noexcept;
  /// Moves plain messages for the id `to` from the front of a batch to a receiver that waits, as
  /// many as it has room for; a train, an empty message and another id's end the run. Adds their
  /// sizes to `bytes`, and gives their number.
  [[nodiscard]] std::size_t put_run(std::span<incoming> messages, const transport_id& to,
                                    std::uint64_t& bytes) noexcept;
  /// Moves messages to `into`; the number.
  std::size_t take(std::span<incoming> into) noexcept;
  /// Moves the messages that `belongs` names to memory of their own.
  template <class F>
  void compact(F belongs) noexcept;

  void wait(receive_request& receiver) noexcept { receivers_.push_back(receiver); }
  void receiver_resumed(receive_request& receiver) noexcept {
    if (filling_ == &receiver) filling_ = nullptr;
  }
  /// Refuses those who wait, and drops what does; the number of messages dropped.
  [[nodiscard]] std::size_t close(status why) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Bytes of memory that the waiting messages keep from its owner.
  [[nodiscard]] std::size_t pinned() const noexcept { return pinned_; }
  /// Messages copied to memory of their own.
  [[nodiscard]] std::uint64_t compacted() const noexcept { return compacted_; }

 private:
  struct entry {
    incoming message;        // or a train
    std::size_t charge = 0;  // pinned bytes counted for it; a slab is counted once
  };
  [[nodiscard]] std::span<incoming> find_room() noexcept;
  /// Takes places of the room, before anything is put there: that ends the leases of what lay
  /// there, and whoever gets memory back may hand the next message up at once.
  void claim(std::size_t places) noexcept { filling_->count += places; }
  status enqueue(incoming& message) noexcept;
  void relieve_pool(incoming& message) noexcept;
  void compact_one(incoming& message) noexcept {
    if (message.compact()) ++compacted_;
  }

  std::size_t most_pinned_;
  ring<entry> queue_;
  std::size_t size_ = 0;
  std::size_t pinned_ = 0;
  std::uint64_t compacted_ = 0;
  intrusive_list<waiter> receivers_;
  receive_request* filling_ = nullptr;  // woken, has not run yet, has room
};

inline status receive_queue::put(incoming& message, bool pool_under_pressure) noexcept {
  while (message.is_train()) {
    if (pool_under_pressure) {
      incoming first;
      message.share_front({&first, 1});
      if (const status refused = put(first, true); !refused.ok()) return refused;
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
  if (pool_under_pressure) relieve_pool(message);
  const std::span<incoming> room = find_room();
  if (room.empty()) return enqueue(message);
  claim(1);
  room.front() = std::move(message);
  room.front().segment_size = 0;
  return {};
}

inline std::size_t receive_queue::put_run(std::span<incoming> messages, const transport_id& to,
                                          std::uint64_t& bytes) noexcept {
  const auto belongs = [&](const incoming& message) {
    return message.size() > 0 && !message.is_train() && message.local == to;
  };
  if (!belongs(messages.front())) return 0;
  const std::span<incoming> room = find_room();
  const std::size_t most = std::min(room.size(), messages.size());
  std::size_t count = 0;
  for (; count < most && belongs(messages[count]); ++count) bytes += messages[count].size();
  if (count == 0) return 0;
  claim(count);
  for (std::size_t i = 0; i < count; ++i) {
    room[i] = std::move(messages[i]);
    room[i].segment_size = 0;
  }
  return count;
}

/// Where a receiver waits for the next messages; empty when none has room.
inline std::span<incoming> receive_queue::find_room() noexcept {
  if (!filling_ || filling_->count == filling_->into.size()) {
    if (receivers_.empty()) return {};
    filling_ = &static_cast<receive_request&>(receivers_.front());
    filling_->complete({});
  }
  return filling_->into.subspan(filling_->count);
}

inline status receive_queue::enqueue(incoming& message) noexcept {
  const lease_owner* const owner = message.part(0).owner();
  const bool same_slab = message.part_count() == 1 && !queue_.empty() &&
                         queue_.back().message.part(0).owner() == owner;
  entry made;
  made.charge = same_slab ? 0 : message.pinned();
  if (pinned_ + made.charge > most_pinned_ && made.charge > message.size()) {
    compact_one(message);
    made.charge = message.pinned();
  }
  if (pinned_ + made.charge > most_pinned_) return errc::queue_full;
  pinned_ += made.charge;
  const std::size_t charge = made.charge;
  const std::size_t count = train_length(message.size(), message.segment_size);
  made.message = std::move(message);
  if (!queue_.push_back(std::move(made))) {
    message = std::move(made.message);  // NOLINT(bugprone-use-after-move): not taken
    pinned_ -= charge;
    return errc::no_memory;
  }
  size_ += count;
  return {};
}

/// A consumer that keeps one small message of every slab must not starve the others: once half of
/// the network's slabs are out, such messages move to memory of their own size.
inline void receive_queue::relieve_pool(incoming& message) noexcept {
  if (message.size() * 4 <= message.pinned()) compact_one(message);
}

template <class F>
void receive_queue::compact(F belongs) noexcept {
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    entry& each = queue_[i];
    if (!belongs(each.message)) continue;
    compact_one(each.message);
    // The next message of the same slab goes on pinning it: the charge moves to that one.
    if (each.charge > 0 && i + 1 < queue_.size() && queue_[i + 1].charge == 0)
      queue_[i + 1].charge = each.charge;
    else pinned_ -= each.charge;
    each.charge = each.message.pinned();
    pinned_ += each.charge;
  }
}

inline std::size_t receive_queue::take(std::span<incoming> into) noexcept {
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
    entry next = queue_.pop_front();
    pinned_ -= next.charge;
    // The next message of the same slab goes on pinning it: the charge moves to that one.
    if (next.charge > 0 && !queue_.empty() && queue_.front().charge == 0) {
      queue_.front().charge = next.charge;
      pinned_ += next.charge;
    }
    into[count] = std::move(next.message);
    into[count++].segment_size = 0;
  }
  size_ -= count;
  return count;
}

inline std::size_t receive_queue::close(status why) noexcept {
  while (!receivers_.empty()) receivers_.front().complete(why);
  while (!queue_.empty()) static_cast<void>(queue_.pop_front());
  pinned_ = 0;
  return std::exchange(size_, 0);
}

}  // namespace lockgate::inline v0::detail

// Where the kernel writes datagrams: small ones side by side in one slab, large ones and coalesced
// trains in slabs of their own.
#pragma once

#include "lockgate/base/status.hpp"          // for status
#include "lockgate/buffer/lease.hpp"         // for lease
#include "lockgate/buffer/slab_pool.hpp"     // for slab_pool
#include "lockgate/buffer/train.hpp"         // for first_in_train, train_length
#include "lockgate/net/datagram_socket.hpp"  // for received_datagram

#include <algorithm>  // for min, max
#include <array>      // for array
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint32_t
#include <cstring>    // for memcpy
#include <memory>     // for unique_ptr
#include <new>        // for nothrow
#include <span>       // for span
#include <utility>    // for exchange, move, swap

namespace lockgate::inline v0::detail {

/// What one attempt to receive gave.
struct receive_outcome {
  std::size_t count = 0;
  bool more = false;  ///< another attempt is likely to give something at once
  status failure;     ///< why the socket cannot be received from any more
};

/// Where received datagrams go, and whether trains go there whole.
struct receive_room {
  std::span<received_datagram> into;
  bool takes_trains = false;
};

/// The datagrams of `message`.
[[nodiscard]] inline std::size_t datagrams_of(const received_datagram& message) noexcept {
  return train_length(message.payload.size(), message.segment);
}

/// Datagrams of one batch for which the receiver had no room yet.
class leftover_messages {
 public:
  [[nodiscard]] bool empty() const noexcept { return next_ == count_; }
  /// Puts datagrams of `message` into `room`, from `filled` on, and keeps the rest. Gives the
  /// number of datagrams lost because there was no memory to keep them.
  std::size_t deliver(received_datagram&& message, const receive_room& room,
                      std::size_t& filled) noexcept {
    if (!hand_out(message, room, filled)) return 0;
    if (!waiting_) waiting_.reset(new (std::nothrow) received_datagram[capacity]);
    if (!waiting_ || count_ == capacity) return datagrams_of(message);
    waiting_[count_++] = std::move(message);
    return 0;
  }
  /// Puts what had been left over into `room`.
  std::size_t take(const receive_room& room) noexcept {
    std::size_t filled = 0;
    while (!empty() && filled < room.into.size())
      if (!hand_out(waiting_[next_], room, filled)) ++next_;
    if (empty()) clear();
    return filled;
  }
  /// Drops everything. Gives the number of datagrams.
  std::size_t clear() noexcept {
    std::size_t count = 0;
    for (; next_ < count_; ++next_) {
      count += datagrams_of(waiting_[next_]);
      waiting_[next_].payload.reset();
    }
    next_ = count_ = 0;
    return count;
  }

 private:
  /// True when some of the message is left.
  static bool hand_out(received_datagram& message, const receive_room& room,
                       std::size_t& filled) noexcept {
    while (filled < room.into.size()) {
      received_datagram& out = room.into[filled++];
      const std::size_t first = first_in_train(message.payload.size(), message.segment);
      // Of a train cut off at its end only the last datagram is bad.
      const bool is_last = first == message.payload.size();
      if (is_last || (room.takes_trains && !message.truncated)) {
        out = std::move(message);
        if (is_last) out.segment = 0;
        return false;
      }
      out.payload = message.payload.share(0, first);
      out.from = message.from;
      out.local = message.local;
      out.arrival = message.arrival;
      out.ecn = message.ecn;
      out.truncated = false;
      out.segment = 0;
      message.payload.drop_front(first);
    }
    return true;
  }

  static constexpr std::size_t capacity = 64;  // a batch of 32, each in two pieces
  std::unique_ptr<received_datagram[]> waiting_;
  std::size_t next_ = 0, count_ = 0;
};

/// The memory that the sockets of one network receive into, one after the other.
///
/// Each message gets a `head` and a `tail`. Packed, the head is a piece of a slab that many
/// messages share, sized for one frame of Ethernet, and the tail, for what is larger, a slab of the
/// message's own; its first `packed_size` bytes stay free, so that a datagram that begins in the
/// head and ends in the tail becomes contiguous by copying its beginning only. Otherwise the head
/// is a whole slab and there is no tail.
class receive_buffers {
 public:
  static constexpr std::size_t capacity = 32;
  /// 1500 bytes of Ethernet fit; an odd number of cache lines spreads over the cache's sets.
  static constexpr std::size_t packed_size = 31 * 64;

  struct piece {
    std::span<std::byte> head;
    std::span<std::byte> tail;
  };

  explicit receive_buffers(slab_pool& pool) noexcept : pool_(pool) {}

  /// Prepares memory for up to `count` messages and gives how many there is memory for.
  std::size_t prepare(std::size_t count, bool packed) noexcept {
    count = std::min(count, capacity);
    packed_ = packed && pool_.slab_size() > 2 * packed_size;
    if (packed_) count = prepare_packed(count);
    for (std::size_t i = 0; i < count && used_whole_ >> i != 0; ++i) {
      if ((used_whole_ >> i & 1) == 0) continue;
      if (!renew(whole_[i]) && !borrow(i)) return i;
      used_whole_ &= ~(1u << i);
    }
    return count;
  }
  [[nodiscard]] piece operator[](std::size_t i) const noexcept {
    if (!packed_) return {whole_[i].memory(), {}};
    return {shared_.memory().subspan(used_ + i * packed_size, packed_size),
            whole_[i].memory().subspan(packed_size)};
  }

  /// True when a message of `size` bytes lies in one piece.
  [[nodiscard]] bool is_contiguous(std::size_t size) const noexcept {
    return !packed_ || size <= packed_size;
  }
  /// The bytes of message `i`. Requires: `is_contiguous(size)`.
  [[nodiscard]] lease take(std::size_t i, std::size_t size) noexcept {
    return packed_ ? shared_.cut(used_ + i * packed_size, size) : take_whole(i, 0, size);
  }
  /// Calls `deliver()` for the `size` bytes that arrived in message `i`, which it puts into
  /// `message.payload`: once, or twice for a train over head and tail. Gives the number of
  /// datagrams copied.
  template <class Deliver>
  std::size_t take(std::size_t i, std::size_t size, received_datagram& message,
                   Deliver deliver) noexcept {
    if (is_contiguous(size)) {
      message.payload = take(i, size);
      deliver();
      return 0;
    }
    const std::size_t head_at = used_ + i * packed_size;
    const std::size_t in_head =
        message.segment == 0 ? 0 : packed_size / message.segment * message.segment;
    const std::size_t begun = packed_size - in_head;  // bytes of the datagram that crosses over
    if (begun > 0)
      std::memcpy(whole_[i].memory().data() + in_head, shared_.memory().data() + head_at + in_head,
                  begun);
    if (in_head > 0) {
      const bool truncated = std::exchange(message.truncated, false);
      message.payload = shared_.cut(head_at, in_head);
      deliver();
      message.truncated = truncated;
    }
    message.payload = take_whole(i, in_head, size - in_head);
    deliver();
    return begun > 0 ? 1 : 0;
  }
  /// Ends a batch of `count` messages whose last one has `last_size` bytes.
  void finish(std::size_t count, std::size_t last_size) noexcept {
    if (!packed_ || count == 0) return;
    const std::size_t lines = (std::min(last_size, packed_size) + 63) / 64;
    used_ += (count - 1) * packed_size + std::max<std::size_t>(lines, 1) * 64;
  }

 private:
  /// How many messages the shared slab has room for.
  std::size_t prepare_packed(std::size_t count) noexcept {
    std::size_t at = shared_.has_memory() && shared_.is_unshared() ? 0 : used_;
    if (!shared_.has_memory() || at + count * packed_size > pool_.slab_size()) [[unlikely]] {
      if (slab_pool::filling fresh = pool_.acquire(); fresh.has_memory()) {
        shared_ = std::move(fresh);
        at = 0;
      }
    }
    used_ = at;
    if (!shared_.has_memory()) return 0;
    return std::min(count, (pool_.slab_size() - used_) / packed_size);
  }
  [[nodiscard]] lease take_whole(std::size_t i, std::size_t offset, std::size_t size) noexcept {
    used_whole_ |= 1u << i;
    return whole_[i].cut(offset, size);
  }
  /// Sees to it that `slab` can be written to.
  bool renew(slab_pool::filling& slab) noexcept {
    if (slab.has_memory() && slab.is_unshared()) return true;
    slab = slab_pool::filling();
    slab = pool_.acquire();
    return slab.has_memory();
  }

  /// Without memory in the pool: takes a slab that was kept ready for a later message.
  bool borrow(std::size_t i) noexcept {
    for (std::size_t k = capacity - 1; k > i; --k)
      if (whole_[k].has_memory() && whole_[k].is_unshared()) {
        std::swap(whole_[i], whole_[k]);
        used_whole_ |= 1u << k;
        return true;
      }
    return false;
  }

  slab_pool& pool_;
  slab_pool::filling shared_;
  std::size_t used_ = 0;  // where the next message begins in the shared slab
  std::array<slab_pool::filling, capacity> whole_;
  /// Which of them may be leased or missing, one bit each: looking at every slab's count before
  /// each call would cost a cache miss per datagram.
  std::uint32_t used_whole_ = ~0u;
  bool packed_ = true;
};

}  // namespace lockgate::inline v0::detail

// Where the kernel writes datagrams: small ones side by side in shared slabs, large ones and
// coalesced trains in slabs of their own.
#pragma once

#include "lockgate/asio/udp_statistics.hpp"  // for udp_statistics
#include "lockgate/base/config.hpp"          // for LOCKGATE_REQUIRE
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
#include <memory>     // for unique_ptr, make_unique_for_overwrite
#include <new>        // for nothrow
#include <span>       // for span
#include <utility>    // for move, swap

namespace lockgate::inline v0::detail {

/// Messages received with one system call, at most.
inline constexpr std::size_t largest_receive_batch = 128;

/// What one attempt to receive gave.
struct receive_outcome {
  std::size_t count = 0;
  std::size_t bytes = 0;  ///< received, whether or not there was room for them
  bool more = false;      ///< another attempt is likely to give something at once
  status failure;         ///< why the socket cannot be received from any more
};

/// Where received datagrams go, and whether trains go there whole.
struct receive_room {
  std::span<received_datagram> into;
  bool keeps_trains = false;
};

/// The datagrams of `message`.
[[nodiscard]] inline std::size_t datagrams_of(const received_datagram& message) noexcept {
  return train_length(message.payload.size(), message.segment_size);
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
      const std::size_t first = first_in_train(message.payload.size(), message.segment_size);
      // Of a train cut off at its end only the last datagram is bad.
      const bool is_last = first == message.payload.size();
      if (is_last || (room.keeps_trains && !message.arrived.truncated)) {
        out = std::move(message);
        if (is_last) out.segment_size = 0;
        return false;
      }
      out.payload = message.payload.share(0, first);
      out.from = message.from;
      out.arrived = message.arrived;
      out.arrived.truncated = false;
      out.segment_size = 0;
      message.payload.drop_front(first);
    }
    return true;
  }

  static constexpr std::size_t capacity = largest_receive_batch;
  std::unique_ptr<received_datagram[]> waiting_;
  std::size_t next_ = 0, count_ = 0;
};

/// A slab that the messages of a batch share, side by side in pieces of one size.
class packed_slab {
 public:
  /// 1472 bytes, what a packet of Ethernet's 1500 carries over IPv4. An odd number of cache lines
  /// spreads over the cache's sets.
  static constexpr std::size_t piece_size = 23 * 64;
  /// Pieces of one batch at most: a slab of 64 KiB holds them and, before them, what a lone
  /// datagram has used. Smaller slabs hold fewer.
  static constexpr std::size_t capacity = 32;

  /// Prepares up to `count` pieces and gives how many there is memory for.
  std::size_t prepare(std::size_t count, slab_pool& pool) noexcept {
    count = std::min(count, capacity);
    std::size_t at = slab_.has_memory() && slab_.is_unshared() ? 0 : used_;
    const bool is_too_full = at > 0 && at + count * piece_size > pool.slab_size();
    if (!slab_.has_memory() || is_too_full) [[unlikely]] {
      if (slab_pool::filling fresh = pool.acquire(); fresh.has_memory()) {
        slab_ = std::move(fresh);
        at = 0;
      }
    }
    used_ = at;
    if (!slab_.has_memory()) return 0;
    return std::min(count, (pool.slab_size() - used_) / piece_size);
  }
  [[nodiscard]] std::span<std::byte> operator[](std::size_t i) const noexcept {
    return slab_.memory().subspan(used_ + i * piece_size, piece_size);
  }
  /// The first `size` bytes of piece `i`.
  [[nodiscard]] lease cut(std::size_t i, std::size_t size) const noexcept {
    return slab_.cut(used_ + i * piece_size, size);
  }
  /// Ends a batch of `count` pieces, of the last of which `last_size` bytes are in use.
  void finish(std::size_t count, std::size_t last_size) noexcept {
    const std::size_t lines = (std::min(last_size, piece_size) + 63) / 64;
    used_ += (count - 1) * piece_size + std::max<std::size_t>(lines, 1) * 64;
  }

 private:
  slab_pool::filling slab_;
  std::size_t used_ = 0;  // where the next batch begins
};

/// The memory that the sockets of one network receive into, one after the other.
///
/// Packed, the `head` of each message is a piece of a slab that many messages share. What is longer
/// goes on in a `tail`, which no slab has to be kept ready for, and is joined in a slab of its own
/// by copying it. Otherwise the head is a whole slab and there is no tail.
class receive_buffers {
 public:
  static constexpr std::size_t most_packed = largest_receive_batch, most_whole = 16;
  /// Bytes of a message that need no joining when packed.
  static constexpr std::size_t packed_size = packed_slab::piece_size;
  /// Messages in a row, none of them longer than that, after which packing is worth it again.
  static constexpr std::size_t small_run = 64;

  struct place {
    std::span<std::byte> head;
    std::span<std::byte> tail;
  };

  /// `most`: messages prepared at a time, up to `most_packed`.
  receive_buffers(slab_pool& pool, std::size_t most)
      : pool_(pool), most_(most), tail_size_(tail_size(pool)),
        tails_(std::make_unique_for_overwrite<std::byte[]>(most * tail_size_)) {}

  /// True when every train that the system may coalesce fits into a slab.
  [[nodiscard]] bool holds_trains() const noexcept { return pool_.slab_size() >= largest_message; }

  /// Prepares memory for up to `count` messages and gives how many there is memory for.
  /// Requires: no more than the constructor was told.
  std::size_t prepare(std::size_t count, bool packed) noexcept {
    LOCKGATE_REQUIRE(count <= most_, "receive_buffers: prepare() of more than it was made for");
    packed_ = packed && tail_size_ > 0;
    std::size_t ready = prepare_here(count);
    if (ready == 0) [[unlikely]] {
      give_back();
      ready = prepare_here(count);
    }
    return ready;
  }
  [[nodiscard]] place operator[](std::size_t i) const noexcept {
    if (!packed_) return {whole_[i].memory(), {}};
    return {shared_of(i)[i % packed_slab::capacity], tail(i)};
  }

  /// Calls `put(i, place)` for each of the first `count` messages, slab by slab: `operator[]` for
  /// each of them would take longer than what is done with it.
  template <class F>
  void for_each_place(std::size_t count, F put) const noexcept {
    if (!packed_) {
      for (std::size_t i = 0; i < count; ++i) put(i, place{whole_[i].memory(), {}});
      return;
    }
    std::byte* tail = tails_.get();
    for (std::size_t i = 0; i < count;) {
      std::byte* head = shared_of(i)[0].data();
      const std::size_t end = std::min(count, i + packed_slab::capacity);
      for (; i < end; ++i, head += packed_size, tail += tail_size_)
        put(i, place{{head, packed_size}, {tail, tail_size_}});
    }
  }

  /// True when a message of `size` bytes needs no joining.
  [[nodiscard]] bool fits_head(std::size_t size) const noexcept {
    return !packed_ || size <= packed_size;
  }
  /// The bytes of message `i`. Requires: `fits_head(size)`.
  [[nodiscard]] lease take(std::size_t i, std::size_t size) noexcept {
    if (packed_) return shared_of(i).cut(i % packed_slab::capacity, size);
    used_whole_ |= 1u << i;
    return whole_[i].cut(0, size);
  }
  /// The bytes of message `i` from head and tail, copied. Without memory when the pool has none.
  /// Requires: not `fits_head(size)`.
  [[nodiscard]] lease join(std::size_t i, std::size_t size) noexcept {
    const slab_pool::filling to = pool_.acquire();
    if (!to.has_memory()) return {};
    const place from = (*this)[i];
    std::memcpy(to.memory().data(), from.head.data(), packed_size);
    std::memcpy(to.memory().data() + packed_size, from.tail.data(), size - packed_size);
    ++copies_made.copies;
    copies_made.bytes += size;
    return to.cut(0, size);
  }
  /// Gives `message`, about which everything else is known, the bytes of place `i`, and counts it.
  /// False when there was no memory to join them in: it is dropped.
  bool complete(std::size_t i, std::size_t size, received_datagram& message,
                udp_statistics& counters) noexcept {
    const std::size_t datagrams = train_length(size, message.segment_size);
    if (fits_head(size)) {
      message.payload = take(i, size);
    } else {
      message.payload = join(i, size);
      if (!message.payload.has_memory()) {
        counters.dropped_no_buffer += datagrams;
        return false;
      }
      counters.copies += datagrams;
    }
    counters.datagrams_received += datagrams;
    counters.truncated += message.arrived.truncated;
    return true;
  }
  /// Ends a batch of `count` messages whose last one has `last_size` bytes.
  void finish(std::size_t count, std::size_t last_size) noexcept {
    if (!packed_) return;
    for (packed_slab& slab : shared_) {
      if (count == 0) return;
      const std::size_t here = std::min(count, packed_slab::capacity);
      count -= here;
      slab.finish(here, count == 0 ? last_size : packed_size);
    }
  }

 private:
  static constexpr std::size_t largest_message = 64 << 10;  // UDP's lengths have 16 bits

  /// With its head, a message has as much room as in a slab. 0: slabs are too small for packing.
  static std::size_t tail_size(const slab_pool& pool) noexcept {
    const std::size_t room = std::min(pool.slab_size(), largest_message);
    return room > 2 * packed_size ? room - packed_size : 0;
  }

  std::size_t prepare_here(std::size_t count) noexcept {
    return packed_ ? prepare_packed(std::min(count, most_packed))
                   : prepare_whole(std::min(count, most_whole));
  }
  std::size_t prepare_packed(std::size_t count) noexcept {
    std::size_t ready = shared_.front().prepare(count, pool_);
    // Without memory in the pool, one of the others may still have room.
    for (std::size_t k = 1; k < shared_.size() && ready == 0; ++k) {
      std::swap(shared_.front(), shared_[k]);
      ready = shared_.front().prepare(count, pool_);
    }
    // Message i is in slab i / capacity, so only a full one is followed by another.
    for (std::size_t k = 1; ready < count && ready == k * packed_slab::capacity; ++k)
      ready += shared_[k].prepare(count - ready, pool_);
    // Any of them may turn out to need a slab; more would be read only to be dropped.
    if (ready > pool_.available()) [[unlikely]] {
      give_back_whole();
      ready = std::min(ready, std::max<std::size_t>(pool_.available(), 1));
    }
    return ready;
  }
  std::size_t prepare_whole(std::size_t count) noexcept {
    for (std::size_t i = 0; i < count && used_whole_ >> i != 0; ++i) {
      if ((used_whole_ >> i & 1) == 0) continue;
      if (!renew(whole_[i])) return i;
      used_whole_ &= ~(1u << i);
    }
    return count;
  }
  /// Sees to it that `slab` can be written to.
  bool renew(slab_pool::filling& slab) noexcept {
    if (slab.has_memory() && slab.is_unshared()) return true;
    slab = slab_pool::filling();
    slab = pool_.acquire();
    return slab.has_memory();
  }
  /// Gives the pool what is kept ready. Leased parts stay out; the room behind them is given up.
  void give_back() noexcept {
    shared_ = {};
    give_back_whole();
  }
  void give_back_whole() noexcept {
    whole_ = {};
    used_whole_ = ~0u;
  }

  [[nodiscard]] const packed_slab& shared_of(std::size_t i) const noexcept {
    return shared_[i / packed_slab::capacity];
  }
  [[nodiscard]] std::span<std::byte> tail(std::size_t i) const noexcept {
    return {tails_.get() + i * tail_size_, tail_size_};
  }

  slab_pool& pool_;
  std::size_t most_;
  std::size_t tail_size_;
  std::unique_ptr<std::byte[]> tails_;  // the system gives its pages when they are first written to
  std::array<packed_slab, most_packed / packed_slab::capacity> shared_;
  std::array<slab_pool::filling, most_whole> whole_;
  /// Which of them may be leased or missing, one bit each: looking at every slab's count before
  /// each call would cost a cache miss per datagram.
  std::uint32_t used_whole_ = ~0u;
  bool packed_ = true;
};

}  // namespace lockgate::inline v0::detail

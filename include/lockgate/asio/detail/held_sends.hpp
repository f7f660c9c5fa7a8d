// Datagrams that a socket took over because others of the same batch had overtaken them.
#pragma once

#include "lockgate/asio/detail/train_plan.hpp"  // for train_plan
#include "lockgate/base/address.hpp"            // for socket_address
#include "lockgate/buffer/slab_pool.hpp"        // for slab_pool, lease
#include "lockgate/buffer/train.hpp"            // for train_length
#include "lockgate/net/datagram_socket.hpp"     // for outgoing_datagram

#include <cstddef>  // for size_t
#include <memory>   // for unique_ptr
#include <new>      // for nothrow
#include <utility>  // for move

namespace lockgate::inline v0::detail {

/// Up to one window of copied datagrams and trains, to be sent before anything else. Copies lie
/// side by side, so that many small ones take one slab.
class held_sends {
 public:
  static constexpr std::size_t capacity = train_plan::entry_limit;
  struct held {
    socket_address to;
    lease payload;
    std::size_t segment_size = 0;
  };
  [[nodiscard]] bool empty() const noexcept { return next_ == count_; }
  [[nodiscard]] held& front() noexcept { return queue_[next_]; }
  void pop_front() noexcept {
    queue_[next_].payload.reset();
    if (++next_ < count_) return;
    next_ = count_ = 0;
    slab_ = slab_pool::filling();
  }
  /// Drops everything. Gives the number of datagrams.
  std::size_t clear() noexcept {
    std::size_t dropped = 0;
    for (; !empty(); pop_front())
      dropped += train_length(front().payload.size(), front().segment_size);
    return dropped;
  }
  /// Copies `datagram`. False when there is no memory for it.
  bool push(const outgoing_datagram& datagram, slab_pool& pool) noexcept {
    if (!queue_) queue_.reset(new (std::nothrow) held[capacity]);
    if (!queue_ || count_ == capacity) return false;
    held copy;
    copy.to = datagram.to;
    copy.segment_size = datagram.segment_size;
    if (const std::size_t size = datagram.payload.size(); size > 0) {
      if (!make_room(size, pool)) return false;
      datagram.payload.copy_to(slab_.memory().data() + used_);
      copy.payload = slab_.cut(used_, size);
      used_ += size;
    }
    queue_[count_++] = std::move(copy);
    return true;
  }

 private:
  bool make_room(std::size_t size, slab_pool& pool) noexcept {
    if (slab_.has_memory() && size <= pool.slab_size() - used_) return true;
    if (size > pool.slab_size()) return false;
    slab_ = pool.acquire();
    used_ = 0;
    return slab_.has_memory();
  }

  std::unique_ptr<held[]> queue_;
  std::size_t next_ = 0, count_ = 0;
  slab_pool::filling slab_;  // that the latest copy lies in
  std::size_t used_ = 0;     // of its bytes
};

}  // namespace lockgate::inline v0::detail

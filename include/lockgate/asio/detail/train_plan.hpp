// Which datagrams and trains of a batch leave together: those to one peer and of one size form a
// train that the kernel or the device cuts.
#pragma once

#include "lockgate/base/address.hpp"         // for socket_address
#include "lockgate/buffer/train.hpp"         // for train_length, longest_train, largest_train
#include "lockgate/net/datagram_socket.hpp"  // for outgoing_datagram

#include <algorithm>  // for min
#include <array>      // for array
#include <cstddef>    // for size_t
#include <cstdint>    // for uint8_t, uint16_t, uint32_t
#include <span>       // for span

namespace lockgate::inline v0::detail {

/// Sorts the front of a batch into trains.
///
/// Guarantees: datagrams to one peer keep their order when the trains are sent in theirs.
/// Cost: one look-up in a small table per entry; peers may be interleaved at will.
class train_plan {
 public:
  static constexpr std::size_t entry_limit = 512;
  static constexpr std::size_t train_limit = 64;
  static constexpr std::size_t part_limit = 1024;  // UIO_MAXIOV, include/uapi/linux/uio.h
  /// A message of more parts than this travels alone, copied together.
  static constexpr std::size_t joinable_parts = 64;

  struct train {
    std::uint16_t first = 0, last = 0;  // entries of the batch
    std::uint16_t entries = 0;
    std::uint16_t datagrams = 0;
    std::uint16_t segment_size = 0;
    std::uint32_t bytes = 0;
    bool open = false;
  };

  /// Plans a prefix of `batch` and gives its length: 0 when its first entry is a train that cannot
  /// be sent as one. `may_join(peer)` says whether trains can be sent there.
  template <class MayJoin>
  std::size_t make(std::span<const outgoing_datagram> batch, MayJoin may_join) noexcept {
    train_count_ = 0;
    latest_.fill(0);
    const std::size_t limit = std::min(batch.size(), entry_limit);
    std::size_t parts = 0, i = 0;
    std::uint8_t* latest = nullptr;  // the latest train to the peer of the entry before
    for (; i < limit; ++i) {
      const outgoing_datagram& entry = batch[i];
      const std::size_t part_count = entry.payload.part_count();
      parts += part_count;
      if (parts > part_limit || part_count > joinable_parts) break;
      if (!latest || entry.to != batch[i - 1].to) latest = &find(batch, entry.to);
      train next = train_of(entry, i);
      if (*latest != 0 && join(trains_[*latest - 1u], next)) continue;
      if (train_count_ == train_limit) break;
      if (!is_allowed(next) || !may_join(entry.to)) {
        if (next.datagrams > 1) break;
        next.open = false;
      }
      trains_[train_count_++] = next;
      *latest = static_cast<std::uint8_t>(train_count_);
    }
    return i;
  }

  [[nodiscard]] std::span<const train> trains() const noexcept {
    return std::span(trains_).first(train_count_);
  }
  /// The entry that follows the one at `position` in its train.
  [[nodiscard]] std::size_t after(std::size_t position) const noexcept { return next_[position]; }

 private:
  static constexpr std::size_t slots = 2 * train_limit;

  /// The place that names the latest train to `peer`, counted from 1; 0 when there is none.
  std::uint8_t& find(std::span<const outgoing_datagram> batch,
                     const socket_address& peer) noexcept {
    std::size_t slot = peer.hash() % slots;
    while (latest_[slot] != 0 && batch[trains_[latest_[slot] - 1u].first].to != peer)
      slot = (slot + 1) % slots;
    return latest_[slot];
  }
  static train train_of(const outgoing_datagram& entry, std::size_t position) noexcept {
    const std::size_t size = entry.payload.size();
    const std::size_t segment_size = first_in_train(size, entry.segment_size);
    const std::size_t datagrams = train_length(size, entry.segment_size);
    train out;
    out.first = out.last = static_cast<std::uint16_t>(position);
    out.entries = 1;
    out.datagrams = static_cast<std::uint16_t>(datagrams);
    out.segment_size = static_cast<std::uint16_t>(segment_size);
    out.bytes = static_cast<std::uint32_t>(size);
    out.open = size == datagrams * segment_size;  // only the last datagram may be shorter
    return out;
  }
  static bool is_allowed(const train& t) noexcept {
    return t.bytes > 0 && t.bytes <= largest_train && t.datagrams <= longest_train &&
           t.segment_size <= largest_train / 2;
  }
  bool join(train& t, const train& next) noexcept {
    const bool fits = next.datagrams == 1 ? next.segment_size <= t.segment_size
                                          : next.segment_size == t.segment_size;
    if (!t.open || !fits || next.bytes == 0 || t.datagrams + next.datagrams > longest_train ||
        t.bytes + next.bytes > largest_train)
      return false;
    next_[t.last] = next.first;
    t.last = next.first;
    ++t.entries;
    t.datagrams = static_cast<std::uint16_t>(t.datagrams + next.datagrams);
    t.bytes += next.bytes;
    t.open = next.open && next.segment_size == t.segment_size;
    return true;
  }

  std::array<train, train_limit> trains_;
  std::size_t train_count_ = 0;
  std::array<std::uint16_t, entry_limit> next_{};
  std::array<std::uint8_t, slots> latest_{};
};

}  // namespace lockgate::inline v0::detail

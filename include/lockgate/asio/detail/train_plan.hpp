// Which datagrams of a batch leave together: those to one peer and of one size form a train that
// the kernel or the device cuts.
#pragma once

#include "lockgate/base/address.hpp"         // for socket_address
#include "lockgate/net/datagram_socket.hpp"  // for outgoing_datagram

#include <algorithm>  // for min
#include <array>      // for array
#include <cstddef>    // for size_t
#include <cstdint>    // for uint8_t, uint16_t
#include <span>       // for span

namespace lockgate::inline v0::detail {

/// Sorts the front of a batch into trains.
///
/// Guarantees: datagrams to one peer keep their order when the trains are sent in theirs.
/// Cost: one look-up in a small table per datagram; peers may be interleaved at will.
class train_plan {
 public:
  static constexpr std::size_t datagram_limit = 512;
  static constexpr std::size_t train_limit = 64;
  static constexpr std::size_t part_limit = 1024;   // UIO_MAXIOV, include/uapi/linux/uio.h
  static constexpr std::size_t segment_limit = 64;  // UDP_MAX_SEGMENTS of Linux before 6.9
  static constexpr std::size_t byte_limit = 65000;  // below the 65,507 bytes of a UDP payload
  /// A message of more parts than this travels alone, copied together.
  static constexpr std::size_t joinable_parts = 64;

  struct train {
    std::uint16_t first = 0, last = 0;  // positions in the batch
    std::uint16_t count = 0;
    std::uint16_t segment = 0;
    std::uint32_t bytes = 0;
    bool open = false;
  };

  /// Plans a prefix of `batch` and gives its length. `may_join(peer)` says whether trains can be
  /// sent there.
  template <class MayJoin>
  std::size_t make(std::span<const outgoing_datagram> batch, MayJoin may_join) noexcept {
    train_count_ = 0;
    latest_.fill(0);
    const std::size_t limit = std::min(batch.size(), datagram_limit);
    std::size_t parts = 0, i = 0;
    std::uint8_t* latest = nullptr;  // the latest train to the peer of the datagram before
    for (; i < limit; ++i) {
      const outgoing_datagram& datagram = batch[i];
      const std::size_t size = datagram.payload.size();
      const std::size_t part_count = datagram.payload.part_count();
      parts += part_count;
      if (parts > part_limit || part_count > joinable_parts) break;
      if (!latest || datagram.to != batch[i - 1].to) latest = &find(batch, datagram.to);
      if (*latest != 0 && join(trains_[*latest - 1u], i, size)) continue;
      if (train_count_ == train_limit) break;
      train& begun = trains_[train_count_++];
      begun.first = begun.last = static_cast<std::uint16_t>(i);
      begun.count = 1;
      begun.segment = static_cast<std::uint16_t>(size);
      begun.bytes = static_cast<std::uint32_t>(size);
      begun.open = size > 0 && size <= byte_limit / 2 && may_join(datagram.to);
      *latest = static_cast<std::uint8_t>(train_count_);
    }
    return i;
  }

  [[nodiscard]] std::span<const train> trains() const noexcept {
    return std::span(trains_).first(train_count_);
  }
  /// The datagram that follows the one at `position` in its train.
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
  bool join(train& t, std::size_t position, std::size_t size) noexcept {
    if (!t.open || size == 0 || size > t.segment || t.count == segment_limit ||
        t.bytes + size > byte_limit)
      return false;
    next_[t.last] = static_cast<std::uint16_t>(position);
    t.last = static_cast<std::uint16_t>(position);
    ++t.count;
    t.bytes += static_cast<std::uint32_t>(size);
    t.open = size == t.segment;  // only the last datagram may be shorter
    return true;
  }

  std::array<train, train_limit> trains_;
  std::size_t train_count_ = 0;
  std::array<std::uint16_t, datagram_limit> next_{};
  std::array<std::uint8_t, slots> latest_{};
};

}  // namespace lockgate::inline v0::detail

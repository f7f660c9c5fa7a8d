// The messages that pass between an application and a provider, outgoing and incoming.
#pragma once

#include "lockgate/base/arrival.hpp"       // for arrival
#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/buffer/chain.hpp"       // for chain
#include "lockgate/buffer/lease.hpp"       // for lease
#include "lockgate/buffer/train.hpp"       // for train_length, first_in_train

#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint16_t, uint64_t
#include <cstring>  // for memcpy
#include <memory>   // for unique_ptr, make_unique
#include <new>      // for nothrow
#include <span>     // for span
#include <utility>  // for move
#include <vector>   // for vector

namespace lockgate::inline v0 {

/// One message on its way to a peer, as `send_buffers` gets it (dd441743).
///
/// Guarantees: G30, G31 - `local` is this side, `remote` a peer that the instance has reached.
/// Lifetime: the payload is borrowed until the row has completed.
struct outgoing {
  transport_id local;
  transport_id remote;
  std::uint64_t endpoint = 0;  ///< the sending endpoint: non-zero, never reused (U11)
  chain payload;
  /// Not 0: the payload, in one part, is a train of messages of this size, which are accepted
  /// together. Only providers that say `sends_trains` get any.
  std::size_t segment_size = 0;
};

/// How many messages a batch is, those of trains counted one by one.
[[nodiscard]] inline std::size_t message_count(std::span<const outgoing> batch) noexcept {
  std::size_t count = 0;
  for (const outgoing& each : batch) count += train_length(each.payload.size(), each.segment_size);
  return count;
}

/// One message from a peer, as a provider indicates it and an application receives it (dd441735).
///
/// Guarantees: G32 - `local` is this side, `remote` the peer; G37 - the payload is the parts in
///             order, which are the memory the network wrote into.
class incoming {
 public:
  incoming() noexcept = default;
  incoming(const transport_id& to, const transport_id& from, lease&& payload) noexcept
      : local(to), remote(from), first_(std::move(payload)) {}
  /// A message in several parts. Errors: throws `std::bad_alloc`.
  incoming(const transport_id& to, const transport_id& from, std::vector<lease>&& parts)
      : local(to), remote(from) {
    if (parts.empty()) return;
    first_ = std::move(parts.front());
    parts.erase(parts.begin());
    if (!parts.empty()) more_ = std::make_unique<std::vector<lease>>(std::move(parts));
  }
  incoming(incoming&&) noexcept = default;
  // On every message's way to its receiver; g++ calls a function otherwise.
  [[gnu::always_inline]] incoming& operator=(incoming&&) noexcept = default;
  /// Becomes another message, of one part. Cost: less than a new one and its move.
  void assign(const transport_id& to, const transport_id& from, lease&& payload) noexcept {
    local = to;
    remote = from;
    first_ = std::move(payload);
    more_.reset();
    segment_size = 0;
  }
  /// Gives the memory back before the message itself goes.
  void reset() noexcept {
    first_.reset();
    more_.reset();
  }

  transport_id local;
  transport_id remote;
  [[no_unique_address]] arrival arrived;  // its padding holds `segment_size`
  /// Not 0: the payload, in one part, is a train of messages of this size. A provider may indicate
  /// trains; an application receives their messages.
  std::uint16_t segment_size = 0;

  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t total = first_.size();
    if (more_)
      for (const lease& part : *more_) total += part.size();
    return total;
  }
  [[nodiscard]] std::size_t part_count() const noexcept { return more_ ? 1 + more_->size() : 1; }
  /// One of the parts. Requires: `index < part_count()`.
  [[nodiscard]] const lease& part(std::size_t index) const noexcept {
    return index == 0 ? first_ : (*more_)[index - 1];
  }
  /// True for a train of which more than one message is left.
  [[nodiscard]] bool is_train() const noexcept {
    return segment_size != 0 && first_.size() > segment_size;
  }
  /// Puts messages from the front of a train into `out`, on the same memory, but not the last one.
  /// Gives their number; the train stays as it is.
  std::size_t share_front(std::span<incoming> out) const noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; count < out.size() && first_.size() - at > segment_size;
         at += segment_size) {
      incoming& message = out[count++];
      message.assign(local, remote, first_.share(at, segment_size));
      message.arrived = arrived;
    }
    return count;
  }
  /// Gives up the first `count` messages of a train, but not the last one.
  void drop_front(std::size_t count) noexcept { first_.drop_front(count * segment_size); }

  /// Memory that this message keeps occupied, perhaps together with others: bytes.
  [[nodiscard]] std::size_t pinned() const noexcept {
    std::size_t total = first_.pinned();
    if (more_)
      for (const lease& part : *more_) total += part.pinned();
    return total;
  }

  /// The payload in one piece. Cost: nothing for a message of one part; otherwise a counted copy.
  /// Errors: empty when there is no memory for the copy.
  [[nodiscard]] std::span<const std::byte> contiguous() noexcept {
    if (more_) compact();
    return more_ ? std::span<const std::byte>() : first_.bytes();
  }
  /// Moves the payload to memory of just its size, for those who keep a small message of a large
  /// slab. False without memory; then nothing has changed. Cost: a counted copy.
  bool compact() noexcept {
    const std::size_t total = size();
    auto* memory = new (std::nothrow) std::byte[total > 0 ? total : 1];
    if (!memory) return false;
    lease whole = lease::wrap(
        {memory, total}, [](void* m) noexcept { delete[] static_cast<std::byte*>(m); }, memory);
    if (!whole.has_memory()) {
      delete[] memory;
      return false;
    }
    std::byte* out = memory;
    for (std::size_t i = 0; i < part_count(); ++i) {
      const auto bytes = part(i).bytes();
      if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
      out += bytes.size();
    }
    ++copies_made.copies;
    copies_made.bytes += total;
    first_ = std::move(whole);
    more_.reset();
    return true;
  }
  /// Takes the payload's only part out. Requires: `part_count() == 1`.
  [[nodiscard]] lease take_lease() && noexcept {
    LOCKGATE_REQUIRE(!more_, "incoming: take_lease() of a message in several parts");
    return std::move(first_);
  }

 private:
  lease first_;
  std::unique_ptr<std::vector<lease>> more_;  // rare, so it costs one pointer
};

}  // namespace lockgate::inline v0

// Receiving on Linux: many datagrams and coalesced trains with one system call.
#pragma once

#include "lockgate/asio/detail/linux_socket.hpp"     // for linux_address, linux_control
#include "lockgate/asio/detail/receive_buffers.hpp"  // for receive_buffers, leftover_messages
#include "lockgate/asio/udp_statistics.hpp"          // for udp_statistics
#include "lockgate/base/clock.hpp"                   // for time_point
#include "lockgate/base/status.hpp"                  // for status
#include "lockgate/buffer/slab_pool.hpp"             // for slab_pool
#include "lockgate/buffer/train.hpp"                 // for train_length
#include "lockgate/net/datagram_socket.hpp"          // for received_datagram

#include <sys/uio.h>  // for iovec

#include <algorithm>     // for min, max
#include <array>         // for array
#include <cerrno>        // for errno
#include <cstddef>       // for size_t
#include <cstdint>       // for uint8_t, uint16_t
#include <span>          // for span
#include <system_error>  // for error_code
#include <utility>       // for move

namespace lockgate::inline v0::detail {

/// What the receivers of one network share: used within one call, except for the buffers.
struct linux_receive_workspace {
  explicit linux_receive_workspace(slab_pool& pool) : buffers(pool, receive_buffers::most_packed) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &from[i];
      header.msg_iov = parts[i].data();
      header.msg_control = control[i].bytes.data();
    }
  }
  linux_receive_workspace(const linux_receive_workspace&) = delete;

  receive_buffers buffers;
  std::array<mmsghdr, receive_buffers::most_packed> messages{};
  std::array<std::array<iovec, 2>, receive_buffers::most_packed> parts{};
  std::array<linux_address, receive_buffers::most_packed> from{};
  std::array<linux_control, receive_buffers::most_packed> control{};
};

/// The receiving half of a UDP socket.
///
/// Small datagrams are packed into shared slabs, up to 128 with one call. Once messages turn out to
/// be larger, each gets a slab of its own, 4 to 16 with one call by how long they are, until a
/// while has passed without a large one. The number asked for follows what came. Once datagrams
/// have come one by one for a while, only one is asked for, without looking for a second: readiness
/// tells of that as well. Now and then more are asked for, to notice when that has changed.
template <class Calls>
class linux_receiver {
 public:
  static constexpr std::size_t smallest_batch = 4;
  static constexpr std::size_t whole_batch_bytes = 320 * 1024;  // of messages: a part of a usual L2
  /// Batches of one in a row after which one is asked for, and after how many more are.
  static constexpr std::size_t single_run = 16, single_probe = 8;

  linux_receiver(linux_receive_workspace& shared, int fd, const udp_options& options,
                 const socket_address& local, udp_statistics& counters) noexcept
      : shared_(shared), fd_(fd), wants_control_(options.offload || options.ancillary),
        local_(local), counters_(counters) {}

  [[nodiscard]] bool has_leftover() const noexcept { return !leftover_.empty(); }
  std::size_t discard() noexcept { return leftover_.clear(); }
  void expect_several() noexcept { singles_ = 0; }

  receive_outcome receive(const receive_room& room, time_point now) noexcept {
    receive_outcome out;
    if (!leftover_.empty()) [[unlikely]] {
      out.count = leftover_.take(room);
      out.more = more_;
      return out;
    }
    more_ = true;
    while (more_ && out.count < room.into.size()) {
      const bool asks_for_one = singles_ >= single_run && singles_ % single_probe != 0;
      // What is left of trains is handed out by the next calls, which then need not ask the system.
      const bool cuts_trains = train_length_ > 1 && !room.keeps_trains;
      const std::size_t most = asks_for_one ? 1 : room.into.size() - out.count;
      const std::size_t wanted = cuts_trains ? batch_ : std::min(batch_, most);
      const std::size_t asked = shared_.buffers.prepare(wanted, packed_);
      if (asked == 0) [[unlikely]] {
        drop();
        more_ = false;
        break;
      }
      prepare(asked);
      const int got = call(asked, 0);
      if (got < 0) [[unlikely]] {
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
          more_ = false;
        } else if (is_reported_errno(errno)) {
          ++counters_.reported_errors;
        } else {
          more_ = false;
          if (out.count == 0) out.failure = std::error_code(errno, std::system_category());
        }
        break;
      }
      const auto count = static_cast<std::size_t>(got);
      const std::size_t bytes = deliver(count, now, room, out.count);
      out.bytes += bytes;
      more_ = !asks_for_one && count == asked;
      singles_ = got == 1 && train_length_ == 1 ? singles_ + 1 : 0;
      adapt(count, asked, bytes);
      if (train_length_ > 1) break;  // the room counts trains, but the cache their bytes
    }
    out.more = more_;
    return out;
  }

 private:
  int call(std::size_t count, int flags) noexcept {
    int got;
    do {
      ++counters_.receive_calls;
      got = Calls::receive(fd_, shared_.messages.data(), static_cast<unsigned>(count), flags);
    } while (got < 0 && errno == EINTR);
    return got;
  }
  void prepare(std::size_t count) noexcept {
    linux_receive_workspace& shared = shared_;
    shared.buffers.for_each_place(count, [&](std::size_t i, const receive_buffers::place& place) {
      shared.parts[i] = {
          {{place.head.data(), place.head.size()}, {place.tail.data(), place.tail.size()}}};
      reset_lengths(shared.messages[i].msg_hdr, place.tail.empty() ? 1 : 2);
    });
  }
  /// The system writes the lengths it used.
  void reset_lengths(msghdr& header, std::size_t parts) const noexcept {
    header.msg_iovlen = parts;
    header.msg_namelen = sizeof(linux_address);
    header.msg_controllen = wants_control_ ? sizeof(linux_control) : 0;
  }

  /// Gives the number of bytes received.
  std::size_t deliver(std::size_t count, time_point now, const receive_room& room,
                      std::size_t& room_filled) noexcept {
    train_length_ = 1;
    linux_receive_workspace& shared = shared_;
    const std::span<received_datagram> into = room.into;
    const arrival arrived{now, local_};
    std::size_t plain = 0, cut_off = 0, bytes = 0, small = small_messages_, filled = room_filled;
    for (std::size_t i = 0; i < count; ++i) {
      const mmsghdr& message = shared.messages[i];
      const std::size_t size = message.msg_len;
      bytes += size;
      small = size > receive_buffers::packed_size ? 0 : small + 1;
      if (message.msg_hdr.msg_controllen > 0 || filled == into.size() ||
          !shared.buffers.fits_head(size)) [[unlikely]] {
        filled = deliver_special(i, now, room, filled);
        continue;
      }
      const bool truncated = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
      ++plain;
      cut_off += truncated;
      received_datagram& out = into[filled++];
      out.payload = shared.buffers.take(i, size);
      load(shared.from[i], out.from);
      out.arrived = arrived;
      out.arrived.truncated = truncated;
      out.segment_size = 0;
    }
    counters_.datagrams_received += plain;
    counters_.truncated += cut_off;
    small_messages_ = small;
    room_filled = filled;
    if (count > 0) shared_.buffers.finish(count, shared_.messages[count - 1].msg_len);
    return bytes;
  }
  /// A message about which there is more to know, that has to be joined, or that finds no room.
  /// Gives how much of the room is filled then.
  std::size_t deliver_special(std::size_t i, time_point now, const receive_room& room,
                              std::size_t filled) noexcept {
    mmsghdr& message = shared_.messages[i];
    const std::size_t size = message.msg_len;
    received_datagram datagram;
    arrival& how = datagram.arrived;
    load(shared_.from[i], datagram.from);
    how = {now, local_};
    how.truncated = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
    datagram.segment_size = read_control(message.msg_hdr, how.ecn, how.local_address.ip);
    const std::size_t datagrams = train_length(size, datagram.segment_size);
    if (!shared_.buffers.complete(i, size, datagram, counters_)) return filled;
    if (datagrams > 1) {
      ++counters_.trains_received;
      counters_.segments_received += datagrams;
      train_length_ = std::max(train_length_, datagrams);
    }
    counters_.dropped_no_buffer += leftover_.deliver(std::move(datagram), room, filled);
    return filled;
  }
  void adapt(std::size_t got, std::size_t asked, std::size_t bytes) noexcept {
    const bool packed =
        packed_ ? small_messages_ >= got : small_messages_ >= receive_buffers::small_run;
    const std::size_t most = packed ? receive_buffers::most_packed : most_whole(got, bytes);
    std::size_t batch = batch_;
    if (got == asked) batch = got == batch_ ? 2 * batch_ : batch_;
    else if (2 * got < batch_) batch = batch_ / 2;
    batch = std::clamp(batch, smallest_batch, most);
    if (packed != packed_ || batch != batch_) ++counters_.adaptations;
    packed_ = packed;
    batch_ = batch;
  }
  [[nodiscard]] static std::size_t most_whole(std::size_t got, std::size_t bytes) noexcept {
    return std::clamp(whole_batch_bytes * got / (bytes + 1), smallest_batch,
                      receive_buffers::most_whole);
  }
  /// Reads and drops what there is no memory for, so that newer datagrams get their chance.
  void drop() noexcept {
    for (mmsghdr& message : shared_.messages) reset_lengths(message.msg_hdr, 0);
    const int got = call(receive_buffers::most_packed, MSG_TRUNC);  // gives the full lengths
    for (int i = 0; i < got; ++i) {
      mmsghdr& message = shared_.messages[static_cast<std::size_t>(i)];
      std::uint8_t ecn = 0;
      ip_address local;
      const std::uint16_t segment_size = read_control(message.msg_hdr, ecn, local);
      counters_.dropped_no_buffer += train_length(message.msg_len, segment_size);
    }
  }

  linux_receive_workspace& shared_;
  int fd_;
  bool wants_control_;
  socket_address local_;
  udp_statistics& counters_;
  leftover_messages leftover_;
  bool more_ = false;
  bool packed_ = true;
  std::size_t batch_ = smallest_batch;
  std::size_t train_length_ = 1;    // of the last call's longest
  std::size_t small_messages_ = 0;  // in a row
  std::size_t singles_ = 0;         // batches of one message in a row
};

}  // namespace lockgate::inline v0::detail

// Sending on Linux: trains to many peers with one system call.
#pragma once

#include "lockgate/asio/detail/held_sends.hpp"    // for held_sends
#include "lockgate/asio/detail/linux_socket.hpp"  // for linux_address, set_segment
#include "lockgate/asio/detail/train_plan.hpp"    // for train_plan
#include "lockgate/asio/udp_statistics.hpp"       // for udp_statistics, udp_options
#include "lockgate/base/accepted.hpp"             // for accepted
#include "lockgate/base/status.hpp"               // for status
#include "lockgate/buffer/slab_pool.hpp"          // for slab_pool
#include "lockgate/buffer/train.hpp"              // for first_in_train, train_length
#include "lockgate/net/datagram_socket.hpp"       // for outgoing_datagram

#include <sys/uio.h>  // for iovec

#include <algorithm>     // for find
#include <array>         // for array
#include <cerrno>        // for errno
#include <cstddef>       // for size_t
#include <span>          // for span
#include <system_error>  // for error_code

namespace lockgate::inline v0::detail {

/// What the senders of one network share, within one call.
struct linux_send_workspace {
  explicit linux_send_workspace(slab_pool& buffers) noexcept : pool(buffers) {}
  slab_pool& pool;
  train_plan plan;
  std::array<mmsghdr, train_plan::train_limit> messages{};
  std::array<linux_address, train_plan::train_limit> to{};
  std::array<linux_segment_control, train_plan::train_limit> control{};
  std::array<iovec, train_plan::part_limit> parts{};
  enum class fate : unsigned char { waiting, sent, refused };
  std::array<fate, train_plan::entry_limit> fates{};
};

/// The sending half of a UDP socket.
///
/// A train that the system refuses is sent again one by one, and no other is tried to that peer.
/// When the socket's buffer is full after later datagrams to other peers have left, the overtaken
/// ones are copied and leave first as soon as there is room: a batch is accepted from its front,
/// and a train of it as a whole.
template <class Calls>
class linux_sender {
  using fate = linux_send_workspace::fate;

 public:
  linux_sender(linux_send_workspace& shared, int fd, bool offload, bool v6,
               udp_statistics& counters) noexcept
      : shared_(shared), fd_(fd), offload_(offload), v6_(v6), counters_(counters) {}

  [[nodiscard]] bool has_held() const noexcept { return !held_.empty(); }
  [[nodiscard]] bool needs_pause() const noexcept { return needs_pause_; }
  std::size_t discard() noexcept { return held_.clear(); }

  void send_held() noexcept {
    while (!held_.empty()) {
      held_sends::held& next = held_.front();
      const std::size_t size = first_in_train(next.payload.size(), next.segment_size);
      const status why = send_alone({next.to, chain(next.payload.bytes().first(size))});
      if (why == errc::would_block) return;
      if (!why.ok()) ++counters_.dropped_refused;
      if (size == next.payload.size()) held_.pop_front();
      else next.payload.drop_front(size);
    }
  }

  accepted send(std::span<const outgoing_datagram> batch) noexcept {
    send_held();
    if (!held_.empty()) [[unlikely]]
      return errc::would_block;
    for (std::size_t done = 0; done < batch.size();) {
      const auto rest = batch.subspan(done);
      const accepted front = send_front(rest);
      done += front.count;
      if (!front.why.ok() && done < batch.size()) return {done, front.why};
    }
    return batch.size();
  }

 private:
  /// Sends what can be planned at once.
  accepted send_front(std::span<const outgoing_datagram> batch) noexcept {
    std::size_t planned = 0;
    if (batch.size() > 1 || batch[0].segment_size != 0)
      planned = shared_.plan.make(batch, [&](const socket_address& to) { return may_join(to); });
    if (planned > 0) return send_window(batch.first(planned));
    if (const status why = send_singly(batch[0]); !why.ok()) return why;
    return {1, held_.empty() ? status() : status(errc::would_block)};
  }
  [[nodiscard]] bool may_join(const socket_address& peer) const noexcept {
    const auto end = without_offload_.begin() + static_cast<std::ptrdiff_t>(without_count_);
    return offload_ && std::find(without_offload_.begin(), end, peer) == end;
  }
  void stop_joining(const socket_address& peer) noexcept {
    ++counters_.offload_fallbacks;
    if (!may_join(peer)) return;
    if (without_count_ == without_offload_.size()) offload_ = false;
    else without_offload_[without_count_++] = peer;
  }

  /// The status of the `errno` that a send left, or success when it should be tried again.
  status judge(int error, int& attempts) noexcept {
    if (error == EAGAIN || error == EWOULDBLOCK) {
      ++counters_.would_block;
      return errc::would_block;
    }
    if (error == ENOBUFS) {
      ++counters_.no_buffer_space;
      needs_pause_ = true;
      return errc::would_block;
    }
    if (error == EINTR) return {};
    if ((error == ECONNREFUSED || error == ECONNRESET) && --attempts > 0) {
      ++counters_.reported_errors;  // of an earlier datagram
      return {};
    }
    if (error == EMSGSIZE) return errc::message_too_large;
    return std::error_code(error, std::system_category());
  }
  status call(mmsghdr* messages, std::size_t count, std::size_t& done) noexcept {
    needs_pause_ = false;
    for (int attempts = 16;;) {
      ++counters_.send_calls;
      const int n = Calls::send(fd_, messages, static_cast<unsigned>(count));
      if (n > 0) [[likely]]
        return done = static_cast<std::size_t>(n), status();
      const int error = n == 0 ? EAGAIN : errno;
      if (const status why = judge(error, attempts); !why.ok()) {
        refusal_ = error;
        return why;
      }
    }
  }

  status send_alone(const outgoing_datagram& datagram) noexcept {
    mmsghdr& message = single_;
    message = {};
    message.msg_hdr.msg_name = &single_to_;
    message.msg_hdr.msg_namelen = store(datagram.to, v6_, single_to_);
    if (message.msg_hdr.msg_namelen == 0) return errc::not_supported;
    slab_pool::filling whole;
    const chain* payload = &datagram.payload;
    chain joined;
    if (payload->part_count() > train_plan::joinable_parts) [[unlikely]] {
      if (payload->size() > shared_.pool.slab_size()) return errc::message_too_large;
      whole = shared_.pool.acquire();
      if (!whole.has_memory()) return errc::no_buffer;
      payload->copy_to(whole.memory().data());
      ++counters_.copies;
      joined = chain(whole.memory().first(payload->size()));
      payload = &joined;
    }
    std::array<iovec, train_plan::joinable_parts> parts;
    for (std::size_t p = 0; p < payload->part_count(); ++p) {
      const bytes_view part = payload->part(p);
      parts[p] = {const_cast<std::byte*>(part.data()), part.size()};
    }
    message.msg_hdr.msg_iov = parts.data();
    message.msg_hdr.msg_iovlen = payload->part_count();
    std::size_t done = 0;
    const status why = call(&message, 1, done);
    if (why.ok()) ++counters_.datagrams_sent;
    return why;
  }
  /// Sends a datagram, or those of a train one by one. A train whose first datagram has left is
  /// accepted: what is left of it is held when the socket's buffer is full, and dropped when the
  /// system refuses it.
  status send_singly(const outgoing_datagram& entry) noexcept {
    if (entry.segment_size == 0) return send_alone(entry);
    bytes_view rest = entry.payload.part(0);
    for (bool begun = false; !rest.empty(); begun = true) {
      const bytes_view next = rest.first(first_in_train(rest.size(), entry.segment_size));
      const status why = send_alone({entry.to, chain(next)});
      if (!why.ok() && !begun) return why;
      if (why == errc::would_block) {
        hold({entry.to, chain(rest), entry.segment_size});
        return {};
      }
      if (!why.ok()) ++counters_.dropped_refused;
      rest = rest.subspan(next.size());
    }
    return {};
  }
  void hold(const outgoing_datagram& entry) noexcept {
    (held_.push(entry, shared_.pool) ? counters_.copies : counters_.dropped_no_buffer) +=
        train_length(entry.payload.size(), entry.segment_size);
  }
  /// Names the parts of `payload` from `at` on, for a message that began at `begun`, and gives
  /// where they end. What lies side by side, as a forwarded train does, is one part.
  std::size_t lay_out(const chain& payload, std::size_t begun, std::size_t at) noexcept {
    for (std::size_t p = 0; p < payload.part_count(); ++p) {
      const bytes_view part = payload.part(p);
      auto* const bytes = const_cast<std::byte*>(part.data());
      if (at > begun) {
        iovec& last = shared_.parts[at - 1];
        if (static_cast<std::byte*>(last.iov_base) + last.iov_len == bytes) {
          last.iov_len += part.size();
          continue;
        }
      }
      shared_.parts[at++] = {bytes, part.size()};
    }
    return at;
  }

  accepted send_window(std::span<const outgoing_datagram> window) noexcept {
    lay_out_trains(window);
    const auto trains = shared_.plan.trains();
    std::size_t t = 0;
    status why = send_trains(t);
    if (why.ok()) return window.size();
    std::fill_n(shared_.fates.begin(), window.size(), fate::waiting);
    for (const auto& train : trains.first(t)) mark_sent(train);
    while (!why.ok() && why != errc::would_block) {
      const auto& failed = trains[t];
      if (failed.datagrams > 1 && (refusal_ == EIO || refusal_ == EINVAL || refusal_ == EMSGSIZE)) {
        stop_joining(window[failed.first].to);
        why = send_train_singly(window, failed);
      } else {
        why = refuse(window, failed, why);
      }
      if (!why.ok()) break;
      const std::size_t next = ++t;
      why = send_trains(t);
      for (const auto& train : trains.subspan(next, t - next)) mark_sent(train);
    }
    return answer_for(window, why);
  }
  /// Sends trains from `t` on. Stops with the reason at one that does not go, which `t` then names.
  status send_trains(std::size_t& t) noexcept {
    const auto trains = shared_.plan.trains();
    while (t < trains.size()) {
      refusal_ = 0;
      if (shared_.messages[t].msg_hdr.msg_namelen == 0) return errc::not_supported;
      std::size_t done = 0;
      if (const status why = call(&shared_.messages[t], runnable(t, trains.size()), done);
          !why.ok())
        return why;
      for (; done > 0; --done) count(trains[t++]);
    }
    return {};
  }
  void count(const train_plan::train& sent) noexcept {
    counters_.datagrams_sent += sent.datagrams;
    if (sent.datagrams == 1) return;
    ++counters_.trains_sent;
    counters_.segments_sent += sent.datagrams;
  }
  /// How many trains from `t` on have an address that this socket can send to.
  [[nodiscard]] std::size_t runnable(std::size_t t, std::size_t end) const noexcept {
    std::size_t count = 1;
    while (t + count < end && shared_.messages[t + count].msg_hdr.msg_namelen != 0) ++count;
    return count;
  }
  void lay_out_trains(std::span<const outgoing_datagram> window) noexcept {
    std::size_t part = 0, t = 0;
    for (const train_plan::train& train : shared_.plan.trains()) {
      mmsghdr& message = shared_.messages[t];
      message = {};
      message.msg_hdr.msg_name = &shared_.to[t];
      message.msg_hdr.msg_namelen = store(window[train.first].to, v6_, shared_.to[t]);
      message.msg_hdr.msg_iov = &shared_.parts[part];
      const std::size_t begun = part;
      for_each(train, [&](std::size_t i) { part = lay_out(window[i].payload, begun, part); });
      message.msg_hdr.msg_iovlen = part - begun;
      if (train.datagrams > 1) set_segment(message.msg_hdr, shared_.control[t], train.segment_size);
      ++t;
    }
  }
  template <class F>
  void for_each(const train_plan::train& train, F visit) const {
    std::size_t i = train.first;
    for (std::size_t n = 0; n < train.entries; ++n, i = shared_.plan.after(i)) visit(i);
  }
  void mark_sent(const train_plan::train& train) noexcept {
    for_each(train, [&](std::size_t i) { shared_.fates[i] = fate::sent; });
  }
  /// Sends the datagrams of a train one by one. Gives the reason to stop the window, if there is
  /// one.
  status send_train_singly(std::span<const outgoing_datagram> window,
                           const train_plan::train& train) noexcept {
    status stop;
    for_each(train, [&](std::size_t i) {
      if (!stop.ok()) return;
      const status why = send_singly(window[i]);
      if (why.ok()) {
        shared_.fates[i] = fate::sent;
        if (!held_.empty()) stop = errc::would_block;
      } else if (why == errc::would_block) {
        stop = why;
      } else {
        stop = refuse_one(window.size(), i, why);
      }
    });
    return stop;
  }
  status refuse(std::span<const outgoing_datagram> window, const train_plan::train& train,
                status why) noexcept {
    status stop;
    for_each(train, [&](std::size_t i) {
      if (stop.ok()) stop = refuse_one(window.size(), i, why);
    });
    return stop;
  }
  /// Gives `why` when the window can end at `i`: all before it sent, and none after it.
  status refuse_one(std::size_t size, std::size_t i, status why) noexcept {
    shared_.fates[i] = fate::refused;
    for (std::size_t k = 0; k < size; ++k)
      if (k != i && (shared_.fates[k] == fate::sent) != (k < i)) return {};
    return why;
  }

  /// Turns what became of each datagram into an answer for the front of the window.
  accepted answer_for(std::span<const outgoing_datagram> window, status why) noexcept {
    std::size_t end = window.size();
    if (!why.ok())
      while (end > 0 && shared_.fates[end - 1] != fate::sent) --end;
    for (std::size_t i = 0; i < end; ++i) {
      if (shared_.fates[i] == fate::refused) {
        counters_.dropped_refused += train_length(window[i].payload.size(), window[i].segment_size);
      } else if (shared_.fates[i] == fate::waiting) {
        hold(window[i]);
      }
    }
    return {end, why};
  }

  linux_send_workspace& shared_;
  int fd_;
  bool offload_;
  bool v6_;
  bool needs_pause_ = false;
  int refusal_ = 0;
  udp_statistics& counters_;
  held_sends held_;
  mmsghdr single_{};
  linux_address single_to_{};
  std::array<socket_address, 16> without_offload_;  // more, and the whole socket goes without
  std::size_t without_count_ = 0;
};

}  // namespace lockgate::inline v0::detail

// Messages to and from a TURN server over datagrams or a stream.
#pragma once

#include "lockgate/base/accepted.hpp"        // for accepted
#include "lockgate/base/result.hpp"          // for result
#include "lockgate/buffer/chain.hpp"         // for chain, bytes_view
#include "lockgate/buffer/slab_pool.hpp"     // for slab_pool
#include "lockgate/coro/sleep.hpp"           // for sleep_for
#include "lockgate/coro/task.hpp"            // for task
#include "lockgate/coro/wait_list.hpp"       // for wait_list
#include "lockgate/net/datagram_socket.hpp"  // for received_datagram
#include "lockgate/net/stream.hpp"           // for byte_stream
#include "lockgate/stun/stream_framing.hpp"  // for next_frame

#include <algorithm>  // for copy
#include <chrono>     // for milliseconds
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint64_t
#include <span>       // for span
#include <utility>    // for move, swap
#include <vector>     // for vector

namespace lockgate::inline v0 {

/// A way to one TURN server. Whole messages go in, whole messages come out.
class server_wire {
 public:
  virtual ~server_wire() = default;
  /// As `datagram_socket::try_send`; the addresses are the server's.
  virtual accepted try_send(std::span<const outgoing_datagram> batch) = 0;
  /// Sends a message of the protocol itself; what gets lost is its client's to repeat.
  virtual void send_control(bytes_view message) = 0;
  /// Waits for a moment at which sending is worth another try.
  virtual task<status> writable() = 0;
  /// Waits for messages from the server; others are dropped.
  virtual task<result<std::size_t>> receive(std::span<received_datagram> into) = 0;
  /// Does in the background what sending needs, until `close`.
  virtual task<> work() = 0;
  /// Ends what is received and sent.
  virtual void close() = 0;
};

/// UDP. Cost: nothing is copied or allocated.
template <datagram_socket Socket>
class datagram_wire final : public server_wire {
 public:
  datagram_wire(Socket&& socket, const socket_address& server)
      : socket_(std::move(socket)), server_(server) {}

  accepted try_send(std::span<const outgoing_datagram> batch) override {
    return socket_.try_send(batch);
  }
  void send_control(bytes_view message) override {
    const outgoing_datagram one{server_, chain(message)};
    static_cast<void>(socket_.try_send({&one, 1}));  // as good as lost on the way
  }
  task<status> writable() override { co_return co_await socket_.writable(); }
  task<result<std::size_t>> receive(std::span<received_datagram> into) override {
    for (;;) {
      const result<std::size_t> got = co_await socket_.receive(into);
      if (!got) co_return got;
      std::size_t kept = 0;
      for (std::size_t i = 0; i < *got; ++i) {
        if (into[i].from.ip != server_.ip || into[i].from.port != server_.port) {
          ++strangers_;
          into[i].payload.reset();
        } else if (kept++ != i) {
          into[kept - 1] = std::move(into[i]);
        }
      }
      if (kept > 0) co_return result<std::size_t>(kept);
    }
  }
  task<> work() override { co_return; }
  void close() override { socket_.close(); }

  /// Dropped: not from the server.
  [[nodiscard]] std::uint64_t strangers() const noexcept { return strangers_; }

 private:
  Socket socket_;
  socket_address server_;
  std::uint64_t strangers_ = 0;
};

/// TCP or TLS. Cost: what is sent is copied once, into memory that is used again and again; what is
/// received is copied only where a message lies across the end of a slab.
template <byte_stream Stream>
class stream_wire final : public server_wire {
 public:
  stream_wire(Stream&& stream, slab_pool& pool) : stream_(std::move(stream)), pool_(pool) {}

  accepted try_send(std::span<const outgoing_datagram> batch) override {
    std::size_t taken = 0;
    for (; taken < batch.size(); ++taken) {
      if (closed_) return {taken, errc::closed};
      if (waiting_.size() >= most_waiting) return {taken, errc::would_block};
      const chain& message = batch[taken].payload;
      const std::size_t at = waiting_.size();
      waiting_.resize(at + message.size());
      message.copy_to(waiting_.data() + at);
    }
    more_.complete_all();
    return taken;
  }
  void send_control(bytes_view message) override {
    waiting_.insert(waiting_.end(), message.begin(), message.end());
    more_.complete_all();
  }
  task<status> writable() override {
    while (!closed_ && waiting_.size() >= most_waiting) {
      const status waited = co_await room_.wait();
      if (!waited.ok()) co_return waited;
    }
    co_return closed_ ? status(errc::closed) : status();
  }
  task<result<std::size_t>> receive(std::span<received_datagram> into) override {
    for (;;) {
      std::size_t count = 0;
      while (count < into.size()) {
        const bytes_view rest = slab_.memory().subspan(begin_, end_ - begin_);
        const auto frame = stun::next_frame(rest);
        if (!frame && count == 0) co_return result<std::size_t>(frame.error());
        if (!frame || frame->size == 0) break;
        into[count] = received_datagram();
        into[count++].payload = slab_.cut(begin_, frame->size);
        begin_ += frame->consumed;
      }
      if (count > 0) co_return result<std::size_t>(count);
      const status ready = co_await make_room();
      if (!ready.ok()) co_return result<std::size_t>(ready);
      const result<std::size_t> got = co_await stream_.receive(slab_.memory().subspan(end_));
      if (!got) co_return got;
      end_ += *got;
    }
  }
  task<> work() override {
    while (!closed_) {
      if (waiting_.empty()) {
        const status waited = co_await more_.wait();
        if (!waited.ok()) co_return;
        continue;
      }
      std::swap(waiting_, leaving_);
      room_.complete_all();
      const status gone = co_await stream_.send(leaving_);
      leaving_.clear();
      if (!gone.ok()) close();
    }
  }
  void close() override {
    closed_ = true;
    stream_.close();
    more_.complete_all();
    room_.complete_all();
  }

 private:
  static constexpr std::size_t most_waiting = 256 << 10;  // bytes: some 200 datagrams

  /// Finds memory to receive into. A message that has begun in a full slab moves to a new one.
  task<status> make_room() {
    if (slab_.has_memory() && end_ - begin_ == slab_.memory().size())
      co_return status(errc::malformed);  // longer than any message that a relay can send
    if (slab_.has_memory() && slab_.is_unshared() && begin_ == end_) begin_ = end_ = 0;
    if (slab_.has_memory() && slab_.memory().size() - end_ >= least_room) co_return status();
    slab_pool::filling next = pool_.acquire();
    while (!next.has_memory()) {  // the stream waits in the kernel
      const status waited = co_await sleep_for(std::chrono::milliseconds(1));
      if (!waited.ok()) co_return waited;
      next = pool_.acquire();
    }
    const bytes_view begun = slab_.memory().subspan(begin_, end_ - begin_);
    std::copy(begun.begin(), begun.end(), next.memory().begin());
    slab_ = std::move(next);
    begin_ = 0;
    end_ = begun.size();
    co_return status();
  }

  static constexpr std::size_t least_room = 4096;  // bytes worth a call

  Stream stream_;
  slab_pool& pool_;
  slab_pool::filling slab_;
  std::size_t begin_ = 0, end_ = 0;  // received, not yet handed out
  std::vector<std::byte> waiting_, leaving_;
  wait_list more_, room_;
  bool closed_ = false;
};

}  // namespace lockgate::inline v0

// A UDP socket's life in the io_context: who waits for it, and when to ask for readiness.
#pragma once

#include "lockgate/asio/detail/handler_memory.hpp"      // for handler_memory, owned_handler
#include "lockgate/asio/detail/io_loop.hpp"             // for io_loop, relook_item
#include "lockgate/asio/detail/native_socket.hpp"       // for native_udp_socket
#include "lockgate/asio/detail/receive_buffers.hpp"     // for receive_outcome, receive_room
#include "lockgate/asio/detail/receive_moderation.hpp"  // for receive_moderation
#include "lockgate/asio/detail/udp_totals.hpp"          // for udp_totals, counted_socket
#include "lockgate/asio/system_error.hpp"               // for from_asio
#include "lockgate/asio/udp_statistics.hpp"             // for udp_statistics, udp_options
#include "lockgate/base/accepted.hpp"                   // for accepted
#include "lockgate/base/result.hpp"                     // for result
#include "lockgate/coro/timer.hpp"                      // for timer
#include "lockgate/coro/wait_list.hpp"                  // for waiter, wait_list
#include "lockgate/net/datagram_socket.hpp"             // for outgoing_datagram

#include <asio/ip/udp.hpp>  // for udp

#include <cstddef>       // for size_t
#include <cstdint>       // for uint64_t
#include <memory>        // for shared_ptr, enable_shared_from_this
#include <span>          // for span
#include <system_error>  // for error_code
#include <utility>       // for exchange, move

namespace lockgate::inline v0::detail {

/// A coroutine that waits for datagrams.
struct udp_reader : waiter {
  receive_room room;
  std::size_t count = 0;
};

/// The part of a UDP socket that Asio's handlers share. `Transfer` moves the datagrams.
///
/// At most one wait for each direction is under way; it is begun when an attempt has shown that
/// nothing is there, since every wait costs a system call of its own.
template <class Transfer>
class udp_channel final : public std::enable_shared_from_this<udp_channel<Transfer>>,
                          relook_item,
                          timer {
 public:
  udp_channel(std::shared_ptr<io_loop> loop, typename Transfer::workspace& shared,
              udp_totals& totals, native_udp_socket&& socket, const udp_options& options,
              const socket_address& local)
      : relook_item(
            [](relook_item& self) noexcept { return static_cast<udp_channel&>(self).look(); },
            [](relook_item& self) noexcept { static_cast<udp_channel&>(self).wait_readable(); }),
        timer([](ready_item& self) noexcept { static_cast<udp_channel&>(self).writable(); }),
        loop_(std::move(loop)), options_(options), local_(local), totals_(totals),
        moderation_(options.look_again > duration::zero() ? duration::zero() : options.moderation),
        socket_(std::move(socket)),
        transfer_(shared, socket_, options_, local_, counted_.statistics) {
    totals_.opened(counted_);
  }

  [[nodiscard]] const socket_address& local() const noexcept { return local_; }
  [[nodiscard]] const udp_statistics& statistics() const noexcept { return counted_.statistics; }
  [[nodiscard]] native_udp_socket& socket() noexcept { return socket_; }
  [[nodiscard]] bool closed() const noexcept { return closed_; }

  accepted send(std::span<const outgoing_datagram> batch) noexcept {
    if (closed_) [[unlikely]]
      return errc::closed;
    moderation_.sent();
    const accepted answer = transfer_.send(batch);
    if (transfer_.has_held()) [[unlikely]]
      wait_writable();
    return answer;
  }

  void wait(udp_reader& reader) noexcept {
    readers_.push_back(reader);
    arrange_service();
  }
  void wait(waiter& writer) noexcept {
    writers_.push_back(writer);
    wait_writable();
  }

  void close() noexcept {
    if (std::exchange(closed_, true)) return;
    counted_.statistics.dropped_closed += transfer_.discard();
    totals_.closed(counted_);
    relook_item::unlink();
    timer::disarm();
    serving_.call_off();
    if (pause_.is_under_way()) static_cast<void>(end_pause());
    std::error_code ignored;  // the descriptor is gone either way
    socket_.close(ignored);
    readers_.complete_all(errc::closed);
    writers_.complete_all(errc::closed);
  }

 private:
  /// Bytes of one turn after which what is made of them is sent before more is received: with what
  /// the kernel needs for as many, they are still in a usual L2 cache then.
  static constexpr std::size_t cache_share = 128 * 1024;

  receive_outcome attempt(const receive_room& room) noexcept {
    const std::uint64_t before = counted_.statistics.datagrams_received;
    const receive_outcome outcome =
        transfer_.receive(room, options_.ancillary ? loop_->home()->now() : time_point());
    more_ = outcome.more;
    received_ += outcome.bytes;
    moderation_.received(counted_.statistics.datagrams_received - before);
    return outcome;
  }
  /// Gives the reader who has waited longest what is there. True when there was something.
  bool serve() noexcept {
    if (readers_.empty()) return false;
    auto& reader = static_cast<udp_reader&>(readers_.front());
    const receive_outcome outcome = attempt(reader.room);
    reader.count = outcome.count;
    return (!outcome.failure.ok() || outcome.count > 0) && reader.complete(outcome.failure);
  }
  /// Sees to it that waiting readers are served. Where more is likely to be there, that is once
  /// those have run who were handed the last batch.
  void arrange_service() noexcept {
    if (closed_ || readers_.empty() || read_wait_ || serving_.is_arranged()) return;
    if (transfer_.has_leftover()) loop_->home()->schedule(serving_);
    else if (more_ && budget_ > 0) serve_again();
    else if (options_.look_again > duration::zero()) loop_->look_again(*this, options_.look_again);
    else wait_readable();
  }
  /// Goes on in this turn while little has come, so that what is gathered for the turn's end forms
  /// long trains; otherwise after it, when the memory is free and still in the cache.
  void serve_again() noexcept {
    if (received_ < cache_share) loop_->home()->schedule(serving_);
    else loop_->home()->at_turn_end(serving_);
  }
  void begin_turn() noexcept {
    budget_ = options_.batches_per_turn;
    received_ = 0;
  }
  void go_on() noexcept {
    if (budget_ > 0) --budget_;
    serve();
    arrange_service();
  }
  bool look() noexcept {
    begin_turn();
    const bool found = serve();
    if (found) arrange_service();
    return found;
  }
  void wait_readable() noexcept {
    if (closed_ || read_wait_ || pause_.is_under_way()) return;
    if (moderation_.should_pause(*loop_->home()) && !write_wait_ && transfer_.leave_reactor())
        [[unlikely]] {
      ++counted_.statistics.pauses;
      loop_->home()->arm(pause_, loop_->home()->now() + moderation_.gather());
      return;
    }
    read_wait_ = true;
    ++counted_.statistics.waits;
    socket_.async_wait(native_udp_socket::wait_read,
                       owned_handler(this->shared_from_this(), read_memory_,
                                     [](udp_channel& self, const std::error_code& error) {
                                       self.read_wait_ = false;
                                       if (!self.closed_) self.readable(error);
                                     }));
  }
  void readable(const std::error_code& error) noexcept {
    loop_->enter([&] {
      if (error) readers_.complete_all(from_asio(error));
      serve_afresh();
    });
  }
  void serve_afresh() noexcept {
    begin_turn();
    more_ = true;  // should nobody wait, the next receive() finds out
    serve();
    arrange_service();
  }

  /// Lets the socket back into the reactor. When the system has no memory for that, the socket is
  /// of no use any more.
  bool end_pause() noexcept {
    pause_.disarm();
    const std::error_code error = transfer_.rejoin_reactor();
    if (!error) return true;
    readers_.complete_all(from_asio(error));
    close();
    return false;
  }
  void paused() noexcept {
    if (end_pause()) serve_afresh();
  }
  void wait_writable() noexcept {
    if (transfer_.needs_pause()) {
      if (!timer::is_armed() && !timer::is_scheduled())
        loop_->home()->arm(*this, loop_->home()->now() + options_.no_buffer_backoff);
      return;
    }
    if (std::exchange(write_wait_, true)) return;
    if (pause_.is_under_way()) {
      if (!end_pause()) return;
      arrange_service();
    }
    ++counted_.statistics.waits;
    socket_.async_wait(native_udp_socket::wait_write,
                       owned_handler(this->shared_from_this(), write_memory_,
                                     [](udp_channel& self, const std::error_code& error) {
                                       self.write_wait_ = false;
                                       if (self.closed_) return;
                                       self.loop_->enter([&] {
                                         if (error) self.writers_.complete_all(from_asio(error));
                                         else self.writable();
                                       });
                                     }));
  }
  void writable() noexcept {
    transfer_.send_held();
    if (transfer_.has_held()) wait_writable();
    else writers_.complete_all();
  }

  std::shared_ptr<io_loop> loop_;
  udp_options options_;
  socket_address local_;
  counted_socket counted_;
  udp_totals& totals_;
  bool closed_ = false, read_wait_ = false, write_wait_ = false;
  bool more_ = false;  // the last attempt left something, or nobody has looked yet
  receive_moderation moderation_;
  std::size_t budget_ = 0;    // attempts until others get their turn
  std::size_t received_ = 0;  // bytes, since the last readiness or turn end
  wait_list readers_, writers_;
  struct serving final : ready_item, turn_end_item {
    explicit serving(udp_channel& c) noexcept
        : ready_item([](ready_item& self) noexcept { static_cast<serving&>(self).of.go_on(); }),
          turn_end_item([](turn_end_item& self) noexcept {
            auto& me = static_cast<serving&>(self);
            me.of.received_ = 0;
            me.of.loop_->home()->schedule(me);
          }),
          of(c) {}
    [[nodiscard]] bool is_arranged() const noexcept {
      return ready_item::is_linked() || turn_end_item::is_linked();
    }
    void call_off() noexcept {
      ready_item::unlink();
      turn_end_item::unlink();
    }
    udp_channel& of;
  } serving_{*this};
  struct pause final : timer {
    explicit pause(udp_channel& c) noexcept
        : timer([](ready_item& self) noexcept { static_cast<pause&>(self).of.paused(); }), of(c) {}
    [[nodiscard]] bool is_under_way() const noexcept { return is_armed() || is_scheduled(); }
    udp_channel& of;
  } pause_{*this};
  handler_memory read_memory_, write_memory_;
  native_udp_socket socket_;
  Transfer transfer_;
};

}  // namespace lockgate::inline v0::detail

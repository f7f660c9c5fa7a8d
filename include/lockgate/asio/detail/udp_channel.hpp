// A UDP socket in the io_context: what its two halves and Asio's handlers share.
#pragma once

#include "lockgate/asio/detail/datagram_transfer.hpp"  // for datagram_transfer
#include "lockgate/asio/detail/io_loop.hpp"            // for io_loop
#include "lockgate/asio/detail/native_socket.hpp"      // for native_udp_socket
#include "lockgate/asio/detail/udp_read_side.hpp"      // for udp_read_side
#include "lockgate/asio/detail/udp_totals.hpp"         // for udp_totals, counted_socket
#include "lockgate/asio/detail/udp_write_side.hpp"     // for udp_write_side
#include "lockgate/asio/udp_statistics.hpp"            // for udp_statistics, udp_options

#include <memory>        // for shared_ptr, enable_shared_from_this
#include <system_error>  // for error_code
#include <utility>       // for exchange, move

namespace lockgate::inline v0::detail {

/// An open socket. Asio's handlers keep it until they have run.
template <datagram_transfer Transfer>
class udp_channel final : public std::enable_shared_from_this<udp_channel<Transfer>> {
 public:
  udp_channel(std::shared_ptr<io_loop> loop, typename Transfer::workspace& shared,
              udp_totals& totals, native_udp_socket&& socket, const udp_options& options,
              const socket_address& local)
      : loop_(std::move(loop)), options_(options), local_(local), totals_(totals),
        socket_(std::move(socket)), reading_(*this, shared, options_),
        writing_(*this, shared, options_) {
    totals_.opened(counted_);
  }

  [[nodiscard]] const socket_address& local() const noexcept { return local_; }
  [[nodiscard]] const udp_options& options() const noexcept { return options_; }
  [[nodiscard]] io_loop& loop() const noexcept { return *loop_; }
  [[nodiscard]] native_udp_socket& socket() noexcept { return socket_; }
  [[nodiscard]] udp_statistics& counters() noexcept { return counted_.statistics; }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] udp_read_side<Transfer>& reading() noexcept { return reading_; }
  [[nodiscard]] udp_write_side<Transfer>& writing() noexcept { return writing_; }

  void close() noexcept {
    if (std::exchange(closed_, true)) return;
    counted_.statistics.dropped_closed += reading_.stop() + writing_.stop();
    totals_.closed(counted_);
    std::error_code ignored;  // the descriptor is gone either way
    socket_.close(ignored);
    reading_.refuse_waiters(errc::closed);
    writing_.refuse_waiters(errc::closed);
  }

 private:
  std::shared_ptr<io_loop> loop_;
  udp_options options_;
  socket_address local_;
  counted_socket counted_;
  udp_totals& totals_;
  bool closed_ = false;
  native_udp_socket socket_;
  udp_read_side<Transfer> reading_;
  udp_write_side<Transfer> writing_;
};

}  // namespace lockgate::inline v0::detail

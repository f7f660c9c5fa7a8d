// UDP on Linux: batches, coalesced trains in both directions, Asio for readiness only.
#pragma once

#include "lockgate/asio/detail/linux_receiver.hpp"  // for linux_receiver
#include "lockgate/asio/detail/linux_sender.hpp"    // for linux_sender
#include "lockgate/asio/detail/linux_socket.hpp"    // for linux_udp_calls
#include "lockgate/asio/detail/native_socket.hpp"   // for native_udp_socket
#include "lockgate/asio/udp_statistics.hpp"         // for udp_statistics, udp_options
#include "lockgate/base/accepted.hpp"               // for accepted
#include "lockgate/net/datagram_socket.hpp"         // for received_datagram, outgoing_datagram

#include <asio/ip/udp.hpp>  // for udp

#include <unistd.h>  // for close

#include <cerrno>        // for errno
#include <cstddef>       // for size_t
#include <span>          // for span
#include <system_error>  // for error_code

namespace lockgate::inline v0::detail {

/// The fast way to move datagrams on Linux.
template <class Calls = linux_udp_calls>
class linux_udp {
 public:
  struct workspace {
    explicit workspace(slab_pool& pool) : receiving(pool), sending(pool) {}
    linux_receive_workspace receiving;
    linux_send_workspace sending;
  };

  static constexpr bool moves_trains = true;
  static void share_port(native_udp_socket& socket, std::error_code& error) noexcept {
    if (Calls::set_option(socket.native_handle(), SOL_SOCKET, SO_REUSEPORT, 1) != 0)
      error.assign(errno, std::system_category());
  }
  static void enlarge_buffers(native_udp_socket& socket, const udp_options& options) noexcept {
    detail::enlarge_buffers<Calls>(socket.native_handle(), options);
  }

  linux_udp(workspace& shared, native_udp_socket& socket, const udp_options& options,
            const socket_address& local, udp_statistics& counters) noexcept
      : socket_(socket), native_(socket.native_handle()),
        protocol_(local.ip.is_v4() ? asio::ip::udp::v4() : asio::ip::udp::v6()),
        receiver_(shared.receiving, native_, options, local, counters),
        sender_(shared.sending, native_,
                options.offload && enable_offload(native_, shared.receiving.buffers.holds_trains()),
                !local.ip.is_v4(), counters) {
    if (options.ancillary) enable_ancillary(native_, !local.ip.is_v4());
  }

  [[nodiscard]] bool has_leftover() const noexcept { return receiver_.has_leftover(); }
  [[nodiscard]] bool has_held() const noexcept { return sender_.has_held(); }
  [[nodiscard]] bool needs_pause() const noexcept { return sender_.needs_pause(); }
  std::size_t discard() noexcept { return receiver_.discard() + sender_.discard(); }
  void send_held() noexcept { sender_.send_held(); }
  receive_outcome receive(const receive_room& room, time_point arrival) noexcept {
    return receiver_.receive(room, arrival);
  }
  accepted send(std::span<const outgoing_datagram> batch) noexcept { return sender_.send(batch); }

  /// Keeps datagrams from waking the thread until `rejoin_reactor`: Asio's reactor is woken by each
  /// one for a socket that it knows, whether or not anybody waits. False when the socket stays.
  /// Requires: nobody waits.
  bool leave_reactor() noexcept {
    std::error_code error;
    static_cast<void>(socket_.release(error));
    if (!error) receiver_.expect_several();
    return !error;
  }
  /// Errors: what the system says; the socket is closed then.
  [[nodiscard]] std::error_code rejoin_reactor() noexcept {
    std::error_code error;
    socket_.assign(protocol_, native_, error);
    if (error) ::close(native_);
    return error;
  }

 private:
  /// True when this kernel (4.18 and later) cuts trains; receiving them (5.0 and later) is a gift.
  static bool enable_offload(int fd, bool receives_trains) noexcept {
    if (receives_trains) Calls::set_option(fd, SOL_UDP, UDP_GRO, 1);
    return Calls::set_option(fd, SOL_UDP, UDP_SEGMENT, 0) == 0;
  }
  static void enable_ancillary(int fd, bool v6) noexcept {
    Calls::set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
    Calls::set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (!v6) return;
    Calls::set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    Calls::set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }

  native_udp_socket& socket_;
  int native_;
  asio::ip::udp protocol_;
  linux_receiver<Calls> receiver_;
  linux_sender<Calls> sender_;
};

}  // namespace lockgate::inline v0::detail

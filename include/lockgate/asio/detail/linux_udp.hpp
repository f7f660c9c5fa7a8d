// UDP on Linux: batches, coalesced trains in both directions, Asio for readiness only.
#pragma once

#include "lockgate/asio/detail/datagram_transfer.hpp"  // for datagram_transfer
#include "lockgate/asio/detail/linux_receiver.hpp"     // for linux_receiver
#include "lockgate/asio/detail/linux_sender.hpp"       // for linux_sender
#include "lockgate/asio/detail/linux_socket.hpp"       // for linux_udp_calls
#include "lockgate/asio/detail/native_socket.hpp"      // for native_udp_socket
#include "lockgate/asio/udp_statistics.hpp"            // for udp_statistics, udp_options

#include <asio/ip/udp.hpp>  // for udp

#include <unistd.h>  // for close

#include <cerrno>        // for errno
#include <system_error>  // for error_code

namespace lockgate::inline v0::detail {

/// The fast way to move datagrams on Linux.
template <class Calls = linux_udp_calls>
struct linux_udp {
  /// What the sockets of one network share.
  struct workspace {
    explicit workspace(slab_pool& pool) : receiving(pool), sending(pool) {}
    linux_receive_workspace receiving;
    linux_send_workspace sending;
  };

  static constexpr bool receives_trains = true;
  static void share_port(native_udp_socket& socket, std::error_code& error) noexcept {
    if (Calls::set_option(socket.native_handle(), SOL_SOCKET, SO_REUSEPORT, 1) != 0)
      error.assign(errno, std::system_category());
  }
  static void enlarge_buffers(native_udp_socket& socket, const udp_options& options) noexcept {
    detail::enlarge_buffers<Calls>(socket.native_handle(), options);
  }

  class receiver : public linux_receiver<Calls> {
   public:
    receiver(linux_receive_workspace& shared, native_udp_socket& socket, const udp_options& options,
             const socket_address& local, udp_statistics& counters) noexcept
        : linux_receiver<Calls>(shared, socket.native_handle(), options, local, counters),
          socket_(socket), native_(socket.native_handle()),
          protocol_(local.ip.is_v4() ? asio::ip::udp::v4() : asio::ip::udp::v6()) {
      if (options.offload && shared.buffers.holds_trains())
        Calls::set_option(native_, SOL_UDP, UDP_GRO, 1);  // where the kernel has it: 5.0 and later
      if (options.ancillary) enable_ancillary(native_, !local.ip.is_v4());
    }

    /// Asio's reactor is woken by each datagram for a socket that it knows, whether or not anybody
    /// waits.
    bool leave_reactor() noexcept {
      std::error_code error;
      static_cast<void>(socket_.release(error));
      if (!error) this->expect_several();
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
  };

  class sender : public linux_sender<Calls> {
   public:
    sender(linux_send_workspace& shared, native_udp_socket& socket, const udp_options& options,
           const socket_address& local, udp_statistics& counters) noexcept
        : linux_sender<Calls>(shared, socket.native_handle(),
                              options.offload && cuts_trains(socket.native_handle()),
                              !local.ip.is_v4(), counters) {}

   private:
    /// True for kernels 4.18 and later.
    static bool cuts_trains(int fd) noexcept {
      return Calls::set_option(fd, SOL_UDP, UDP_SEGMENT, 0) == 0;
    }
  };
};

static_assert(datagram_transfer<linux_udp<>>);

}  // namespace lockgate::inline v0::detail

// One address, several sockets: which of them gets a datagram is decided here, so that every core
// has the same share of the work in every run.
#pragma once

#include "udp_socket.hpp"  // for udp_socket, checked

#include <linux/filter.h>  // for sock_filter, sock_fprog

#include <array>    // for array
#include <cstddef>  // for size_t
#include <cstdint>  // for uint32_t

namespace bench {

/// Holds an address for sockets that set SO_REUSEPORT, and gives a datagram from port `p` to the
/// socket that was the `p % sockets`-th to be bound. Its own socket, the very first, gets none.
class shared_port {
 public:
  explicit shared_port(std::size_t sockets) : socket_(loopback(), true) {
    constexpr std::uint32_t source_port = static_cast<std::uint32_t>(SKF_NET_OFF) + 20;  // RFC 791
    std::array<sock_filter, 4> steps{
        {{BPF_LD | BPF_H | BPF_ABS, 0, 0, source_port},
         {BPF_ALU | BPF_MOD | BPF_K, 0, 0, static_cast<std::uint32_t>(sockets)},
         {BPF_ALU | BPF_ADD | BPF_K, 0, 0, 1},
         {BPF_RET | BPF_A, 0, 0, 0}}};
    const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
    checked(
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program),
        "SO_ATTACH_REUSEPORT_CBPF");
  }

  [[nodiscard]] sockaddr_in address() const { return socket_.address(); }

 private:
  udp_socket socket_;
};

}  // namespace bench

// Linux's socket interface as the UDP backend uses it: calls, options, addresses, control messages.
#pragma once

#include "lockgate/asio/udp_statistics.hpp"  // for udp_options
#include "lockgate/base/address.hpp"         // for socket_address

#include <netinet/in.h>   // for sockaddr_in, sockaddr_in6, in_pktinfo
#include <netinet/udp.h>  // for UDP_GRO, UDP_SEGMENT
#include <sys/socket.h>   // for recvmmsg, sendmmsg, setsockopt

#include <array>    // for array
#include <bit>      // for bit_cast
#include <cerrno>   // for errno
#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint16_t, uint32_t
#include <cstring>  // for memcpy

namespace lockgate::inline v0::detail {

/// The system calls of the Linux backend, which answer as the system does, with `errno`; a test may
/// put others in their place.
struct linux_udp_calls {
  static int receive(int fd, mmsghdr* messages, unsigned count, int flags) noexcept {
    if (count == 1) {  // a cheaper call for one
      const auto size = ::recvmsg(fd, &messages->msg_hdr, flags | MSG_DONTWAIT);
      if (size < 0) return -1;
      messages->msg_len = static_cast<unsigned>(size);
      return 1;
    }
    return ::recvmmsg(fd, messages, count, flags | MSG_DONTWAIT, nullptr);
  }
  static int send(int fd, mmsghdr* messages, unsigned count) noexcept {
    if (count == 1 && messages->msg_hdr.msg_iovlen == 1 && !messages->msg_hdr.msg_control) {
      const msghdr& only = messages->msg_hdr;  // the cheapest call for the commonest case
      const auto sent =
          ::sendto(fd, only.msg_iov->iov_base, only.msg_iov->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL,
                   static_cast<const sockaddr*>(only.msg_name), only.msg_namelen);
      return sent < 0 ? -1 : 1;
    }
    return ::sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  static int set_option(int fd, int level, int name, int value) noexcept {
    return ::setsockopt(fd, level, name, &value, sizeof value);
  }
};

/// Room for an address of either family.
union linux_address {
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/// Writes `from` as the family of the socket wants it. Gives the length; 0 when an IPv4 socket
/// cannot send there.
[[nodiscard]] inline socklen_t store(const socket_address& from, bool v6,
                                     linux_address& to) noexcept {
  if (v6) {
    to.v6 = {};
    to.v6.sin6_family = AF_INET6;
    to.v6.sin6_port = htons(from.port);
    to.v6.sin6_scope_id = from.scope;
    std::memcpy(&to.v6.sin6_addr, from.ip.bytes().data(), 16);
    return sizeof to.v6;
  }
  if (!from.ip.is_v4()) return 0;
  to.v4 = {};
  to.v4.sin_family = AF_INET;
  to.v4.sin_port = htons(from.port);
  std::memcpy(&to.v4.sin_addr, from.ip.bytes().data() + 12, 4);
  return sizeof to.v4;
}
[[nodiscard]] inline ip_address load(const in6_addr& from) noexcept {
  return ip_address(std::bit_cast<std::array<std::byte, 16>>(from));
}
[[nodiscard]] inline ip_address load(const in_addr& from) noexcept {
  const std::array<std::uint32_t, 4> mapped{0, 0, htonl(0xffff), from.s_addr};
  return ip_address(std::bit_cast<std::array<std::byte, 16>>(mapped));
}
inline void load(const linux_address& from, socket_address& to) noexcept {
  const bool v6 = from.v4.sin_family == AF_INET6;
  to.ip = v6 ? load(from.v6.sin6_addr) : load(from.v4.sin_addr);
  to.port = ntohs(v6 ? from.v6.sin6_port : from.v4.sin_port);
  to.scope = v6 ? from.v6.sin6_scope_id : 0;
}

/// Room for the control messages of one received message: train size, traffic class, destination.
struct alignas(cmsghdr) linux_control {
  std::array<std::byte,
             CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo))>
      bytes;
};
/// Room for the one of a train to be sent.
struct alignas(cmsghdr) linux_segment_control {
  std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
};

/// Makes `message` a train of datagrams of `segment_size` bytes.
inline void set_segment(msghdr& message, linux_segment_control& room,
                        std::uint16_t segment_size) noexcept {
  message.msg_control = room.bytes.data();
  message.msg_controllen = room.bytes.size();
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof segment_size);
  std::memcpy(CMSG_DATA(control), &segment_size, sizeof segment_size);
}

/// Reads the control messages of a received message: the size of the datagrams of a train (0 when
/// it is none), and into `about` what `udp_options::ancillary` asks for.
[[nodiscard]] inline std::uint16_t read_control(msghdr& message, std::uint8_t& ecn,
                                                ip_address& local) noexcept {
  std::uint16_t segment_size = 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    const auto value = [&]<class T>(T out) {
      std::memcpy(&out, CMSG_DATA(c), sizeof out);
      return out;
    };
    if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
      segment_size = static_cast<std::uint16_t>(value(int{}));
    else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ecn = value(std::uint8_t{}) & 3;
    else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
      ecn = static_cast<std::uint8_t>(value(int{}) & 3);
    else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
      local = load(value(in_pktinfo{}).ipi_addr);
    else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
      local = load(value(in6_pktinfo{}).ipi6_addr);
  }
  return segment_size;
}

/// True for an error that a peer or a router caused, which says nothing about the socket.
[[nodiscard]] inline bool is_reported_errno(int error) noexcept {
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EPROTO:
    case EMSGSIZE:
    case ETIMEDOUT: return true;
    default: return false;
  }
}

/// Raises the socket's buffers, beyond the system's limit where the process may.
template <class Calls>
void enlarge_buffers(int fd, const udp_options& options) noexcept {
  const auto raise = [fd](int force, int name, std::size_t bytes) {
    const int value = static_cast<int>(bytes);
    if (Calls::set_option(fd, SOL_SOCKET, force, value) != 0)
      Calls::set_option(fd, SOL_SOCKET, name, value);
  };
  raise(SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer);
  raise(SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer);
}

}  // namespace lockgate::inline v0::detail

// An owned UDP socket on the loopback interface, for the load generator and the C contenders.
#pragma once

#include <netinet/in.h>   // for sockaddr_in, SOL_UDP
#include <netinet/udp.h>  // for UDP_GRO
#include <sys/socket.h>   // for socket, bind, setsockopt
#include <unistd.h>       // for close

#include <cerrno>        // for errno
#include <cstddef>       // for size_t
#include <span>          // for span
#include <system_error>  // for system_error
#include <utility>       // for exchange

namespace bench {

/// The receive buffer every socket asks for, in bytes: room for a burst of the largest datagrams.
inline constexpr int receive_buffer_size = 8 << 20;

/// Returns a system call's result. Errors: throws when it is negative.
template <typename Integer>
Integer checked(Integer outcome, const char* call) {
  if (outcome < 0) throw std::system_error(errno, std::system_category(), call);
  return outcome;
}

inline sockaddr* generic(sockaddr_in& address) {
  return reinterpret_cast<sockaddr*>(&address);
}
inline const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// 127.0.0.1 with the given port in host order; 0 lets the system choose.
inline sockaddr_in loopback(in_port_t port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// Asks for `receive_buffer_size`: beyond the system's limit when that is permitted, else up to it.
inline void raise_receive_buffer(int fd) {
  const int wanted = receive_buffer_size;
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0)
    checked(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted), "SO_RCVBUF");
}

class udp_socket {
 public:
  /// With `share_port` others may bind the same address.
  explicit udp_socket(const sockaddr_in& local = loopback(), bool share_port = false)
      : fd_(checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")) {
    raise_receive_buffer(fd_);
    const int share = share_port;
    checked(::setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &share, sizeof share), "SO_REUSEPORT");
    checked(::bind(fd_, generic(local), sizeof local), "bind");
  }
  udp_socket(udp_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  udp_socket& operator=(udp_socket&&) = delete;
  ~udp_socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] int fd() const { return fd_; }

  [[nodiscard]] sockaddr_in address() const {
    sockaddr_in local{};
    socklen_t length = sizeof local;
    checked(::getsockname(fd_, generic(local), &length), "getsockname");
    return local;
  }

  /// The receive buffer that was granted, in bytes of the kernel's own accounting.
  [[nodiscard]] std::size_t receive_buffer() const {
    int granted = 0;
    socklen_t length = sizeof granted;
    checked(::getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &granted, &length), "SO_RCVBUF");
    return static_cast<std::size_t>(granted);
  }

  /// Waits for one datagram and returns its length; one recvfrom.
  std::size_t receive(std::span<char> room, sockaddr_in& from) const {
    socklen_t length = sizeof from;
    return static_cast<std::size_t>(
        checked(::recvfrom(fd_, room.data(), room.size(), 0, generic(from), &length), "recvfrom"));
  }

  /// Sends one datagram; one sendto.
  void send(std::span<const char> bytes, const sockaddr_in& to) const {
    checked(::sendto(fd_, bytes.data(), bytes.size(), 0, generic(to), sizeof to), "sendto");
  }

  /// Lets the kernel hand over trains whole instead of cutting them.
  void accept_trains() {
    const int on = 1;
    checked(::setsockopt(fd_, SOL_UDP, UDP_GRO, &on, sizeof on), "UDP_GRO");
  }

 private:
  int fd_;
};

}  // namespace bench

// What the Asio contenders share: a socket like everybody's, and errors that are not lost.
#pragma once

#include "udp_socket.hpp"  // for raise_receive_buffer, checked

#include <asio/io_context.hpp>  // for io_context
#include <asio/ip/udp.hpp>      // for udp

#include <exception>     // for exception_ptr, rethrow_exception
#include <system_error>  // for error_code, system_error

namespace bench {

inline asio::ip::udp::endpoint asio_endpoint(const sockaddr_in& address) {
  return {asio::ip::address_v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)};
}

inline asio::ip::udp::socket asio_socket(asio::io_context& io, const sockaddr_in& local,
                                         bool share_port = false) {
  asio::ip::udp::socket socket(io, asio::ip::udp::v4());
  const int share = share_port;
  checked(::setsockopt(socket.native_handle(), SOL_SOCKET, SO_REUSEPORT, &share, sizeof share),
          "SO_REUSEPORT");
  socket.bind(asio_endpoint(local));
  raise_receive_buffer(socket.native_handle());
  return socket;
}

/// For completion handlers: an error leaves `io_context::run` as an exception.
inline void throw_if(const std::error_code& error) {
  if (error) throw std::system_error(error);
}

/// For `co_spawn`: an exception of the coroutine leaves `io_context::run`.
inline void rethrow(const std::exception_ptr& failure) {
  if (failure) std::rethrow_exception(failure);
}

}  // namespace bench

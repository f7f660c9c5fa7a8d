// The UDP socket of Asio that every way of moving datagrams is built on.
#pragma once

#include <asio/basic_datagram_socket.hpp>  // for basic_datagram_socket
#include <asio/io_context.hpp>             // for io_context
#include <asio/ip/udp.hpp>                 // for udp

namespace lockgate::inline v0::detail {

/// Of the executor that it always has: to erase its type would cost in every wait.
using native_udp_socket =
    asio::basic_datagram_socket<asio::ip::udp, asio::io_context::executor_type>;

}  // namespace lockgate::inline v0::detail

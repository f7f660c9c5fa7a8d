// The network seam: what a byte stream (TCP, TLS) must offer, whoever implements it.
#pragma once

#include "lockgate/base/address.hpp"         // for socket_address
#include "lockgate/buffer/chain.hpp"         // for bytes_view
#include "lockgate/coro/operation.hpp"       // for task_context
#include "lockgate/coro/task.hpp"            // for task
#include "lockgate/net/datagram_socket.hpp"  // for datagram_network

#include <concepts>  // for same_as, movable
#include <cstddef>   // for byte, size_t
#include <span>      // for span
#include <string>    // for string

namespace lockgate::inline v0 {

/// Where a stream leads, and whether it is secured.
struct stream_target {
  stream_target() = default;
  socket_address to;
  bool secured = false;  ///< TLS, else plain TCP
  std::string name;      ///< what the certificate of a secured one must be for
};

/// A connected stream of bytes.
///
/// `send(bytes)` completes with a `status` when all bytes, which it borrows, were taken over;
/// `receive(into)` with a `result<std::size_t>` when there is at least one byte. One of each may be
/// under way. When the peer has ended the stream `receive` answers `errc::closed`. After `close()`,
/// and when stopped, both end soon, in failure; a stream in which that has happened to `send` is of
/// no more use.
template <class S>
concept byte_stream =
    std::movable<S> && requires(S& stream, bytes_view out, std::span<std::byte> into) {
      { stream.local_address() } -> std::same_as<socket_address>;
      { stream.send(out) } -> std::same_as<task<status>>;
      { stream.receive(into) } -> std::same_as<task<result<std::size_t>>>;
      stream.close();
    };

/// A network that connects streams too.
///
/// `connect(target)` completes with a stream when it is connected and, where asked for, secured:
/// its other end has proven to be `target.name`.
template <class N>
concept stream_network = datagram_network<N> && requires(N& net, stream_target target) {
  typename N::stream_type;
  requires byte_stream<typename N::stream_type>;
  { net.connect(target) } -> std::same_as<task<result<typename N::stream_type>>>;
};

}  // namespace lockgate::inline v0

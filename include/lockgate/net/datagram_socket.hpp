// The network seam: what a UDP socket must offer, whoever implements it.
#pragma once

#include "lockgate/base/accepted.hpp"     // for accepted
#include "lockgate/base/address.hpp"      // for socket_address
#include "lockgate/base/arrival.hpp"      // for arrival
#include "lockgate/base/result.hpp"       // for result
#include "lockgate/buffer/chain.hpp"      // for chain
#include "lockgate/buffer/lease.hpp"      // for lease
#include "lockgate/buffer/slab_pool.hpp"  // for slab_pool
#include "lockgate/coro/operation.hpp"    // for operation
#include "lockgate/coro/scheduler.hpp"    // for scheduler

#include <concepts>     // for same_as, movable
#include <cstddef>      // for size_t
#include <cstdint>      // for uint16_t
#include <span>         // for span
#include <type_traits>  // for remove_cvref_t

namespace lockgate::inline v0 {

/// A datagram to send: where to, and its bytes, borrowed.
struct outgoing_datagram {
  socket_address to;
  chain payload;
  /// Not 0: the payload, in one part, is a train of datagrams of this size, for a `train_socket`.
  std::size_t segment_size = 0;
};

/// A datagram as it arrived: the bytes are the memory the network wrote into.
struct received_datagram {
  received_datagram() noexcept = default;  // no aggregate: see await_safe

  lease payload;
  socket_address from;
  [[no_unique_address]] arrival arrived;  // its padding holds `segment_size`
  /// Not 0: the payload is a train of datagrams of this size, from `receive_trains`.
  std::uint16_t segment_size = 0;
};

/// A UDP socket.
///
/// `try_send(batch)` puts as many datagrams on the wire as go without waiting, in order, and copies
/// no payload; it answers `errc::would_block` when the next one would have to wait, and skips none.
/// `writable()` awaits, with a `status`, a moment at which sending is worth another try.
/// `receive(into)` awaits at least one datagram and gives the number (a `result<std::size_t>`);
/// ICMP errors neither end it nor surface. After `close()` both complete with `errc::closed`.
template <class S>
concept datagram_socket =
    std::movable<S> && requires(S& socket, std::span<const outgoing_datagram> batch,
                                std::span<received_datagram> into) {
      { socket.local_address() } -> std::same_as<socket_address>;
      { socket.try_send(batch) } -> std::same_as<accepted>;
      { socket.writable() } -> operation;
      { socket.receive(into) } -> operation;
      socket.close();
    };

/// A socket that moves trains: `receive_trains(into)` awaits as `receive` does and leaves whole
/// what came as a train; `try_send` takes trains too, each of which it accepts whole or not at all.
template <class S>
concept train_socket =
    datagram_socket<S> && requires(S& socket, std::span<received_datagram> into) {
      { socket.receive_trains(into) } -> operation;
    };

/// A socket that counts what it does: `statistics()` gives counters, which `+=` adds up.
template <class S>
concept counting_socket =
    datagram_socket<S> &&
    requires(const S& socket, std::remove_cvref_t<decltype(socket.statistics())> sum) {
      sum += socket.statistics();
    };

/// What providers need of a network: their scheduler, sockets, and memory to receive into.
///
/// `open_datagram(local)` gives a socket bound to `local`; port 0 lets the system choose.
template <class N>
concept datagram_network = requires(N& net, const socket_address& local) {
  { net.home() } -> std::same_as<scheduler&>;
  { net.buffers() } -> std::same_as<slab_pool&>;
  typename N::datagram_socket_type;
  requires datagram_socket<typename N::datagram_socket_type>;
  { net.open_datagram(local) } -> std::same_as<result<typename N::datagram_socket_type>>;
};

}  // namespace lockgate::inline v0

// The seam between a UDP socket and the system: how datagrams are moved.
#pragma once

#include "lockgate/asio/detail/native_socket.hpp"    // for native_udp_socket
#include "lockgate/asio/detail/receive_buffers.hpp"  // for receive_outcome, receive_room
#include "lockgate/asio/udp_statistics.hpp"          // for udp_options
#include "lockgate/base/accepted.hpp"                // for accepted
#include "lockgate/base/clock.hpp"                   // for time_point
#include "lockgate/net/datagram_socket.hpp"          // for outgoing_datagram

#include <concepts>      // for convertible_to, same_as
#include <cstddef>       // for size_t
#include <span>          // for span
#include <system_error>  // for error_code

namespace lockgate::inline v0::detail {

/// Receives without waiting.
///
/// `has_leftover`: datagrams that were received already wait for room. `discard` drops them and
/// gives their number. `leave_reactor` keeps datagrams from waking the thread until
/// `rejoin_reactor`; false when the socket stays. Requires for that: nobody waits.
template <class R>
concept datagram_receiver = requires(R& r, const receive_room& room, time_point arrival) {
  { r.receive(room, arrival) } -> std::same_as<receive_outcome>;
  { r.has_leftover() } -> std::same_as<bool>;
  { r.discard() } -> std::same_as<std::size_t>;
  { r.leave_reactor() } -> std::same_as<bool>;
  { r.rejoin_reactor() } -> std::same_as<std::error_code>;
};

/// Sends without waiting.
///
/// `has_held`: datagrams were taken that the system has refused for now; `send_held` tries again,
/// `discard` drops them and gives their number. `needs_pause`: a device queue is full, although the
/// socket looks writable.
template <class S>
concept datagram_sender = requires(S& s, std::span<const outgoing_datagram> batch) {
  { s.send(batch) } -> std::same_as<accepted>;
  { s.has_held() } -> std::same_as<bool>;
  s.send_held();
  { s.discard() } -> std::same_as<std::size_t>;
  { s.needs_pause() } -> std::same_as<bool>;
};

/// A way of moving datagrams: its two halves, what the sockets of one network share, and how a
/// socket is prepared.
template <class T>
concept datagram_transfer =
    datagram_receiver<typename T::receiver> && datagram_sender<typename T::sender> &&
    requires(native_udp_socket& socket, const udp_options& options, std::error_code& error,
             typename T::workspace& shared) {
      shared.receiving;
      shared.sending;
      { T::receives_trains } -> std::convertible_to<bool>;
      T::share_port(socket, error);
      T::enlarge_buffers(socket, options);
    };

}  // namespace lockgate::inline v0::detail

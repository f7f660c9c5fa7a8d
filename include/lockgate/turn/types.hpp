// What goes into the TURN client and what comes out of it: settings, requests, actions, counters.
#pragma once

#include "lockgate/base/address.hpp"     // for socket_address
#include "lockgate/base/clock.hpp"       // for duration, time_point
#include "lockgate/stun/attributes.hpp"  // for icmp_report
#include "lockgate/stun/encoder.hpp"     // for encoder
#include "lockgate/stun/request.hpp"     // for request_settings

#include <chrono>   // for seconds
#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint8_t, uint16_t, uint32_t, uint64_t
#include <span>     // for span

namespace lockgate::inline v0::stun {

/// Which relayed addresses to ask for (RFC 8656 section 7.1).
enum class turn_families : std::uint8_t { v4, v6, both };

/// What a TURN client is to ask its server for.
struct turn_config {
  request_settings requests;
  turn_families families = turn_families::v4;
  duration lifetime = std::chrono::seconds(600);  ///< asked for; RFC 8656 section 7.2: the default
  /// How often the allocation is refreshed at least: keeps NAT bindings open (RFC 8445 section 11:
  /// 15 s) and notices within this time plus one transaction that the server forgot us.
  duration keep_alive = std::chrono::seconds(15);
  bool dont_fragment = false;        ///< ask for DF on relayed datagrams; dropped if refused
  bool allow_private_peers = false;  ///< permit peers in private, link-local and loopback ranges
};

/// The attributes of a TURN request, written anew for each attempt.
struct turn_request {
  method what = method::allocate;
  turn_families families = turn_families::v4;
  std::uint32_t lifetime = 0;  ///< seconds
  bool dont_fragment = false;
  std::uint16_t channel = 0;
  socket_address peer;

  [[nodiscard]] method kind() const noexcept { return what; }
  /// Appends the attributes of this request.
  void write(encoder& out) const noexcept {
    constexpr std::uint8_t udp = 17;
    constexpr auto v6 = static_cast<std::uint8_t>(address_family::v6);
    if (what == method::allocate) {
      out.u8(attribute_type::requested_transport, udp);
      if (families == turn_families::v6) out.u8(attribute_type::requested_address_family, v6);
      if (families == turn_families::both) out.u8(attribute_type::additional_address_family, v6);
      if (dont_fragment) out.flag(attribute_type::dont_fragment);
    }
    if (what == method::allocate || what == method::refresh)
      out.u32(attribute_type::lifetime, lifetime);
    if (what == method::channel_bind) out.channel(channel);
    if (what == method::channel_bind || what == method::create_permission)
      out.xor_address(attribute_type::xor_peer_address, peer);
  }
};

/// What should we do next?
enum class turn_action_type : std::uint8_t {
  wait,       ///< nothing before `deadline`, unless something is received
  send,       ///< put `bytes` on the wire to the server
  allocated,  ///< the relayed addresses are there; tell the peers (again, if they changed)
  permitted,  ///< the server lets `peer` through (its answer may overtake that to Allocate)
  bound,      ///< from now on data for `peer` costs 4 bytes
  refused,    ///< `peer` cannot be reached through this allocation; `code` says why
  lost,       ///< the server forgot the allocation; a new one is being asked for
  reconnect,  ///< open a new socket (to `address` if the reason is a redirect), not before
              ///< `deadline`, and call `start` again; peers are kept
  failed,     ///< give this server up: trying again cannot help
  released,   ///< the allocation is deleted; close the socket
};

/// Why the client wants a new connection or gave up.
enum class turn_reason : std::uint8_t {
  none,
  timed_out,           ///< nobody answered: another transport may do better
  integrity_violated,  ///< only answers that could not be trusted
  address_in_use,      ///< 437 to Allocate, or 441: the 5-tuple belongs to another allocation
  redirected,          ///< an authenticated 300
  bad_redirect,        ///< a 300 to a useless address, or to where we have just been
  untrusted_redirect,  ///< a 300 that nobody signed: it is not followed (RFC 8489 section 14.8)
  busy,                ///< 486, 500, 508
  allocation_lost,     ///< the server keeps forgetting the allocation
  bad_credentials,     ///< 401 to a signed request
  bid_down,            ///< an answer tried to weaken the authentication
  no_algorithm,        ///< no password algorithm in common
  realm_changed,       ///< the server answers for another realm than the credentials are for
  unsupported_family,  ///< 440
  refused,             ///< any other error; `code` says which
  protocol_error,      ///< an answer that makes no sense
};

/// What the machine asks its owner to do. Which members mean something is said at each
/// `turn_action_type`.
struct turn_action {
  turn_action_type type = turn_action_type::wait;
  turn_reason reason = turn_reason::none;
  error_code code = error_code::none;
  std::uint16_t peer = 0;  ///< as `add_peer` returned it
  time_point deadline = never;
  std::span<const std::byte> bytes;  ///< valid until the next call
  socket_address address;
};

/// Whether a family that was asked for has a relayed address.
enum class turn_family_state : std::uint8_t {
  not_requested,
  allocated,
  ignored,      ///< the server does not know of second families: use a second socket and client
  unsupported,  ///< 440: do not ask again
  busy,         ///< 508: not within a minute
};

/// What a packet from the server was.
enum class turn_received_type : std::uint8_t {
  dropped,  ///< counted by cause
  control,  ///< for the client itself: call `next`
  data,     ///< `length` bytes of the datagram at `offset` come from the peer at `address`
  icmp,     ///< the relay got `icmp` about a datagram to `address`
};

/// What a received datagram, or frame of a stream, turned out to be.
struct turn_received {
  turn_received_type type = turn_received_type::dropped;
  std::uint16_t peer = 0;  ///< as `add_peer` returned it; 0 for another port of a permitted address
  std::size_t offset = 0;
  std::size_t length = 0;
  socket_address address;
  icmp_report icmp;
};

/// What goes before and behind a payload to make it a message to the server.
struct turn_frame {
  std::size_t header = 0;   ///< bytes written to the caller's span
  std::size_t padding = 0;  ///< zero bytes to send behind the payload
};
inline constexpr std::size_t max_turn_header_size = 48;  ///< Send indication to an IPv6 peer, no DF

/// Received messages that were not used, by cause.
struct turn_drops {
  std::uint64_t malformed = 0;         ///< neither STUN nor ChannelData
  std::uint64_t unknown_channel = 0;   ///< ChannelData on a channel that is not ours
  std::uint64_t not_permitted = 0;     ///< a Data indication from an address without permission
  std::uint64_t unknown_response = 0;  ///< no transaction waits for it: late, repeated or forged
  std::uint64_t untrusted = 0;         ///< a response without valid integrity
  std::uint64_t unexpected = 0;        ///< a request, or an indication other than Data
};

}  // namespace lockgate::inline v0::stun

// The provider for peers that can be reached as they are: plain UDP, addresses from a table.
#pragma once

#include "lockgate/buffer/train.hpp"         // for train_length
#include "lockgate/direct/counters.hpp"      // for direct_counters
#include "lockgate/direct/peer_table.hpp"    // for peer_table
#include "lockgate/net/datagram_socket.hpp"  // for datagram_network, train_socket
#include "lockgate/provider.hpp"             // for instance, answer

#include <algorithm>      // for min
#include <array>          // for array
#include <cstddef>        // for size_t
#include <memory>         // for shared_ptr, make_shared
#include <span>           // for span
#include <type_traits>    // for remove_cvref_t
#include <unordered_map>  // for unordered_map
#include <utility>        // for declval, move

namespace lockgate::inline v0 {

namespace detail {

/// The counters of a socket's type; nothing for one that does not count.
template <class S>
struct counters_of {
  struct type {};
};
template <counting_socket S>
struct counters_of<S> {
  using type = std::remove_cvref_t<decltype(std::declval<const S&>().statistics())>;
};

}  // namespace detail

/// Carries messages as UDP datagrams, one socket for each local id and nothing around the payload,
/// so that any UDP program can be the peer.
///
/// Errors: what the network says to opening a socket refuses the id; a datagram that it refuses
///         fails alone; a socket that can no longer receive ends the session.
/// Lifetime: the network and the table outlive the session.
/// Cost: receiving copies and allocates nothing; nor does sending, unless it has to wait.
template <datagram_network Network>
class direct {
  using socket_type = typename Network::datagram_socket_type;

 public:
  /// Trains pass as such where the network's sockets move them.
  static constexpr bool sends_trains = train_socket<socket_type>;

  direct(Network& network, const peer_table& peers) noexcept : network_(network), peers_(peers) {}

  void establish_session(instance self) noexcept { instance_ = self; }
  status transition_active() noexcept { return {}; }
  void terminate_session(termination_reason) noexcept {
    while (!ports_.empty()) close(ports_.begin());
  }

  status add_transport_id(transport_id id) {
    auto opened = network_.open_datagram(peers_.binding_of(id));
    if (!opened) return opened.error();
    const auto made = std::make_shared<port>(id, std::move(*opened));
    const status receiving = instance_.spawn(receive(made));
    if (receiving.ok()) ports_[id] = made;
    return receiving;
  }
  status remove_transport_id(transport_id id) noexcept {
    const auto at = ports_.find(id);
    if (at == ports_.end()) return errc::unknown_transport_id;
    close(at);
    return {};
  }
  status reach_transport_id(transport_id peer) const noexcept {
    return peers_.find(peer) ? status() : status(errc::unreachable);
  }
  /// Answers now, unless a socket has to wait.
  answer<accepted> send_buffers(std::span<const outgoing> messages) {
    const accepted at_once = send_now(messages);
    if (at_once.why != errc::would_block) [[likely]]
      return at_once;
    return send_remaining(messages, at_once.count);
  }

  [[nodiscard]] const direct_counters& counters() const noexcept { return counters_; }
  /// Where the socket of a local id is bound; unspecified when it has none.
  [[nodiscard]] socket_address local_address(const transport_id& id) const noexcept {
    const auto at = ports_.find(id);
    return at == ports_.end() ? socket_address() : at->second->socket.local_address();
  }

  /// The socket of a local id, for its counters; null when it has none.
  [[nodiscard]] const socket_type* socket_of(const transport_id& id) const noexcept {
    const auto at = ports_.find(id);
    return at == ports_.end() ? nullptr : &at->second->socket;
  }

  /// What the sockets of this instance have done together, the closed ones included: system calls,
  /// trains, copies, drops. Cost: an addition for each open socket, here; none where they count.
  [[nodiscard]] auto socket_statistics() const noexcept
    requires counting_socket<socket_type>
  {
    auto sum = closed_sockets_;
    for (const auto& [id, open] : ports_) sum += open->socket.statistics();
    return sum;
  }

  /// Datagrams, or trains, received with one call of the network.
  static constexpr std::size_t receive_size = 128;
  /// Messages made and handed up at a time: few, so that they stay in the nearest cache.
  static constexpr std::size_t hand_up_size = 16;
  /// Datagrams, or trains, sent with one call of the network.
  static constexpr std::size_t send_size = 512;

 private:
  /// A local id's socket and the room for what it receives. Its receiving task shares it.
  struct port {
    port(const transport_id& i, socket_type&& s) : id(i), socket(std::move(s)) {}
    transport_id id;
    socket_type socket;
    std::array<received_datagram, receive_size> datagrams;
    std::array<incoming, hand_up_size> messages;
  };

  using port_table = std::unordered_map<transport_id, std::shared_ptr<port>>;

  void close(typename port_table::iterator at) noexcept {
    socket_type& socket = at->second->socket;
    socket.close();
    if constexpr (counting_socket<socket_type>) closed_sockets_ += socket.statistics();
    ports_.erase(at);
  }

  task<> receive(std::shared_ptr<port> at) {
    for (;;) {
      const result<std::size_t> count = co_await receive_from(at->socket, at->datagrams);
      if (!count) [[unlikely]] {
        if (count.error() == errc::closed || count.error() == errc::canceled) co_return;
        static_cast<void>(
            co_await instance_.deregister());  // accepted, or the session is ending anyway
        co_return;
      }
      take(*at, std::span(at->datagrams).first(*count));
    }
  }

  /// Awaits datagrams, whole trains where the socket gives them.
  static auto receive_from(socket_type& socket, std::span<received_datagram> into) noexcept {
    if constexpr (train_socket<socket_type>) return socket.receive_trains(into);
    else return socket.receive(into);
  }

  /// Hands up what known peers have sent.
  void take(port& at, std::span<received_datagram> arrived) noexcept {
    while (!arrived.empty()) {
      const auto some = arrived.first(std::min(arrived.size(), at.messages.size()));
      hand_up(instance_, take_known(at, some), counters_);
      arrived = arrived.subspan(some.size());
    }
  }
  /// Makes messages of the datagrams that known peers have sent, and drops the others.
  std::span<incoming> take_known(port& at, std::span<received_datagram> arrived) noexcept {
    incoming* out = at.messages.data();
    const socket_address* sender = nullptr;  // datagrams of one sender often come together
    const transport_id* peer = nullptr;
    for (received_datagram& datagram : arrived) {
      if (!sender || datagram.from != *sender) {
        sender = &datagram.from;
        peer = peers_.find(*sender);
      }
      if (!peer || datagram.arrived.truncated) [[unlikely]] {
        (peer ? counters_.truncated : counters_.unknown_sender) +=
            train_length(datagram.payload.size(), datagram.segment_size);
        datagram.payload.reset();
        continue;
      }
      incoming& message = *out++;
      message.assign(at.id, *peer, std::move(datagram.payload));
      message.arrived = datagram.arrived;
      message.segment_size = datagram.segment_size;
    }
    return {at.messages.data(), out};
  }

  /// Sends what goes without waiting, in order.
  accepted send_now(std::span<const outgoing> messages) noexcept {
    std::size_t done = 0;
    while (done < messages.size()) {
      const accepted more = send_run(messages.subspan(done));
      done += more.count;
      if (!more.why.ok()) [[unlikely]]
        return {done, more.why};
    }
    return done;
  }

  /// Sends the first messages of a batch, as many as one socket takes with one call.
  accepted send_run(std::span<const outgoing> messages) noexcept {
    const transport_id& local = messages.front().local;
    const auto from = ports_.find(local);
    if (from == ports_.end()) [[unlikely]]
      return errc::unknown_transport_id;
    port& by = *from->second;
    std::size_t count = 0;
    const socket_address* to = nullptr;
    for (const outgoing& message : messages.first(std::min(messages.size(), send_size))) {
      if (count == 0 || message.remote != messages[count - 1].remote)
        to = peers_.find(message.remote);
      if (message.local != local || !to) break;
      outgoing_datagram& datagram = to_send_[count++];
      datagram.to = *to;
      datagram.payload = message.payload;
      datagram.segment_size = message.segment_size;
    }
    if (count == 0) return errc::unreachable;  // its row of the table is gone
    const accepted taken = by.socket.try_send(std::span(to_send_).first(count));
    counters_.sent += message_count(messages.first(taken.count));
    return taken;
  }

  /// Sends the rest of a batch, waiting wherever a socket has to.
  task<accepted> send_remaining(std::span<const outgoing> messages, std::size_t done) {
    for (;;) {
      ++counters_.waits;
      const auto from = ports_.find(messages[done].local);
      if (from == ports_.end()) co_return accepted(done, errc::unknown_transport_id);
      const std::shared_ptr<port> waiting = from->second;  // removing the id must not end it here
      const status writable = co_await waiting->socket.writable();
      if (!writable.ok()) co_return accepted(done, writable);
      const accepted more = send_now(messages.subspan(done));
      done += more.count;
      if (more.why != errc::would_block) co_return accepted(done, more.why);
    }
  }

  Network& network_;
  const peer_table& peers_;
  instance instance_;
  direct_counters counters_;
  port_table ports_;
  std::array<outgoing_datagram, send_size> to_send_;  // within one call
  [[no_unique_address]] typename detail::counters_of<socket_type>::type closed_sockets_{};
};

}  // namespace lockgate::inline v0

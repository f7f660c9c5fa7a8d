// What each of the two processes has: a network, a platform, the direct provider, an endpoint.
#pragma once

#include "wire.hpp"  // for message

#include "lockgate/asio/network.hpp"      // for asio_network
#include "lockgate/coro/deadline.hpp"     // for with_deadline
#include "lockgate/lockgate.hpp"          // for platform
#include "lockgate/observe/mermaid.hpp"   // for timeline, mermaid
#include "lockgate/providers/direct.hpp"  // for direct

#include <array>         // for array
#include <chrono>        // for seconds
#include <cstddef>       // for byte, size_t
#include <functional>    // for function
#include <random>        // for minstd_rand
#include <span>          // for span
#include <stdexcept>     // for runtime_error
#include <string>        // for string
#include <system_error>  // for system_error

namespace carry {

/// What the command line says to both sides.
struct options {
  std::uint16_t chunk_size = 1200;   ///< bytes of the file in one datagram; fits every path's MTU
  std::uint32_t window = 1024;       ///< chunks in flight at most
  double loss = 0;                   ///< share of datagrams thrown away on purpose
  std::chrono::seconds give_up{20};  ///< how long nothing may be heard of the other side
  bool timeline = false;             ///< print the session's diagram
};

/// The two ends have fixed names here; a real application would have them exchanged.
[[nodiscard]] inline lockgate::transport_id id_of(bool sender) {
  std::array<std::byte, 16> bytes{std::byte{0xfd}};
  bytes[15] = sender ? std::byte{1} : std::byte{2};
  return lockgate::transport_id(bytes);
}

inline void check(const lockgate::status& outcome, const char* what) {
  if (outcome) throw std::system_error(outcome.code(), what);
}

class side {
 public:
  /// Learns where the other side is, when its own address is known.
  using rendezvous = std::function<lockgate::socket_address(const lockgate::socket_address& own)>;

  side(asio::io_context& io, bool is_sender, const options& wish)
      : want(wish), net(io), peer(id_of(!is_sender)), own_(id_of(is_sender)) {
    if (want.timeline) cp.observe(events_);
    link = cp.create<lockgate::direct<lockgate::asio_network>>(net, peers_);
  }

  lockgate::task<> start(lockgate::socket_address local, const rendezvous& meet) {
    peers_.bind(own_, local);
    check(co_await link.register_instance(), "register");
    lockgate::endpoint_options wish;
    wish.proposed_id = own_;
    wish.listening = true;
    app = cp.open_endpoint(wish);
    const auto ready = co_await app.ready();
    if (!ready) throw std::runtime_error("cannot bind " + to_string(local));
    other_ = meet(provider().local_address(own_));
    check(peers_.add(peer, other_), "peer");
  }

  /// Waits for messages, but not beyond `until`. True if there are some in `inbox`.
  lockgate::task<bool> hear(lockgate::time_point until) {
    heard_ = 0;
    const lockgate::status outcome = co_await with_deadline(receive(), until);
    if (outcome != lockgate::errc::timed_out) check(outcome, "receive");
    if (heard_ > 0) heard_at_ = net.home().now();
    else if (net.home().now() - heard_at_ > want.give_up + patience)
      throw std::runtime_error("nothing heard from " + to_string(other_) + " for " +
                               std::to_string(want.give_up.count()) + " s");
    co_return heard_ > 0;
  }
  [[nodiscard]] std::span<lockgate::incoming> heard() noexcept {
    return std::span(inbox_).first(heard_);
  }
  /// From now on the other side has `want.give_up`, and `more`, to be heard.
  void expect(lockgate::duration more = {}) noexcept {
    heard_at_ = net.home().now();
    patience = more;
  }

  /// Sends one message, or loses it on purpose.
  lockgate::task<> say(lockgate::chain words) {
    if (lose()) co_return;
    check(co_await app.send_to(peer, words), "send");
  }
  [[nodiscard]] bool lose() {
    if (want.loss <= 0 || std::uniform_real_distribution<>(0, 1)(random_) >= want.loss)
      return false;
    ++lost_on_purpose;
    return true;
  }

  [[nodiscard]] const lockgate::direct_counters& counters() { return provider().counters(); }
  /// The session so far; empty unless asked for.
  [[nodiscard]] std::string diagram() const {
    const lockgate::participant name{link.id(), "direct"};
    return want.timeline ? lockgate::mermaid(events_, {&name, 1}) : std::string();
  }

  const options want;
  lockgate::asio_network net;
  const lockgate::transport_id peer;
  lockgate::platform cp{net};
  lockgate::provider_instance link;
  lockgate::endpoint app;
  std::uint64_t lost_on_purpose = 0;
  lockgate::duration patience{};

 private:
  [[nodiscard]] lockgate::direct<lockgate::asio_network>& provider() {
    return *link.get_if<lockgate::direct<lockgate::asio_network>>();
  }
  lockgate::task<lockgate::status> receive() {
    const lockgate::result<std::size_t> count = co_await app.receive(inbox_);
    if (count) heard_ = *count;
    co_return count.error();
  }

  const lockgate::transport_id own_;
  lockgate::peer_table peers_;
  lockgate::socket_address other_;
  lockgate::timeline events_{1024, lockgate::timeline::traffic::counted};
  std::minstd_rand random_{std::random_device()()};
  std::array<lockgate::incoming, 256> inbox_;
  std::size_t heard_ = 0;
  lockgate::time_point heard_at_{};
};

}  // namespace carry

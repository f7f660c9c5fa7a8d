// What each of the two processes has: a network, a platform, a provider, an endpoint. The provider
// is the direct one, or `turn` where the two are behind NATs.
#pragma once

#include "../watch.hpp"  // for watch, watch_options
#include "wire.hpp"      // for message

#include "lockgate/asio/stream_network.hpp"               // for asio_stream_network
#include "lockgate/coro/deadline.hpp"                     // for with_deadline
#include "lockgate/crypto/openssl.hpp"                    // for openssl_crypto
#include "lockgate/direct/direct.hpp"                     // for direct
#include "lockgate/lockgate.hpp"                          // for platform
#include "lockgate/signalling/rendezvous_signalling.hpp"  // for rendezvous_signalling
#include "lockgate/turn/turn.hpp"                         // for turn

#include <array>         // for array
#include <chrono>        // for seconds
#include <cstddef>       // for byte, size_t
#include <functional>    // for function
#include <optional>      // for optional
#include <random>        // for minstd_rand
#include <span>          // for span
#include <stdexcept>     // for runtime_error
#include <string>        // for string
#include <system_error>  // for system_error

namespace carry {

/// How two sides meet that cannot reach each other directly.
struct relay_options {
  lockgate::turn_options turn;
  lockgate::socket_address rendezvous;  ///< of the server that introduces them
  std::string key;                      ///< what all its users share
  std::string authority;                ///< a file with a certificate to trust besides the system's
};

/// What the command line says to both sides.
struct options {
  std::uint16_t chunk_size = 1200;   ///< bytes of the file in one datagram; fits every path's MTU
  std::uint32_t window = 1024;       ///< chunks in flight at most
  double loss = 0;                   ///< share of datagrams thrown away on purpose
  std::chrono::seconds give_up{20};  ///< how long nothing may be heard of the other side
  watch_options watch = {};          ///< what people want to see
  std::optional<relay_options> relay = {};  ///< none: directly
};

/// The two ends have fixed names here; a real application would have them exchanged.
[[nodiscard]] inline lockgate::transport_id id_of(bool sender) {
  std::array<std::byte, 16> bytes{std::byte{0xfd}};
  bytes[15] = sender ? std::byte{1} : std::byte{2};
  return lockgate::transport_id(bytes);
}

inline void check(const lockgate::status& outcome, const char* what) {
  if (!outcome.ok()) throw std::system_error(outcome.code(), what);
}

class side {
 public:
  /// Learns where the other side is, when its own address is known.
  using rendezvous = std::function<lockgate::socket_address(const lockgate::socket_address& own)>;

  side(asio::io_context& io, bool is_sender, const options& wish)
      : want(wish), net(io), peer(id_of(!is_sender)), own_(id_of(is_sender)) {
    seen.begin(cp);
    create_link();
    seen.name_instance(link.id(), want.relay ? "turn" : "direct");
  }

  lockgate::task<> start(lockgate::socket_address local, const rendezvous& meet) {
    peers_.bind(own_, local);
    check(co_await link.register_instance(), "register");
    lockgate::endpoint_options wish;
    wish.proposed_id = own_;
    wish.listening = true;
    app = cp.open_endpoint(wish);
    const auto ready = co_await app.ready();
    if (want.relay) {
      if (!ready) check(ready.error(), "no TURN server lets us in");
      co_return;
    }
    if (!ready) throw std::runtime_error("cannot bind " + to_string(local));
    other_ = to_string(meet(link.get_if<direct>()->local_address(own_)));
    check(peers_.add(peer, *lockgate::parse_socket_address(other_)), "peer");
  }
  /// Ends the session, and whatever it needed.
  lockgate::task<> stop() {
    check(co_await cp.stop(), "stop");
    if (signals_) co_await signals_->close();
    seen.end_view();
  }

  /// Waits for messages, but not beyond `until`. True if there are some in `inbox`.
  lockgate::task<bool> hear(lockgate::time_point until) {
    heard_ = 0;
    const lockgate::status outcome = co_await with_deadline(receive(), until);
    if (outcome != lockgate::errc::timed_out) check(outcome, "receive");
    if (heard_ > 0) heard_at_ = net.home().now();
    else if (net.home().now() - heard_at_ > want.give_up + patience)
      throw std::runtime_error("nothing heard from " + other_ + " for " +
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
    const lockgate::status said = co_await app.send_to(peer, words);
    if (want.relay && said == lockgate::errc::unreachable) co_return;  // as good as lost on the way
    check(said, "send");
  }
  [[nodiscard]] bool lose() {
    if (want.loss <= 0 || std::uniform_real_distribution<>(0, 1)(random_) >= want.loss)
      return false;
    ++lost_on_purpose;
    return true;
  }

  /// What either provider has counted, in the words of the direct one.
  [[nodiscard]] lockgate::direct_counters counters() {
    if (!want.relay) return link.get_if<direct>()->counters();
    const lockgate::turn_counters& c = link.get_if<turn>()->counters();
    lockgate::direct_counters out;
    out.sent = c.sent;
    out.waits = c.waits;
    out.received = c.received;
    out.unknown_sender = c.unknown_peer;
    out.truncated = c.truncated;
    out.empty = c.empty;
    out.not_active = c.not_active;
    out.unknown_local_id = c.unknown_local_id;
    out.queue_full = c.queue_full;
    return out;
  }

  using direct = lockgate::direct<lockgate::asio_stream_network>;
  using turn = lockgate::turn<lockgate::asio_stream_network, lockgate::openssl_crypto>;

  const options want;
  lockgate::asio_stream_network net;
  const lockgate::transport_id peer;

 private:
  using rendezvous_client =
      lockgate::rendezvous_signalling<lockgate::asio_stream_network, lockgate::openssl_crypto>;
  // Before the platform: what it and its provider use until they have gone.
  std::optional<rendezvous_client> signals_;
  lockgate::peer_table peers_;

 public:
  watch seen{net.home(), want.watch};
  lockgate::platform cp{net};
  lockgate::provider_instance link;
  lockgate::endpoint app;
  std::uint64_t lost_on_purpose = 0;
  lockgate::duration patience{};

 private:
  void create_link() {
    if (!want.relay) {
      link = cp.create<direct>(net, peers_);
      return;
    }
    if (!want.relay->authority.empty()) net.tls().load_verify_file(want.relay->authority);
    signals_.emplace(net, want.relay->rendezvous, want.relay->key);
    cp.use_signalling(*signals_);
    link = cp.create<turn>(net, want.relay->turn);
  }
  lockgate::task<lockgate::status> receive() {
    const lockgate::result<std::size_t> count = co_await app.receive(inbox_);
    if (count) heard_ = *count;
    co_return count.error();
  }

  const lockgate::transport_id own_;
  std::string other_ = "the other side";
  std::minstd_rand random_{std::random_device()()};
  std::array<lockgate::incoming, 256> inbox_;
  std::size_t heard_ = 0;
  lockgate::time_point heard_at_{};
};

}  // namespace carry

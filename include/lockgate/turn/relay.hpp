// An allocation on whichever TURN server answers first, kept alive, and found anew when it is lost.
#pragma once

#include "lockgate/coro/sleep.hpp"          // for sleep_until
#include "lockgate/coro/task_group.hpp"     // for task_group
#include "lockgate/coro/timed_wait.hpp"     // for wait_until
#include "lockgate/net/resolver.hpp"        // for resolving_network
#include "lockgate/net/stream.hpp"          // for stream_network
#include "lockgate/stun/authenticator.hpp"  // for authenticator
#include "lockgate/turn/connection.hpp"     // for turn_connection
#include "lockgate/turn/options.hpp"        // for turn_options

#include <algorithm>  // for any_of, max, min
#include <chrono>     // for seconds
#include <cstddef>    // for size_t
#include <cstdint>    // for uint8_t
#include <memory>     // for shared_ptr, unique_ptr
#include <optional>   // for optional
#include <span>       // for span
#include <string>     // for string
#include <utility>    // for move
#include <vector>     // for vector

namespace lockgate::inline v0 {

/// A network over which a TURN server can be used.
template <class N>
concept turn_network = stream_network<N> && resolving_network<N>;

/// What the user of a `turn_relay` is told.
template <stun::crypto Crypto>
class turn_relay_user : public turn_connection_user<Crypto> {
 public:
  /// A client is about to ask for an allocation: peers that are added now are let through with it.
  virtual void prepare(stun::turn_client<Crypto>& client) = 0;

 protected:
  ~turn_relay_user() = default;
};

/// One allocation, wherever it may be.
///
/// All servers and transports are tried at the same time, so that one that does not answer costs
/// nothing, and a network without UDP no more than the longer handshakes of TCP and TLS. Where UDP
/// passes it wins, by the shortest handshake; should it lose a datagram, a stream that was faster
/// waits a moment for it if a server has already answered over UDP, since all data will go the
/// winner's way.
///
/// A server that wants to be left alone for a while (RFC 8656 section 7.4: two minutes after 437,
/// one after 486 and 508) is, by every relay that is given the same `refused_until`, one time for
/// each server.
///
/// Lifetime: the network, the options, `refused_until` and the user outlive it. `close()` has
/// completed before it is
///           destroyed, or its tasks are destroyed where they are suspended.
template <turn_network Network, stun::crypto Crypto>
class turn_relay {
 public:
  /// A connection to one of the servers.
  using connection = turn_connection<Crypto>;

  turn_relay(Network& network, const turn_options& options, std::span<time_point> refused_until)
      : network_(network), options_(options), refused_until_(refused_until),
        keeper_(network.home()) {}
  turn_relay(const turn_relay&) = delete;

  /// Says who is told what the relay receives; null for nobody.
  void use(turn_relay_user<Crypto>* user) {
    user_ = user;
    if (winner_) winner_->use(user);
  }

  /// Waits for the allocation, asking for it first if nobody does yet.
  /// Errors: why the last attempt failed; `errc::timed_out` at `deadline`.
  task<status> open(time_point deadline) {
    while (!is_open()) {
      if (!keeping_) {
        keeping_ = true;
        const status started = keeper_.spawn(keep());
        if (!started.ok()) co_return started;
      }
      const status waited = co_await wait_until(changed_, deadline);
      if (!waited.ok()) co_return waited;
      if (!keeping_) co_return failure_;
    }
    co_return status();
  }

  /// Asks the server to delete the allocation.
  void release() {
    if (!is_open()) return;
    releasing_ = true;
    winner_->release();
  }
  /// Releases, waits until the server has answered or `deadline`, and ends everything.
  task<> close(time_point deadline) {
    release();
    while (releasing_ && winner_ && !winner_->is_over()) {
      const status waited = co_await wait_until(changed_, deadline);
      if (!waited.ok()) break;
    }
    keeper_.request_stop();
    if (race_) race_->request_stop();
    static_cast<void>(co_await keeper_.join());
    if (race_) static_cast<void>(co_await race_->join());
  }

  /// The allocation's state has changed: those who wait for it look again.
  void changed() noexcept { changed_.complete_all(); }

  [[nodiscard]] bool is_open() const noexcept {
    return winner_ && winner_->client().is_allocated();
  }
  /// The connection that has the allocation, or had it a moment ago; null without one.
  [[nodiscard]] connection* current() noexcept { return winner_.get(); }
  [[nodiscard]] std::shared_ptr<server_wire> wire() const noexcept {
    return winner_ ? winner_->shared_wire() : nullptr;
  }

 private:
  enum class transport : std::uint8_t { udp, tcp, tls };

  /// A server over one transport, with what was learnt about its credentials.
  struct candidate {
    const turn_server* server = nullptr;
    transport via = transport::udp;
    bool is_v4 = true;
    std::string username;
    std::unique_ptr<stun::authenticator<Crypto>> credentials;
  };

  /// Races, keeps the winner, and races again when it is gone; ends when the first race is lost.
  task<> keep() {
    scheduler& home = network_.home();
    duration pause = first_pause;
    for (bool was_open = false;; was_open = true) {
      start_race();
      while (!winner_ && racing_ > 0) {
        const status ended = co_await changed_.wait();
        if (!ended.ok()) co_return;
      }
      if (winner_) {
        winner_->use(user_);
        tell(stun::turn_action_type::allocated);
        winner_->pump();
      }
      race_->request_stop();
      const status joined = co_await race_->join();
      if (!joined.ok()) co_return;
      datagram_attempts_.clear();
      const time_point won_at = home.now();
      time_point again = won_at + pause;
      if (winner_) {
        const std::shared_ptr<connection> mine = winner_;
        const turn_server* const mine_server = winners_server_;
        const status over = co_await mine->receive(false);
        mine->close();
        tell(stun::turn_action_type::lost);
        if (over == errc::canceled || mine->end().type == stun::turn_action_type::released)
          co_return;
        winner_.reset();
        const bool was_steady = home.now() - won_at >= steady;
        if (was_steady) pause = first_pause;
        again = home.now() + (was_steady ? duration::zero() : pause);
        rest(mine_server, mine->end());
      } else if (!was_open) {
        keeping_ = false;
        changed_.complete_all();
        co_return;
      }
      pause = std::min<duration>(pause * 2, longest_pause);
      const status slept = co_await sleep_until(again);
      if (!slept.ok()) co_return;
    }
  }

  void start_race() {
    failure_ = errc::unreachable;
    racing_ = 0;
    race_.emplace(network_.home());
    for (const turn_server& server : options_.servers) enter(try_server(&server));
  }
  void enter(task<> runner) {
    ++racing_;
    if (!race_->spawn(std::move(runner)).ok()) --racing_;
  }
  /// Said by a runner that leaves the race.
  void leave(status why = {}) noexcept {
    if (!why.ok() && failure_ == errc::unreachable) failure_ = why;
    --racing_;
    changed_.complete_all();
  }

  /// Notes how long a server wants to be left alone.
  void rest(const turn_server* server, const stun::turn_action& end) noexcept {
    if (end.type != stun::turn_action_type::reconnect || end.deadline == never) return;
    time_point& until = refused_until_[index_of(server)];
    until = std::max(until, end.deadline);
  }
  [[nodiscard]] bool is_paused(const turn_server* server) const noexcept {
    return network_.home().now() < refused_until_[index_of(server)];
  }
  [[nodiscard]] std::size_t index_of(const turn_server* server) const noexcept {
    return static_cast<std::size_t>(server - options_.servers.data());
  }

  task<> try_server(const turn_server* server) {
    if (is_paused(server)) {
      leave();
      co_return;
    }
    const auto found = co_await network_.resolve(server->host);
    if (!found) {
      leave(found.error());
      co_return;
    }
    bool tried[2] = {false, false};  // one address of each family (RFC 8656 section 3.9)
    for (const ip_address& ip : *found) {
      if (std::exchange(tried[ip.is_v4() ? 0 : 1], true)) continue;
      if (server->udp) start_attempt(server, transport::udp, ip);
      if (server->tcp) start_attempt(server, transport::tcp, ip);
      if (server->tls) start_attempt(server, transport::tls, ip);
    }
    leave();
  }
  void start_attempt(const turn_server* server, transport via, const ip_address& ip) {
    socket_address to;
    to.ip = ip;
    to.port = via == transport::tls ? server->tls_port : server->port;
    enter(attempt(obtain(server, via, ip.is_v4()), to));
  }

  [[nodiscard]] std::shared_ptr<candidate> obtain(const turn_server* server, transport via,
                                                  bool is_v4) {
    const stun::turn_credentials with =
        server->credentials ? server->credentials() : stun::turn_credentials();
    std::shared_ptr<candidate> found;
    for (const auto& known : candidates_)
      if (known->server == server && known->via == via && known->is_v4 == is_v4) found = known;
    if (!found) {
      found = std::make_shared<candidate>();
      found->server = server;
      found->via = via;
      found->is_v4 = is_v4;
      candidates_.push_back(found);
    }
    if (!found->credentials || found->username != with.username) {
      found->username = with.username;
      found->credentials =
          std::make_unique<stun::authenticator<Crypto>>(with.username, with.password);
    }
    return found;
  }

  /// Asks one server over one transport for an allocation. The first to get one is the winner.
  task<> attempt(std::shared_ptr<candidate> from, socket_address to) {
    stun::turn_config config;
    config.requests.via =
        from->via == transport::udp ? stun::transport::datagram : stun::transport::stream;
    config.families = options_.families;
    config.keep_alive = options_.keep_alive;
    config.allow_private_peers = options_.allow_private_peers;
    const auto made = std::make_shared<connection>(network_.home(), config, *from->credentials);
    if (user_) user_->prepare(made->client());
    if (from->via == transport::udp) datagram_attempts_.push_back(made);
    for (int tries = 0; tries < most_redirects; ++tries) {
      stream_target target;
      target.to = to;
      target.secured = from->via == transport::tls;
      target.name = made->client().alternate_domain();
      if (target.name.empty()) target.name = from->server->certificate_name;
      if (target.name.empty()) target.name = from->server->host;
      const auto wire = co_await connect(target, from->via == transport::udp);
      if (!wire) {
        leave(wire.error());
        co_return;
      }
      made->start(*wire, to);
      const status ended = co_await made->receive(true);
      const bool gives_way = from->via != transport::udp && made->client().is_allocated();
      if (gives_way) co_await let_datagrams_win();
      if (made->client().is_allocated() && !winner_) {
        winner_ = made;
        winners_server_ = from->server;
        leave();
        co_return;
      }
      // What it has, or has just asked for, is deleted. A Refresh is under way: that must do.
      if (!made->is_over()) made->release();
      made->close();
      if (made->end().type == stun::turn_action_type::failed) from->credentials.reset();
      rest(from->server, made->end());
      if (!ended.ok() || made->end().type != stun::turn_action_type::reconnect ||
          is_paused(from->server))
        break;
      const auto reason = made->end().reason;
      if (reason == stun::turn_reason::redirected) to = made->end().address;
      else if (reason != stun::turn_reason::address_in_use) break;
    }
    leave(errc::unreachable);
  }

  /// Waits as long as UDP is likely to succeed.
  task<> let_datagrams_win() {
    const time_point until = network_.home().now() + wait_for_datagrams;
    const auto is_promising = [](const auto& attempt) { return attempt->is_answered(); };
    while (!winner_ &&
           std::any_of(datagram_attempts_.begin(), datagram_attempts_.end(), is_promising)) {
      const status waited = co_await wait_until(changed_, until);
      if (!waited.ok()) co_return;
    }
  }

  task<result<std::shared_ptr<server_wire>>> connect(stream_target target, bool is_udp) {
    using answer = result<std::shared_ptr<server_wire>>;
    if (is_udp) {
      socket_address any;
      if (target.to.ip.is_v4()) any.ip = ip_address::v4(0);
      auto socket = network_.open_datagram(any);
      if (!socket) co_return answer(socket.error());
      using udp = datagram_wire<typename Network::datagram_socket_type>;
      co_return answer(std::make_shared<udp>(std::move(*socket), target.to));
    }
    auto stream = co_await network_.connect(target);
    if (!stream) co_return answer(stream.error());
    using tcp = stream_wire<typename Network::stream_type>;
    const auto wire = std::make_shared<tcp>(std::move(*stream), network_.buffers());
    const status working = keeper_.spawn(work(wire));
    if (!working.ok()) co_return answer(working);
    co_return answer(wire);
  }
  static task<> work(std::shared_ptr<server_wire> wire) { co_await wire->work(); }

  void tell(stun::turn_action_type what) {
    stun::turn_action action;
    action.type = what;
    if (user_) user_->told(action);
    changed_.complete_all();
  }
  static constexpr int most_redirects = 8;
  static constexpr auto first_pause = std::chrono::seconds(1);
  static constexpr auto longest_pause = std::chrono::seconds(64);
  static constexpr auto wait_for_datagrams =
      std::chrono::seconds(1);                              // a request repeats at 500 ms
  static constexpr auto steady = std::chrono::seconds(10);  // lived that long: no pause

  Network& network_;
  const turn_options& options_;
  std::span<time_point> refused_until_;
  turn_relay_user<Crypto>* user_ = nullptr;
  std::vector<std::shared_ptr<candidate>> candidates_;
  std::shared_ptr<connection> winner_;
  const turn_server* winners_server_ = nullptr;
  std::vector<std::shared_ptr<connection>> datagram_attempts_;
  std::optional<task_group> race_;
  bool keeping_ = false;
  bool releasing_ = false;
  int racing_ = 0;
  status failure_;
  wait_list changed_;
  task_group keeper_;  // last: its tasks use everything above
};

}  // namespace lockgate::inline v0

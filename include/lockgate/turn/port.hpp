// One local id of a `turn` provider: its allocation, its peers, and the data between them.
#pragma once

#include "lockgate/coro/timed_wait.hpp"    // for wait_until
#include "lockgate/net/exchange.hpp"       // for exchange
#include "lockgate/provider.hpp"           // for instance, outgoing, incoming
#include "lockgate/turn/announcement.hpp"  // for turn_announcement
#include "lockgate/turn/options.hpp"       // for turn_options, turn_counters
#include "lockgate/turn/peer_table.hpp"    // for turn_peer_table, turn_remote
#include "lockgate/turn/relay.hpp"         // for turn_relay

#include <algorithm>  // for max, min
#include <array>      // for array
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint32_t
#include <memory>     // for shared_ptr, unique_ptr, enable_shared_from_this
#include <span>       // for span
#include <utility>    // for move
#include <vector>     // for vector

namespace lockgate::inline v0 {

/// A local id with an allocation of its own, so that an address on either side stands for one id.
///
/// Peers tell each other their relayed addresses by announcements, repeated until they are
/// answered. Permission and channel are asked for the moment a peer's address is known, and data
/// follows at once, in Send indications until the channel is bound.
template <turn_network Network, stun::crypto Crypto>
class turn_port final : public turn_relay_user<Crypto>,
                        public std::enable_shared_from_this<turn_port<Network, Crypto>> {
 public:
  /// The relay that ports share.
  using relay = turn_relay<Network, Crypto>;

  turn_port(instance self, const turn_options& options, turn_counters& counters,
            const transport_id& local)
      : instance_(self), options_(options), counters_(counters), local_(local) {}

  /// Takes an allocation over, which may be open already.
  void attach(std::unique_ptr<relay> through) {
    relay_ = std::move(through);
    incarnation_ = static_cast<std::uint32_t>(instance_.random().next());
    relay_->use(this);
    if (is_open()) allocated();
  }
  /// Gives the allocation back, for another id or to be closed; the peers are forgotten.
  [[nodiscard]] std::unique_ptr<relay> detach() {
    if (relay_) {
      relay_->use(nullptr);
      if (auto* const now = relay_->current()) {
        for (const auto& [id, peer] : peers_)
          if (peer->channel != 0) now->client().remove_peer(peer->channel);
        now->pump();
      }
    }
    peers_.clear();
    changed_.complete_all();
    return std::move(relay_);
  }
  [[nodiscard]] bool has_relay() const noexcept { return relay_ != nullptr; }
  [[nodiscard]] bool is_open() const noexcept { return relay_ && relay_->is_open(); }
  [[nodiscard]] std::unique_ptr<relay>& through() noexcept { return relay_; }
  [[nodiscard]] const turn_peer_table& peers() const noexcept { return peers_; }

  // Reaching

  /// Whether the peer has said lately that it knows where we are.
  [[nodiscard]] bool is_reached(const transport_id& to) const noexcept {
    const turn_remote* const peer = peers_.find(to);
    return is_open() && peer && peer->is_usable() &&
           instance_.now() - peer->confirmed < options_.reach_freshness;
  }
  /// Begins to learn the peer's relayed address and to tell it ours.
  status ask(const transport_id& to) {
    const std::shared_ptr<turn_remote>& peer = peers_.obtain(to);
    peer->confirmed = time_point::min();
    return announce_until_heard(peer);
  }
  /// Waits for the outcome of `ask`.
  /// Errors: `errc::unreachable` without an answer, or if the server does not let the peer through.
  task<status> answered(transport_id to) {
    const std::shared_ptr<turn_port> alive = this->shared_from_this();
    const std::shared_ptr<turn_remote> peer = peers_.obtain(to);
    while (peer->exchanging) {
      const status waited = co_await changed_.wait();
      if (!waited.ok()) co_return waited;
    }
    co_return peer->is_usable() ? status() : status(errc::unreachable);
  }
  /// Takes a peer's announcement in. True: the peer has left.
  bool heard(const transport_id& from, const turn_announcement& said) {
    const std::shared_ptr<turn_remote> peer = peers_.obtain(from);
    const bool overtaken = peer->incarnation == said.incarnation &&
                           static_cast<std::int32_t>(said.sequence - peer->sequence) < 0;
    if (overtaken) return ++counters_.stale_signals, false;
    if (said.is_leaving()) {
      forget(*peer);
      return true;
    }
    peer->incarnation = said.incarnation;
    peer->sequence = said.sequence;
    const bool prefers_v6 = options_.families == stun::turn_families::v6 || said.v4.port == 0;
    const socket_address& address = prefers_v6 ? said.v6 : said.v4;
    if (address != peer->address) {
      let_go(*peer);
      peer->address = address;
    }
    if (is_open()) let_through(*peer);
    if (said.heard_incarnation == incarnation_ && said.heard_sequence == sequence_ && sequence_ > 0)
      peer->confirmed = instance_.now();
    peer->owes_answer = peer->owes_answer || said.wants_answer;
    if (is_open() && peer->owes_answer) answer(peer);
    changed_.complete_all();
    return false;
  }
  /// Tells every peer that this id is leaving.
  task<> say_goodbye() {
    const std::shared_ptr<turn_port> alive = this->shared_from_this();
    std::vector<transport_id> all;
    for (const auto& [id, peer] : peers_) all.push_back(id);
    ++sequence_;
    turn_announcement bye;
    bye.incarnation = incarnation_;
    bye.sequence = sequence_;
    const std::vector<std::byte> blob = bye.encode();
    for (const transport_id& id : all)
      static_cast<void>(
          co_await instance_.signal(local_, id, blob));  // they notice in time without it
  }

  // Data

  /// Sends the first messages of a batch that are this id's, as many as one call takes.
  accepted send(std::span<const outgoing> messages) {
    if (!is_open()) return errc::unreachable;  // the path closes, and is reached when it is back
    auto* const now = relay_->current();
    std::size_t count = 0, part_count = 0;
    for (const outgoing& message : messages) {
      if (message.local != local_ || count == batch_size) break;
      part_count += message.payload.part_count() + 1;
      ++count;
    }
    parts_.clear();
    parts_.reserve(part_count);  // spans below point into it
    status why;
    std::size_t framed = 0;
    for (; framed < count; ++framed) {
      const chain& payload = messages[framed].payload;
      const turn_remote* const peer = peers_.find(messages[framed].remote);
      if (!peer || peer->channel == 0) why = errc::unreachable;
      if (!why.ok()) break;
      const auto frame = now->client().frame(peer->channel, payload.size(), headers_[framed]);
      if (!frame) why = frame.error() == errc::would_block ? errc::unreachable : frame.error();
      if (!why.ok()) break;
      const std::size_t first = parts_.size();
      for (std::size_t i = 0; i < payload.part_count(); ++i) parts_.push_back(payload.part(i));
      if (frame->padding > 0) parts_.push_back(bytes_view(zeros).first(frame->padding));
      datagrams_[framed] = {now->server(), chain(bytes_view(headers_[framed]).first(frame->header),
                                                 std::span(parts_).subspan(first))};
    }
    if (framed == 0) return why;
    const accepted taken = now->wire().try_send(std::span(datagrams_).first(framed));
    counters_.sent += taken.count;
    if (taken.why == errc::would_block || taken.count == framed)
      return {taken.count, taken.why.ok() ? why : taken.why};
    return {taken.count, taken.why == errc::closed ? status(errc::unreachable) : taken.why};
  }
  [[nodiscard]] std::shared_ptr<server_wire> wire() const noexcept {
    return relay_ ? relay_->wire() : nullptr;
  }
  [[nodiscard]] const transport_id& local() const noexcept { return local_; }

  // turn_relay_user

  void prepare(stun::turn_client<Crypto>& client) override {
    for (const auto& [id, peer] : peers_)
      if (peer->address.port != 0)
        static_cast<void>(
            client.add_peer(peer->address, instance_.now()));  // allocated() asks again
  }
  void told(const stun::turn_action& what) override {
    using enum stun::turn_action_type;
    switch (what.type) {
      case allocated: return allocated_again();
      case refused:
        if (turn_remote* const peer = peers_.find(what.peer)) peers_.unbind(*peer);
        break;
      case lost:
      case reconnect:
      case failed: peers_.unbind_all(); break;
      default: return;
    }
    changed_.complete_all();
  }
  void take(const stun::turn_received& what, received_datagram&& datagram) override {
    const turn_remote* const peer = peers_.find(what.peer);
    if (what.type == stun::turn_received_type::icmp) {
      ++counters_.icmp;
    } else if (!peer || datagram.arrived.truncated) {
      ++(peer ? counters_.truncated : counters_.unknown_peer);
    } else {
      incoming& message = messages_[taken_++];
      datagram.payload.drop_front(what.offset);
      datagram.payload.truncate(what.length);
      message = incoming(local_, peer->id, std::move(datagram.payload));
      message.arrived = datagram.arrived;
      if (taken_ == batch_size) batch_ended();
    }
  }
  void batch_ended() override {
    hand_up(instance_, std::span(messages_).first(std::exchange(taken_, 0)), counters_);
  }

 private:
  static constexpr std::size_t batch_size = 64;
  static constexpr std::array<std::byte, 3> zeros{};

  void allocated_again() {
    peers_.unbind_all();
    allocated();
    relay_->changed();
  }
  /// There are relayed addresses, perhaps new ones: all peers must hear of them.
  void allocated() {
    ++counters_.allocations;
    ++sequence_;
    for (const auto& [id, peer] : peers_) {
      let_through(*peer);
      peer->confirmed = time_point::min();
      static_cast<void>(announce_until_heard(peer));  // without memory a later reach does it
    }
    changed_.complete_all();
  }

  void let_through(turn_remote& peer) {
    if (peer.address.port == 0 || peer.channel != 0) return;
    auto* const now = relay_->current();
    const auto channel = now->client().add_peer(peer.address, instance_.now());
    if (!channel) return;
    peers_.bind(peer, *channel);
    now->pump();
  }
  void let_go(turn_remote& peer) {
    if (peer.channel == 0) return;
    if (relay_ && relay_->current()) relay_->current()->client().remove_peer(peer.channel);
    peers_.unbind(peer);
  }
  void forget(turn_remote& peer) {
    let_go(peer);
    peer.address = {};
    peer.confirmed = time_point::min();
    if (!peer.exchanging) peers_.erase(transport_id(peer.id));
    changed_.complete_all();
  }

  [[nodiscard]] turn_announcement announcement(turn_remote& peer) {
    const auto& client = relay_->current()->client();
    turn_announcement out;
    out.wants_answer = peer.confirmed == time_point::min();
    out.incarnation = incarnation_;
    out.sequence = sequence_;
    out.heard_incarnation = peer.incarnation;
    out.heard_sequence = peer.sequence;
    out.v4 = client.relayed(stun::address_family::v4).value_or(socket_address());
    out.v6 = client.relayed(stun::address_family::v6).value_or(socket_address());
    peer.owes_answer = false;
    return out;
  }
  void answer(const std::shared_ptr<turn_remote>& peer) {
    static_cast<void>(instance_.spawn(say(this->shared_from_this(), peer)));  // the peer asks again
  }
  static task<> say(std::shared_ptr<turn_port> self, std::shared_ptr<turn_remote> peer) {
    if (!self->is_open()) co_return;
    const std::vector<std::byte> blob = self->announcement(*peer).encode();
    ++self->counters_.signals_sent;
    static_cast<void>(co_await self->instance_.signal(self->local_, peer->id, blob));
  }

  status announce_until_heard(const std::shared_ptr<turn_remote>& peer) {
    if (peer->exchanging) return {};
    peer->exchanging = true;
    const status started = instance_.spawn(announce(this->shared_from_this(), peer));
    if (!started.ok()) peer->exchanging = false;
    return started;
  }
  /// Repeats our announcement until the peer has answered it.
  static task<> announce(std::shared_ptr<turn_port> self, std::shared_ptr<turn_remote> peer) {
    const time_point deadline = self->instance_.now() + self->options_.reach_timeout;
    exchange announcing(self->options_.first_repeat);
    while (peer->confirmed == time_point::min()) {
      const time_point now = self->instance_.now();
      if (now >= deadline) break;
      if (self->is_open() && announcing.is_due(now)) {
        const std::vector<std::byte> blob = self->announcement(*peer).encode();
        ++self->counters_.signals_sent;
        announcing.said(now);
        const status said = co_await self->instance_.signal(self->local_, peer->id, blob);
        if (said == errc::no_signalling || said == errc::terminated) break;
        continue;
      }
      const time_point look = self->is_open() ? std::min(announcing.due(), deadline) : deadline;
      const status waited = co_await wait_until(self->changed_, look);
      if (waited == errc::canceled) break;
    }
    peer->exchanging = false;
    self->changed_.complete_all();
  }

  instance instance_;
  const turn_options& options_;
  turn_counters& counters_;
  transport_id local_;
  std::uint32_t incarnation_ = 0;
  std::uint32_t sequence_ = 0;
  turn_peer_table peers_;
  wait_list changed_;
  std::unique_ptr<relay> relay_;
  std::vector<bytes_view> parts_;
  std::array<std::array<std::byte, stun::max_turn_header_size>, batch_size> headers_;
  std::array<outgoing_datagram, batch_size> datagrams_;
  std::array<incoming, batch_size> messages_;
  std::size_t taken_ = 0;
};

}  // namespace lockgate::inline v0

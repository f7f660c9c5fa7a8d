// The provider that crosses any NAT or firewall: everything through a TURN server (RFC 8656).
#pragma once

#include "lockgate/provider.hpp"           // for instance, answer
#include "lockgate/turn/announcement.hpp"  // for turn_announcement
#include "lockgate/turn/options.hpp"       // for turn_options, turn_counters
#include "lockgate/turn/port.hpp"          // for turn_port
#include "lockgate/turn/relay.hpp"         // for turn_relay

#include <cstddef>        // for size_t
#include <memory>         // for shared_ptr, unique_ptr
#include <span>           // for span
#include <unordered_map>  // for unordered_map
#include <utility>        // for move
#include <vector>         // for vector

namespace lockgate::inline v0 {

/// Carries messages through allocations on TURN servers, one for each local id.
///
/// The control channel opens when the instance becomes active and closes when it becomes dormant,
/// unless the options say otherwise. Peers learn each other's relayed addresses through the
/// platform's signalling, which has to say truthfully who sent what.
///
/// Errors: no server that lets us in fails the activation. A message is unreachable while the
///         allocation is lost; the next one reaches anew, and so waits until it is back.
/// Lifetime: the network outlives the session.
/// Cost: over UDP nothing is copied or allocated per message; messages of one batch leave together.
template <turn_network Network, stun::crypto Crypto>
class turn {
  using port = turn_port<Network, Crypto>;
  using relay = turn_relay<Network, Crypto>;

 public:
  turn(Network& network, turn_options options)
      : network_(network), options_(std::move(options)),
        refused_until_(options_.servers.size(), time_point::min()) {}

  void establish_session(instance self) {
    instance_ = self;
    listening_ = instance_.spawn(listen());
    if (!options_.always_on || !listening_.ok()) return;
    spare_ = make_relay();
    listening_ = instance_.spawn(open_early());
  }
  answer<status> transition_active() {
    if (!listening_.ok()) return listening_;
    if (!spare_) spare_ = make_relay();
    if (spare_->is_open()) return status();
    return open_spare();
  }
  answer<status> transition_dormant() {
    if (options_.always_on) return status();
    return close_all();
  }
  answer<status> add_transport_id(transport_id id) {
    const std::shared_ptr<port> to = obtain(id);
    to->attach(spare_ ? std::move(spare_) : make_relay());
    if (to->is_open()) return status();
    return open(to);
  }
  task<status> remove_transport_id(transport_id id) {
    const auto at = ports_.find(id);
    if (at == ports_.end()) co_return status(errc::unknown_transport_id);
    const std::shared_ptr<port> leaving = at->second;
    ports_.erase(at);
    co_await leaving->say_goodbye();
    std::unique_ptr<relay> unused = leaving->detach();
    if (options_.always_on && !spare_) spare_ = std::move(unused);
    else if (unused) co_await unused->close(release_deadline());
    co_return status();
  }
  answer<status> reach_transport_id(transport_id to) {
    bool is_reached = !ports_.empty();
    for (const auto& [id, from] : ports_)
      is_reached = is_reached && (!from->has_relay() || from->is_reached(to));
    if (is_reached) return status();
    return reach(to);
  }
  /// Answers now, unless the network has to be waited for.
  answer<accepted> send_buffers(std::span<const outgoing> messages) {
    const accepted at_once = send_now(messages);
    if (at_once.why != errc::would_block) return at_once;
    return send_remaining(messages, at_once.count);
  }
  task<> terminate_session(termination_reason) { static_cast<void>(co_await close_all()); }

  [[nodiscard]] const turn_counters& counters() const noexcept { return counters_; }

 private:
  [[nodiscard]] std::unique_ptr<relay> make_relay() {
    return std::make_unique<relay>(network_, options_, refused_until_);
  }
  [[nodiscard]] std::shared_ptr<port> obtain(const transport_id& id) {
    auto& place = ports_[id];
    if (!place) place = std::make_shared<port>(instance_, options_, counters_, id);
    return place;
  }
  [[nodiscard]] time_point release_deadline() const noexcept {
    return instance_.now() + options_.release_timeout;
  }

  task<> open_early() {
    relay* const early = spare_.get();
    static_cast<void>(
        co_await early->open(instance_.now() + options_.open_timeout));  // active tries too
  }
  task<status> open_spare() {
    const status opened = co_await spare_->open(instance_.now() + options_.open_timeout);
    if (!opened.ok() && opened != errc::canceled && !options_.always_on) {
      co_await spare_->close(instance_.now());
      spare_.reset();
    }
    co_return opened;
  }
  task<status> open(std::shared_ptr<port> to) {
    co_return co_await to->through()->open(instance_.now() + options_.open_timeout);
  }
  /// Releases every allocation, all at the same time.
  task<status> close_all() {
    std::vector<std::unique_ptr<relay>> closing;
    if (spare_) closing.push_back(std::move(spare_));
    for (const auto& [id, from] : ports_)
      if (from->has_relay()) closing.push_back(from->detach());
    ports_.clear();
    const time_point deadline = release_deadline();
    for (const auto& one : closing) one->release();
    for (const auto& one : closing) co_await one->close(deadline);
    co_return status();
  }

  /// Takes in what peers' providers have to say.
  task<> listen() {
    for (;;) {
      const result<peer_signal> got = co_await instance_.receive_signal();
      if (!got) co_return;
      const auto said = turn_announcement::decode(got->blob);
      if (!said) {
        ++counters_.malformed_signals;
        continue;
      }
      const bool has_left = obtain(got->local)->heard(got->from, *said);
      if (has_left) static_cast<void>(co_await instance_.report_unreachable(got->from));
    }
  }

  /// Reaches from all local ids, since the platform does not say from which; one must succeed.
  task<status> reach(transport_id to) {
    std::vector<std::shared_ptr<port>> asking;
    for (const auto& [id, from] : ports_)
      if (from->has_relay()) asking.push_back(from);
    for (const auto& from : asking)
      if (!from->is_reached(to)) static_cast<void>(from->ask(to));  // `answered` says how it went
    status best = errc::unreachable;
    for (const auto& from : asking) {
      const status one = co_await from->answered(to);
      if (one.ok()) best = one;
      if (one == errc::canceled) co_return one;
    }
    co_return best;
  }

  /// Sends what goes without waiting, in order.
  accepted send_now(std::span<const outgoing> messages) {
    std::size_t done = 0;
    while (done < messages.size()) {
      const auto from = ports_.find(messages[done].local);
      if (from == ports_.end()) return {done, errc::unknown_transport_id};
      const accepted more = from->second->send(messages.subspan(done));
      done += more.count;
      if (!more.why.ok()) return {done, more.why};
    }
    return done;
  }
  /// Sends the rest of a batch, waiting wherever the network has to be waited for.
  task<accepted> send_remaining(std::span<const outgoing> messages, std::size_t done) {
    for (;;) {
      ++counters_.waits;
      const auto from = ports_.find(messages[done].local);
      const std::shared_ptr<server_wire> over =
          from == ports_.end() ? nullptr : from->second->wire();
      if (!over) co_return accepted(done, errc::unreachable);
      const status writable = co_await over->writable();
      if (!writable.ok()) co_return accepted(done, errc::unreachable);
      const accepted more = send_now(messages.subspan(done));
      done += more.count;
      if (more.why != errc::would_block) co_return accepted(done, more.why);
    }
  }

  Network& network_;
  const turn_options options_;
  std::vector<time_point> refused_until_;  // one for each server
  instance instance_;
  status listening_;
  turn_counters counters_;
  std::unique_ptr<relay> spare_;
  std::unordered_map<transport_id, std::shared_ptr<port>> ports_;
};

}  // namespace lockgate::inline v0

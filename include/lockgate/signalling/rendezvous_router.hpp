// What a rendezvous server does, without its sockets: who is where, and who wants to talk to whom.
#pragma once

#include "lockgate/base/clock.hpp"                     // for time_point
#include "lockgate/signalling/rendezvous_message.hpp"  // for rendezvous_message, encode, decode
#include "lockgate/stun/crypto.hpp"                    // for crypto

#include <chrono>         // for seconds
#include <cstddef>        // for byte, size_t
#include <cstdint>        // for uint64_t
#include <deque>          // for deque
#include <span>           // for span
#include <string_view>    // for string_view
#include <unordered_map>  // for unordered_map
#include <utility>        // for move
#include <vector>         // for vector

namespace lockgate::inline v0 {

/// Passes signed signals on, unchanged, to wherever their addressee has registered.
///
/// `Origin` says where a message came from and how to answer: an address, a connection. One id may
/// have several, and gets its signals on each. A signal for an id that is not there yet waits a
/// moment for it, since two peers start in no particular order.
template <class Origin, stun::crypto Crypto>
class rendezvous_router {
 public:
  explicit rendezvous_router(std::string_view key) : hmac_(std::as_bytes(std::span(key))) {}

  /// Takes a message in; `send(origin, bytes)` is called for everything that goes out.
  template <class Send>
  void receive(std::span<const std::byte> bytes, const Origin& from, time_point now, Send send) {
    const auto message = decode(bytes, hmac_);
    if (!message) return static_cast<void>(++rejected_);
    if (message->kind == stun::message_class::request) {
      // Each way brings its own copy of the latest one; an older one may be played back.
      if (!registrations_.is_new(*message) && !registrations_.is_latest(*message)) return;
      enrol(message->signal.from, from, now);
      rendezvous_message answer = *message;
      answer.kind = stun::message_class::success;
      if (const auto out = encode(answer, hmac_)) send(from, std::span<const std::byte>(*out));
      return deliver_waiting(message->signal.from, now, send);
    }
    if (message->kind != stun::message_class::indication) return static_cast<void>(++rejected_);
    if (!signals_.is_new(*message)) return;  // it came over another way, too
    if (!deliver(message->signal.to, bytes, now, send) && waiting_.size() < most_waiting)
      waiting_.push_back({message->signal.to, now + patience, {bytes.begin(), bytes.end()}});
  }
  /// A connection has ended.
  void forget(const Origin& gone) {
    for (auto& [id, places] : places_)
      std::erase_if(places, [&](const place& p) { return p.at == gone; });
  }

  /// Messages that nobody with the key has signed, or that make no sense.
  [[nodiscard]] std::uint64_t rejected() const noexcept { return rejected_; }

 private:
  static constexpr auto registration_life = std::chrono::seconds(60);
  static constexpr auto patience = std::chrono::seconds(3);
  static constexpr std::size_t most_waiting = 1024;

  struct place {
    Origin at;
    time_point until;
  };
  struct waiting_signal {
    transport_id to;
    time_point until;
    std::vector<std::byte> bytes;
  };

  void enrol(const transport_id& id, const Origin& from, time_point now) {
    auto& places = places_[id];
    std::erase_if(places, [&](const place& p) { return p.at == from || p.until <= now; });
    places.push_back({from, now + registration_life});
  }
  template <class Send>
  bool deliver(const transport_id& to, std::span<const std::byte> bytes, time_point now,
               Send& send) {
    const auto at = places_.find(to);
    if (at == places_.end()) return false;
    std::erase_if(at->second, [&](const place& p) { return p.until <= now; });
    for (const place& p : at->second) send(p.at, bytes);
    return !at->second.empty();
  }
  template <class Send>
  void deliver_waiting(const transport_id& to, time_point now, Send& send) {
    std::erase_if(waiting_, [&](const waiting_signal& w) {
      return w.until <= now || (w.to == to && deliver(to, w.bytes, now, send));
    });
  }

  typename Crypto::hmac_sha256 hmac_;
  rendezvous_replay_guard registrations_, signals_;
  std::unordered_map<transport_id, std::vector<place>> places_;
  std::deque<waiting_signal> waiting_;
  std::uint64_t rejected_ = 0;
};

}  // namespace lockgate::inline v0

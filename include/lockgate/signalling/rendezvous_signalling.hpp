// Signalling through a rendezvous server, over UDP and TCP side by side.
#pragma once

#include "lockgate/coro/sleep.hpp"                     // for sleep_for
#include "lockgate/coro/task_group.hpp"                // for task_group
#include "lockgate/coro/timed_wait.hpp"                // for wait_until
#include "lockgate/net/exchange.hpp"                   // for exchange
#include "lockgate/net/signalling.hpp"                 // for signalling
#include "lockgate/net/stream.hpp"                     // for stream_network
#include "lockgate/signalling/rendezvous_message.hpp"  // for rendezvous_message, encode, decode
#include "lockgate/stun/server_wire.hpp"               // for datagram_wire, stream_wire

#include <algorithm>      // for min
#include <array>          // for array
#include <chrono>         // for seconds, milliseconds
#include <cstddef>        // for size_t
#include <cstdint>        // for uint32_t, uint64_t
#include <memory>         // for shared_ptr, make_shared
#include <string_view>    // for string_view
#include <unordered_map>  // for unordered_map
#include <utility>        // for move
#include <vector>         // for vector

namespace lockgate::inline v0 {

/// Carries signals through a rendezvous server that knows the same key.
///
/// Everything goes over UDP and over TCP, so that it works where UDP is blocked without finding
/// that out first; what arrives twice is dropped once.
///
/// Guarantees: only what was signed with the key is handed on, and nothing twice.
/// Lifetime: the network outlives it. Await `close()` first; otherwise its tasks are destroyed
///           where they are suspended.
template <stream_network Network, stun::crypto Crypto>
class rendezvous_signalling final : public signalling {
 public:
  rendezvous_signalling(Network& network, const socket_address& server, std::string_view key)
      : network_(network), server_(server), hmac_(std::as_bytes(std::span(key))),
        sender_(network.home().random().next()), tasks_(network.home()) {
    static_cast<void>(tasks_.spawn(use_udp()));
    static_cast<void>(tasks_.spawn(use_tcp()));
    static_cast<void>(tasks_.spawn(keep_registered()));
  }
  rendezvous_signalling(const rendezvous_signalling&) = delete;

  task<status> send(signal_message message) override {
    rendezvous_message out;
    out.signal = std::move(message);
    co_return put(out);
  }
  void attach(signal_sink& sink) override { sinks_.push_back(&sink); }
  void detach(signal_sink& sink) noexcept override { std::erase(sinks_, &sink); }
  void id_in_use(signal_sink&, const transport_id& id, bool in_use) override {
    if (in_use) ids_.insert_or_assign(id, registration());
    else ids_.erase(id);
    changed_.complete_all();
  }
  /// Stops receiving and waits for what runs.
  task<> close() {
    closed_ = true;
    tasks_.request_stop();
    for (const auto& wire : wires_)
      if (wire) wire->close();
    static_cast<void>(co_await tasks_.join());
  }

  /// Received messages that nobody with the key has signed.
  [[nodiscard]] std::uint64_t rejected() const noexcept { return rejected_; }

 private:
  static constexpr auto first_repeat = std::chrono::milliseconds(250);
  static constexpr auto keep_alive = std::chrono::seconds(15);  // RFC 8445 section 11
  static constexpr auto reconnect_pause = std::chrono::seconds(2);
  static constexpr std::size_t udp = 0, tcp = 1;

  status put(rendezvous_message& message) {
    if (closed_) return errc::closed;
    message.sender = sender_;
    message.count = ++count_;
    const auto bytes = encode(message, hmac_);
    if (!bytes) return bytes.error();
    for (const auto& wire : wires_)
      if (wire) wire->send_control(*bytes);
    return {};
  }

  task<> use_udp() {
    socket_address any;
    if (server_.ip.is_v4()) any.ip = ip_address::v4(0);
    auto socket = network_.open_datagram(any);
    if (!socket) co_return;  // TCP remains
    using wire = datagram_wire<typename Network::datagram_socket_type>;
    wires_[udp] = std::make_shared<wire>(std::move(*socket), server_);
    register_all();
    co_await receive(wires_[udp]);
  }
  task<> use_tcp() {
    for (;;) {
      stream_target target;
      target.to = server_;
      auto stream = co_await network_.connect(target);
      if (stream) {
        using wire = stream_wire<typename Network::stream_type>;
        const auto made = std::make_shared<wire>(std::move(*stream), network_.buffers());
        wires_[tcp] = made;
        static_cast<void>(tasks_.spawn(work(made)));
        register_all();
        co_await receive(made);
        made->close();
        wires_[tcp] = nullptr;
      }
      const status slept = co_await sleep_for(reconnect_pause);
      if (!slept.ok()) co_return;
    }
  }
  static task<> work(std::shared_ptr<server_wire> wire) { co_await wire->work(); }

  task<> receive(std::shared_ptr<server_wire> from) {
    std::array<received_datagram, 16> arrived;
    for (;;) {
      const result<std::size_t> count = co_await from->receive(arrived);
      if (!count) co_return;
      for (std::size_t i = 0; i < *count; ++i) {
        take(arrived[i].payload.bytes());
        arrived[i].payload.reset();
      }
    }
  }
  void take(std::span<const std::byte> bytes) {
    auto message = decode(bytes, hmac_);
    if (!message) {
      ++rejected_;
      return;
    }
    if (message->kind == stun::message_class::success) {
      const auto at = ids_.find(message->signal.from);
      if (at != ids_.end() && message->sender == sender_) at->second.heard();
      return;
    }
    if (message->kind != stun::message_class::indication || !guard_.is_new(*message)) return;
    for (signal_sink* sink : sinks_) {
      if (!sink->has_id(message->signal.to)) continue;
      sink->signal_arrived(std::move(message->signal));
      return;
    }
  }

  [[nodiscard]] static exchange registration() noexcept {
    return exchange(first_repeat, keep_alive);
  }
  void register_all() {
    for (auto& [id, state] : ids_) state = registration();
    changed_.complete_all();
  }
  /// Registers each id until the server answers, and then often enough for NATs on the way.
  task<> keep_registered() {
    for (;;) {
      time_point next = never;
      for (auto& [id, state] : ids_) {
        const time_point now = network_.home().now();
        if (state.is_due(now)) {
          rendezvous_message out;
          out.kind = stun::message_class::request;
          out.signal.from = id;
          static_cast<void>(put(out));  // an id always fits
          state.said(now);
        }
        next = std::min(next, state.due());
      }
      const status waited = co_await wait_until(changed_, next);
      if (waited == errc::canceled) co_return;
    }
  }

  Network& network_;
  socket_address server_;
  typename Crypto::hmac_sha256 hmac_;
  std::uint64_t sender_;
  std::uint32_t count_ = 0;
  std::vector<signal_sink*> sinks_;
  std::unordered_map<transport_id, exchange> ids_;  // their registrations
  std::array<std::shared_ptr<server_wire>, 2> wires_;
  rendezvous_replay_guard guard_;
  wait_list changed_;
  std::uint64_t rejected_ = 0;
  bool closed_ = false;
  task_group tasks_;  // last: its tasks use everything above
};

}  // namespace lockgate::inline v0

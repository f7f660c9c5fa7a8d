// The application's side: an endpoint with a transport id, sending and receiving messages.
#pragma once

#include "lockgate/base/accepted.hpp"                   // for accepted
#include "lockgate/base/result.hpp"                     // for result
#include "lockgate/base/transport_id.hpp"               // for transport_id
#include "lockgate/buffer/chain.hpp"                    // for chain
#include "lockgate/buffer/shared_lease.hpp"             // for way_home
#include "lockgate/coro/task.hpp"                       // for task
#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/provider/message.hpp"                // for incoming

#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t
#include <span>     // for span
#include <utility>  // for exchange, move

namespace lockgate::inline v0 {

/// One message of a batch: where to, and its bytes, borrowed.
struct message_to {
  transport_id to;
  chain payload;
};

/// An application's end of its paths. Everything happens on the platform's thread.
///
/// Guarantees: messages from one endpoint to one peer are sent in order; boundaries are kept. These
///             are datagrams: nothing is encrypted or acknowledged.
/// Lifetime: closing or destroying it completes what waits on it with `errc::closed`.
class endpoint {
 public:
  endpoint() noexcept = default;
  explicit endpoint(detail::endpoint_state* state) noexcept : state_(state) { attach(); }
  endpoint(endpoint&& other) noexcept : state_(std::exchange(other.state_, nullptr)) { attach(); }
  endpoint& operator=(endpoint&& other) noexcept {
    if (this == &other) return *this;
    close();
    state_ = std::exchange(other.state_, nullptr);
    attach();
    return *this;
  }
  ~endpoint() { close(); }

  class ready_operation;
  class send_operation;
  class receive_operation;
  class receive_many_operation;

  /// Waits until the endpoint has its transport id: an instance has accepted it (U27). Is demand.
  ///
  /// Completes: with a `result<transport_id>`.
  /// Errors: unreachable when every id proposed was refused (G35), duplicate_transport_id when the
  ///         one asked for was, closed, canceled.
  [[nodiscard]] ready_operation ready() noexcept;

  /// Sends one message. Demand: an instance is activated, and the peer reached, if need be (G30).
  ///
  /// Completes: when the provider has put it on the wire or taken it over; at once in a steady
  ///            state.
  /// Errors: message_empty, message_too_large, unreachable, ambiguous, activation_failed,
  ///         activation_delayed, terminated, closed, canceled, or what the provider says. An error
  ///         concerns this message only.
  /// Cancellation: until the message is handed to the provider; after that the row is awaited.
  /// Lifetime: `payload` is borrowed until completion.
  /// Cost: no allocation and no copy; no suspension when the provider answers now.
  [[nodiscard]] send_operation send_to(const transport_id& to, const chain& payload) noexcept;
  /// Sends several messages with as few row calls as possible. Stops at the first that fails.
  ///
  /// Guarantees: in order; while the batch waits, messages sent by others may come between its own.
  /// Completes: with a `accepted`: how many were accepted, and why the next one was not.
  /// Lifetime: the list and the payloads are borrowed until completion.
  [[nodiscard]] task<accepted> send_to(std::span<const message_to> messages);
  /// Hands a message over without waiting: this turn's messages go to the provider together.
  ///
  /// Guarantees: consumed only on success; a failure that comes later is a counted drop.
  /// Errors: message_empty, message_too_large, queue_full, no_memory, closed.
  status forward(const transport_id& to, lease&& payload) noexcept;
  /// The same for a received message, with its memory. Requires: it has one part.
  status forward(const transport_id& to, incoming&& message) noexcept;
  /// The same for received messages, each to its own `remote`. Stops at the first that is refused.
  ///
  /// Guarantees: in order; that one and those behind it are not consumed. Gives how many were taken
  ///             over, and why the next one was not.
  /// Requires: they have one part each.
  /// Cost: looks the path up once for messages in a row to one peer.
  accepted forward(std::span<incoming> messages) noexcept;
  /// The same as for one, but only if the path is open. Errors: would_block where `send_to` would
  /// wait.
  status try_send(const transport_id& to, lease&& payload) noexcept;

  /// Waits for a message. An outstanding receive is demand (U26).
  ///
  /// Completes: with a `result<incoming>`; its bytes are the memory the network wrote into.
  /// Errors: closed, canceled.
  [[nodiscard]] receive_operation receive() noexcept;
  /// Waits for at least one message and takes as many as are there.
  ///
  /// Completes: with a `result<std::size_t>`, the number of messages in `into`.
  /// Cost: one resumption for all messages that arrive in one turn.
  [[nodiscard]] receive_many_operation receive(std::span<incoming> into) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  /// The transport id, or nil before `ready`.
  [[nodiscard]] transport_id id() const noexcept { return state_ ? state_->id() : transport_id(); }
  /// The number that stands for this endpoint in events and in `outgoing`: never reused (U11).
  [[nodiscard]] std::uint64_t luid() const noexcept { return state_ ? state_->luid() : 0; }
  [[nodiscard]] endpoint_statistics statistics() const noexcept {
    return state_ ? state_->statistics() : endpoint_statistics();
  }
  /// The way home for messages that are to be read on another thread (`shared_lease`).
  [[nodiscard]] way_home home() const noexcept;
  /// Gives the transport id back; what waits on the endpoint completes with `errc::closed`.
  void close() noexcept {
    if (detail::endpoint_state* s = std::exchange(state_, nullptr)) s->close();
  }

 private:
  friend class platform;
  void attach() noexcept {
    if (state_) state_->handle = this;
  }
  detail::endpoint_state* state_ = nullptr;
};

}  // namespace lockgate::inline v0

// What is told to observers about one instance, and counted.
#pragma once

#include "lockgate/buffer/chain.hpp"               // for chain, bytes_view
#include "lockgate/buffer/train.hpp"               // for train_length, for_each_in_train
#include "lockgate/platform/detail/core.hpp"       // for core
#include "lockgate/platform/observed_message.hpp"  // for observed_message
#include "lockgate/platform/statistics.hpp"        // for instance_statistics
#include "lockgate/provider/message.hpp"           // for outgoing, incoming

#include <cstddef>  // for size_t
#include <cstdint>  // for uint32_t, uint64_t
#include <span>     // for span

namespace lockgate::inline v0::detail {

/// The counters of one instance, and its voice towards the observer.
class instance_trace {
 public:
  explicit instance_trace(core& platform) noexcept
      : platform_(platform), id_(platform.next_instance++) {}

  /// The number that stands for the instance in events.
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] const instance_statistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] bool is_observed() const noexcept { return platform_.hook.on != nullptr; }
  [[nodiscard]] bool shows_messages() const noexcept {
    return platform_.hook.on_message != nullptr;
  }

  template <class Fill>
  void tell(event_kind kind, Fill fill) noexcept {
    platform_.tell(kind, id_, fill);
  }
  void tell(event_kind kind) noexcept {
    tell(kind, [](event&) {});
  }
  void tell_row(event_kind kind, row which, status result = {}, const transport_id& peer = {},
                std::size_t amount = 0) noexcept {
    tell(kind, [&](event& e) {
      e.which = which;
      e.result = result;
      e.id = peer;
      e.amount = static_cast<std::uint32_t>(amount);
    });
  }
  void tell_state(session_state from, session_state to, termination_reason reason) noexcept {
    tell(event_kind::state_changed, [&](event& e) {
      e.from = from;
      e.to = to;
      e.reason = reason;
    });
  }
  void tell_registration(status outcome) noexcept {
    tell(event_kind::registration_ended, [&](event& e) { e.result = outcome; });
  }

  void count_pended_call() noexcept {
    ++statistics_.pended_calls;
    tell(event_kind::call_pended);
  }
  void count_late_row(row which) noexcept {
    ++statistics_.late_rows;
    tell_row(event_kind::provider_stuck, which);
  }
  /// Counts what was not delivered or not sent.
  void drop(drop_cause cause, std::size_t count = 1) noexcept {
    statistics_.drops.add(cause, count);
    for (; count > 0; --count)
      tell(event_kind::message_dropped, [&](event& e) { e.cause = cause; });
  }
  status refused(drop_cause cause, status why) noexcept {
    drop(cause);
    return why;
  }

  void count_send_row() noexcept { ++statistics_.send_rows; }
  void count_sent(std::span<const outgoing> messages) noexcept {
    for (const outgoing& message : messages) {
      statistics_.messages_sent += train_length(message.payload.size(), message.segment_size);
      statistics_.bytes_sent += message.payload.size();
    }
  }
  /// `has_bytes`: the sender is still there, and with it the memory of the payload.
  void tell_sent(const outgoing& message, bool has_bytes) noexcept {
    if (message.segment_size == 0) return tell_one_sent(message, has_bytes);
    for_each_in_train(message.payload.part(0), message.segment_size, [&](bytes_view each) {
      tell_one_sent({message.local, message.remote, message.endpoint, chain(each)}, has_bytes);
    });
  }

  void count_received(std::uint64_t messages, std::uint64_t bytes) noexcept {
    statistics_.messages_received += messages;
    statistics_.bytes_received += bytes;
  }
  /// `endpoint`: its number.
  void show_received(const incoming& message, std::uint64_t endpoint) noexcept {
    if (!message.is_train()) return platform_.show(observed_message(message, endpoint), id_);
    for (std::size_t at = 0; at < message.size(); at += message.segment_size) {
      const std::size_t size = first_in_train(message.size() - at, message.segment_size);
      const incoming each(message.local, message.remote, message.part(0).share(at, size));
      platform_.show(observed_message(each, endpoint), id_);
    }
  }
  /// Tells of a message, or of each in a train, whose bytes may be gone.
  void tell_received(const transport_id& peer, std::uint64_t endpoint, std::size_t bytes,
                     std::size_t segment_size) noexcept {
    while (bytes > 0) {
      const std::size_t size = first_in_train(bytes, segment_size);
      bytes -= size;
      tell_message(event_kind::message_received, peer, endpoint, size);
    }
  }

 private:
  void tell_one_sent(const outgoing& message, bool has_bytes) noexcept {
    if (shows_messages()) platform_.show(observed_message(message, has_bytes), id_);
    tell_message(event_kind::message_sent, message.remote, message.endpoint,
                 message.payload.size());
  }
  void tell_message(event_kind kind, const transport_id& peer, std::uint64_t endpoint,
                    std::size_t size) noexcept {
    tell(kind, [&](event& e) {
      e.id = peer;
      e.amount = static_cast<std::uint32_t>(size);
      e.endpoint = endpoint;
    });
  }

  core& platform_;
  std::uint32_t id_;
  instance_statistics statistics_;
};

}  // namespace lockgate::inline v0::detail

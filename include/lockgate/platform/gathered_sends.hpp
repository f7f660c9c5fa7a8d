// Messages handed over for good, gathered until the turn ends and sent with one row call.
#pragma once

#include "lockgate/buffer/lease.hpp"       // for lease
#include "lockgate/coro/scheduler.hpp"     // for turn_end_item
#include "lockgate/platform/row_call.hpp"  // for row_call
#include "lockgate/provider/message.hpp"   // for outgoing

#include <cstddef>  // for size_t
#include <memory>   // for unique_ptr
#include <new>      // for nothrow

namespace lockgate::inline v0::detail {

class path;
class session;

/// The outbox of one instance: received messages that the application forwards.
///
/// Guarantees: messages of one path keep their order, also with those sent otherwise.
/// Cost: one call of send_buffers per turn, however many paths and messages; no allocation once
/// warm.
class gathered_sends final : turn_end_item, ready_item {
 public:
  explicit gathered_sends(session& owner) noexcept
      : turn_end_item(
            [](turn_end_item& self) noexcept { static_cast<gathered_sends&>(self).flush(); }),
        ready_item([](ready_item& self) noexcept {
          static_cast<gathered_sends&>(self).later_answer_came();
        }),
        owner_(owner) {}

  /// Takes a message over, consuming `memory`. Errors: queue_full, no_memory.
  [[nodiscard]] status add(path& to, lease& memory) noexcept;
  /// Hands everything over now.
  void flush() noexcept;
  [[nodiscard]] bool is_busy() const noexcept { return call_.is_busy() || gathering_.count > 0; }

  /// Messages in one row call; a full batch does not wait for the end of the turn.
  static constexpr std::size_t batch_size = 256;

 private:
  /// What was taken over with a message.
  struct taken {
    path* to = nullptr;
    lease memory;
  };
  struct batch {
    std::unique_ptr<outgoing[]> messages;  // with room for batch_size, once needed
    std::unique_ptr<taken[]> owners;
    std::size_t count = 0;

    [[nodiscard]] bool reserve() noexcept {
      if (!messages) messages.reset(new (std::nothrow) outgoing[batch_size]);
      if (!owners) owners.reset(new (std::nothrow) taken[batch_size]);
      return messages && owners;
    }
    void clear() noexcept {
      for (std::size_t i = 0; i < count; ++i) owners[i].memory.reset();
      count = 0;
    }
  };
  void send_rest() noexcept;
  void row_ended(const sent& answer) noexcept;
  void settle(const sent& answer) noexcept;
  void later_answer_came() noexcept;

  session& owner_;
  batch gathering_;
  batch in_flight_;
  std::size_t done_ = 0;  // of in_flight_
  row_call<sent> call_;
};

}  // namespace lockgate::inline v0::detail

// One call of send_buffers, from the offer to what became of the messages.
#pragma once

#include "lockgate/base/accepted.hpp"             // for accepted
#include "lockgate/platform/detail/row_call.hpp"  // for row_call
#include "lockgate/provider/message.hpp"          // for outgoing

#include <span>  // for span

namespace lockgate::inline v0::detail {

class session;

/// The one way in which messages are offered to a provider: by a sender alone, by a batch, from a
/// path's queue and from an instance's outbox. One call at a time: `start`, then `settle`.
///
/// Lifetime: the messages stay where they are until `settle`. An object whose row may answer later
///           outlives the row.
class send_row {
 public:
  /// Offers messages. True if the answer comes later: `when_done` is scheduled then.
  bool start(session& through, std::span<const outgoing> messages, ready_item& when_done) noexcept;

  /// Notes the answer: what was accepted is counted; the first message that was not costs its path
  /// the route if the peer is unreachable (U23). Gives how many were accepted, and why the next one
  /// was not: a row that gives no reason has failed.
  ///
  /// `path_of(i)` is the path of message i. `has_bytes(i)`: its sender, and with it the memory of
  /// the payload, is still there; who observes messages is shown the bytes only then.
  template <class PathOf, class HasBytes>
  accepted settle(PathOf path_of, HasBytes has_bytes) noexcept;
  template <class PathOf>
  accepted settle(PathOf path_of) noexcept;

  class run_operation;
  /// Offers messages and waits for the answer, which `settle` then gives.
  [[nodiscard]] run_operation run(session& through, std::span<const outgoing> messages) noexcept;

  /// Whoever waited is gone: the messages now lie at `messages`, and `when_done` is scheduled.
  void hand_over(std::span<const outgoing> messages, ready_item& when_done) noexcept {
    messages_ = messages;
    call_.redirect(when_done);
  }
  [[nodiscard]] session& through() const noexcept { return *through_; }
  [[nodiscard]] bool is_busy() const noexcept { return call_.is_busy(); }
  /// The row has answered, and nobody has settled it yet.
  [[nodiscard]] bool is_answered() const noexcept { return call_.is_answered(); }

 private:
  template <class PathOf, class HasBytes>
  accepted note(PathOf path_of, HasBytes has_bytes) noexcept;

  session* through_ = nullptr;
  std::span<const outgoing> messages_;
  accepted answer_;
  bool is_later_ = false;
  row_call<accepted> call_;
};

}  // namespace lockgate::inline v0::detail

// One call of send_buffers, from the offer to what became of the messages.
#pragma once

#include "lockgate/base/accepted.hpp"             // for accepted
#include "lockgate/coro/operation.hpp"            // for resumption, task_context
#include "lockgate/platform/detail/row_call.hpp"  // for row_call
#include "lockgate/provider/message.hpp"          // for outgoing

#include <coroutine>  // for coroutine_handle
#include <optional>   // for optional
#include <span>       // for span

namespace lockgate::inline v0::detail {

class session;

/// A coroutine's wait for the answer of a row: the row is given it as what to schedule, and the
/// coroutine then awaits `answer()`. The wait itself cannot be stopped; the row can.
class answer_wait : public resumption {
 public:
  class operation {
   public:
    explicit operation(answer_wait& wait) noexcept : wait_(wait) {}
    class awaiter {
     public:
      awaiter(answer_wait& wait, const task_context& context) noexcept
          : wait_(wait), home_(*context.home) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) noexcept {
        wait_.suspend(waiting, home_);
      }
      void await_resume() const noexcept {}

     private:
      answer_wait& wait_;
      scheduler& home_;
    };
    awaiter bind(const task_context& context) noexcept { return awaiter(wait_, context); }

   private:
    answer_wait& wait_;
  };
  [[nodiscard]] operation answer() noexcept { return operation(*this); }
};

/// The one way in which messages are offered to a provider: by a sender alone, by a batch, from a
/// path's queue and from an instance's outbox. One call at a time: `start`, and `settle` if the
/// answer comes later.
///
/// Both give how many messages were accepted, and why the next one was not: a row that gives no
/// reason has failed. What was accepted is counted; the first message that was not costs its path
/// the route if the peer is unreachable (U23). `path_of(i)` is the path of message i.
///
/// Lifetime: the messages stay where they are until the row has answered, and so does this.
class send_row {
 public:
  /// Offers messages. Nothing if the answer comes later: `when_done` is scheduled then.
  template <class PathOf>
  std::optional<accepted> start(session& through, std::span<const outgoing> messages,
                                ready_item& when_done, PathOf path_of) noexcept;
  /// Takes in an answer that came later. `has_bytes(i)`: the sender of message i, and with it the
  /// memory of the payload, is still there; who observes messages is shown the bytes only then.
  template <class PathOf, class HasBytes>
  accepted settle(PathOf path_of, HasBytes has_bytes) noexcept;

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
  static accepted note(session& through, std::span<const outgoing> messages, const accepted& answer,
                       PathOf path_of, HasBytes has_bytes) noexcept;

  session* through_ = nullptr;  // of a row that answers later, with its messages
  std::span<const outgoing> messages_;
  row_call<accepted> call_;
};

}  // namespace lockgate::inline v0::detail

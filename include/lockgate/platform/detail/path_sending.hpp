// How messages are offered to a provider, and how a path does it: alone, from its queue, or through
// the outbox.
#pragma once

#include "lockgate/platform/detail/outbox.hpp"   // for outbox
#include "lockgate/platform/detail/path.hpp"     // for path
#include "lockgate/platform/detail/session.hpp"  // for session

#include <algorithm>  // for min
#include <array>      // for array
#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t
#include <span>       // for span
#include <utility>    // for exchange, move

namespace lockgate::inline v0::detail {

inline bool send_row::start(session& through, std::span<const outgoing> messages,
                            ready_item& when_done) noexcept {
  through_ = &through;
  messages_ = messages;
  if (through.trace().is_observed()) [[unlikely]]
    through.trace().tell_row(event_kind::row_began, row::send_buffers, {}, messages.front().remote,
                             message_count(messages));
  through.count_send_row();
  answer<accepted> given = through.provider().send_buffers(messages);
  if (!given.is_later() && !given.failure()) [[likely]] {
    answer_ = given.now();
    return false;
  }
  is_later_ =
      call_.start(through, row::send_buffers, std::move(given), when_done, through.never_abandon());
  if (!is_later_) answer_ = call_.outcome();
  return is_later_;
}

template <class PathOf, class HasBytes>
accepted send_row::settle(PathOf path_of, HasBytes has_bytes) noexcept {
  if (!std::exchange(is_later_, false)) [[likely]]
    return note(path_of, has_bytes);
  const session::pin alive(*through_);  // it may have waited for this row only
  answer_ = call_.outcome();
  return note(path_of, has_bytes);
}

template <class PathOf>
accepted send_row::settle(PathOf path_of) noexcept {
  return settle(path_of, [](std::size_t) { return true; });
}

template <class PathOf, class HasBytes>
accepted send_row::note(PathOf path_of, HasBytes has_bytes) noexcept {
  const std::size_t count = std::min(answer_.count, messages_.size());
  const std::span<const outgoing> taken = messages_.first(count);
  instance_trace& trace = through_->trace();
  trace.count_sent(taken);
  if (trace.is_observed()) [[unlikely]] {
    trace.tell_row(event_kind::row_ended, row::send_buffers, answer_.why, messages_.front().remote,
                   message_count(taken));
    for (std::size_t i = 0; i < count; ++i) trace.tell_sent(taken[i], has_bytes(i));
  }
  if (count == messages_.size()) [[likely]]
    return count;
  const status why = answer_.why.ok() ? status(errc::provider_failed) : answer_.why;
  if (why == errc::unreachable) path_of(count).route_lost();
  return {count, why};
}

/// The wait itself cannot be stopped; the row can.
class send_row::run_operation {
 public:
  run_operation(send_row& row, session& through, std::span<const outgoing> messages) noexcept
      : row_(row), through_(through), messages_(messages) {}
  class awaiter {
   public:
    explicit awaiter(run_operation& of) noexcept : of_(of) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) noexcept {
      resumption_.suspend(waiting, of_.through_.home());
      return of_.row_.start(of_.through_, of_.messages_, resumption_);
    }
    void await_resume() const noexcept {}

   private:
    run_operation& of_;
    resumption resumption_;
  };
  awaiter bind(const task_context&) noexcept { return awaiter(*this); }

 private:
  send_row& row_;
  session& through_;
  std::span<const outgoing> messages_;
};

inline send_row::run_operation send_row::run(session& through,
                                             std::span<const outgoing> messages) noexcept {
  return run_operation(*this, through, messages);
}

inline status path::settle_later() noexcept {
  const session::pin alive(row_.through());
  const accepted settled = row_.settle([this](std::size_t) -> path& { return *this; },
                                       [this](std::size_t) { return !abandoned_; });
  abandoned_.reset();
  row_outstanding(false);
  return settled.why;
}

inline void path::sender_gone(const outgoing& message) noexcept {
  abandoned_ = message;
  row_.hand_over({&*abandoned_, 1}, *this);
  if (row_.is_answered() && !is_scheduled()) home().schedule(*this);
}

/// Sends up to `batch_size` queued messages with one row call. A sender whose message has been
/// handed over is no longer stopped: the provider may be reading its bytes.
inline task<status> path::send_queued() {
  const session::pin through(*route_);
  std::array<outgoing, batch_size> batch;
  std::array<send_request*, batch_size> senders{};
  std::size_t count = 0;
  while (count < batch_size && !queue_.empty()) {
    auto& request = static_cast<send_request&>(queue_.pop_front());
    request.ignore_stop();
    request.message.local = endpoint_.id();
    request.handed_over = &senders[count];
    batch[count] = request.message;
    senders[count++] = &request;
  }
  std::size_t done = 0;
  while (done < count && route_ == &*through) {
    ++outstanding_;
    co_await row_.run(*through, {&batch[done], count - done});
    --outstanding_;
    const accepted answer =
        row_.settle([this](std::size_t) -> path& { return *this; },
                    [&](std::size_t i) { return senders[done + i] != nullptr; });
    for (std::size_t i = 0; i < answer.count; ++i) finish(senders[done++], status());
    if (!answer.why.ok()) finish(senders[done++], answer.why);
  }
  while (count > done) {  // not accepted: another route
    send_request* const request = senders[--count];
    if (!request) continue;
    request->handed_over = nullptr;
    queue_.push_front(*request);
  }
  co_return status();
}

/// Tells a sender, unless its frame has gone meanwhile.
inline void path::finish(send_request* request, status outcome) noexcept {
  if (!request) return;
  request->handed_over = nullptr;
  if (!request->is_owned) {
    request->complete(outcome);
    return;
  }
  if (!outcome.ok()) endpoint_.drop(drop_cause::send_failed);
  --owned_;
  delete static_cast<owned_request*>(request);
}

inline void path::refuse_all(status why) noexcept {
  while (!queue_.empty()) finish(&static_cast<send_request&>(queue_.pop_front()), why);
}

/// Whether a message may go into the outbox; making room may have cost the path its route.
inline result<bool> path::may_use_outbox() noexcept {
  if (!lane_open_) return false;
  if (const status full = route_->out().make_room(); !full.ok()) return full;
  return lane_open_;
}

inline status path::forward(lease& memory) noexcept {
  const result<bool> usable = may_use_outbox();
  if (!usable) return usable.error();
  if (*usable) {
    route_->out().add(*this, std::move(memory));
    return {};
  }
  if (owned_ >= endpoint_.platform().options.send_queue_messages) return errc::queue_full;
  auto* const request = new owned_request(message_for(chain(memory.bytes())), std::move(memory));
  if (!request) return errc::no_memory;
  ++owned_;
  enqueue(*request);
  return {};
}

inline status path::forward(incoming& message) noexcept {
  lease memory = std::move(message).take_lease();
  const status refused = forward(memory);
  // NOLINTNEXTLINE(bugprone-use-after-move): a refusal takes nothing, and the ids stay
  if (!refused.ok()) message.assign(message.local, message.remote, std::move(memory));
  return refused;
}

inline accepted path::forward(std::span<incoming> messages) noexcept {
  std::size_t done = 0;
  while (done < messages.size()) {
    const result<bool> usable = may_use_outbox();
    if (!usable) return {done, usable.error()};
    if (*usable) {
      done += route_->out().add(*this, messages.subspan(done));
      continue;
    }
    if (const status refused = forward(messages[done]); !refused.ok()) return {done, refused};
    ++done;
  }
  return done;
}

}  // namespace lockgate::inline v0::detail

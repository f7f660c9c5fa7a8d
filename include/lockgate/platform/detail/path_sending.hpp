// How messages are offered to a provider, and how a path does it: alone, from its queue, or through
// the outbox.
#pragma once

#include "lockgate/base/config.hpp"              // for LOCKGATE_INLINE
#include "lockgate/platform/detail/outbox.hpp"   // for outbox
#include "lockgate/platform/detail/path.hpp"     // for path
#include "lockgate/platform/detail/session.hpp"  // for session

#include <algorithm>  // for min
#include <array>      // for array
#include <cstddef>    // for size_t
#include <optional>   // for optional, nullopt
#include <span>       // for span
#include <utility>    // for move

namespace lockgate::inline v0::detail {

template <class PathOf>
std::optional<accepted> send_row::start(session& through, std::span<const outgoing> messages,
                                        ready_item& when_done, PathOf path_of) noexcept {
  if (through.trace().is_observed()) [[unlikely]]
    through.trace().tell_row(event_kind::row_began, row::send_buffers, {}, messages.front().remote,
                             message_count(messages));
  through.count_send_row();
  const auto is_there = [](std::size_t) { return true; };
  answer<accepted> given = through.provider().send_buffers(messages);
  if (!given.is_later() && !given.failure()) [[likely]]
    return note(through, messages, given.now(), path_of, is_there);
  through_ = &through;
  messages_ = messages;
  if (call_.start(through, row::send_buffers, std::move(given), when_done, through.never_abandon()))
    return std::nullopt;
  return note(through, messages, call_.outcome(), path_of, is_there);
}

template <class PathOf, class HasBytes>
accepted send_row::settle(PathOf path_of, HasBytes has_bytes) noexcept {
  const session::pin alive(*through_);  // it may have waited for this row only
  return note(*through_, messages_, call_.outcome(), path_of, has_bytes);
}

template <class PathOf, class HasBytes>
accepted send_row::note(session& through, std::span<const outgoing> messages,
                        const accepted& answer, PathOf path_of, HasBytes has_bytes) noexcept {
  const std::size_t count = std::min(answer.count, messages.size());
  const std::span<const outgoing> taken = messages.first(count);
  instance_trace& trace = through.trace();
  trace.count_sent(taken);
  if (trace.is_observed()) [[unlikely]] {
    trace.tell_row(event_kind::row_ended, row::send_buffers, answer.why, messages.front().remote,
                   message_count(taken));
    for (std::size_t i = 0; i < count; ++i) trace.tell_sent(taken[i], has_bytes(i));
  }
  if (count == messages.size()) [[likely]]
    return count;
  const status why = answer.why.ok() ? status(errc::provider_failed) : answer.why;
  if (why == errc::unreachable) path_of(count).route_lost();
  return {count, why};
}

/// Whose each message of a row is, where all are of one path.
struct same_path {
  path& of;
  path& operator()(std::size_t) const noexcept { return of; }
};

LOCKGATE_INLINE std::optional<accepted> path::start_row(const outgoing& message,
                                                        ready_item& when_done) noexcept {
  const std::optional<accepted> settled =
      row_.start(*route_, {&message, 1}, when_done, same_path{*this});
  if (!settled) row_outstanding(true);
  return settled;
}

LOCKGATE_INLINE status path::settle_later() noexcept {
  const session::pin alive(row_.through());
  const accepted settled =
      row_.settle(same_path{*this}, [this](std::size_t) { return !abandoned_; });
  abandoned_.reset();
  row_outstanding(false);
  return settled.why;
}

LOCKGATE_INLINE void path::sender_gone(const outgoing& message) noexcept {
  abandoned_ = message;
  row_.hand_over({&*abandoned_, 1}, *this);
  if (row_.is_answered() && !is_scheduled()) home().schedule(*this);
}

/// Sends up to `batch_size` queued messages with one row call. A sender whose message has been
/// handed over is no longer stopped: the provider may be reading its bytes.
LOCKGATE_INLINE task<status> path::send_queued() {
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
  const same_path path_of{*this};
  answer_wait wait;
  std::size_t done = 0;
  while (done < count && route_ == &*through) {
    std::optional<accepted> answer =
        row_.start(*through, {&batch[done], count - done}, wait, path_of);
    if (!answer) {
      ++outstanding_;
      co_await wait.answer();
      --outstanding_;
      answer = row_.settle(path_of, [&](std::size_t i) { return senders[done + i] != nullptr; });
    }
    for (std::size_t i = 0; i < answer->count; ++i) finish(senders[done++], status());
    if (!answer->why.ok()) finish(senders[done++], answer->why);
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
LOCKGATE_INLINE void path::finish(send_request* request, status outcome) noexcept {
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

LOCKGATE_INLINE void path::refuse_all(status why) noexcept {
  while (!queue_.empty()) finish(&static_cast<send_request&>(queue_.pop_front()), why);
}

/// Whether a message may go into the outbox; making room may have cost the path its route.
LOCKGATE_INLINE result<bool> path::may_use_outbox() noexcept {
  if (!lane_open_) return false;
  if (const status full = route_->out().make_room(); !full.ok()) return full;
  return lane_open_;
}

LOCKGATE_INLINE status path::forward(lease& memory) noexcept {
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

LOCKGATE_INLINE void path::take_back(const outgoing& message, const lease& memory) noexcept {
  const bytes_view bytes = message.payload.part(0);
  for (std::size_t left = train_length(bytes.size(), message.segment_size); left-- > 0;) {
    const std::size_t at = left * message.segment_size;
    const chain each(bytes.subspan(at, first_in_train(bytes.size() - at, message.segment_size)));
    auto* const request =
        closed_ ? nullptr : new owned_request(message_for(each), memory.share(0, 0));
    if (!request) {
      endpoint_.drop(drop_cause::send_failed);
      continue;
    }
    ++owned_;
    queue_.push_front(*request);
  }
  update_lane();
}

LOCKGATE_INLINE status path::forward(incoming& message) noexcept {
  lease memory = std::move(message).take_lease();
  const status refused = forward(memory);
  // NOLINTNEXTLINE(bugprone-use-after-move): a refusal takes nothing, and the ids stay
  if (!refused.ok()) message.assign(message.local, message.remote, std::move(memory));
  return refused;
}

LOCKGATE_INLINE accepted path::forward(std::span<incoming> messages) noexcept {
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

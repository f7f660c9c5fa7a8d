// How a path hands messages to the provider: at once, from its queue, or gathered with those of
// other paths.
#pragma once

#include "lockgate/platform/detail/gathered_sends.hpp"  // for gathered_sends
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/session.hpp"         // for session

#include <algorithm>  // for min
#include <array>      // for array
#include <cstddef>    // for size_t
#include <span>       // for span
#include <utility>    // for exchange, move, swap

namespace lockgate::inline v0::detail {

inline answer<accepted> path::send_now(std::span<const outgoing> messages) noexcept {
  if (route_->is_observed()) [[unlikely]]
    route_->tell_row(event_kind::row_began, row::send_buffers, {}, remote_, messages.size());
  route_->count_send_row();
  through_ = route_;
  return route_->provider().send_buffers(messages);
}

inline bool path::await_later(answer<accepted>&& later, ready_item& when_done) noexcept {
  awaits_row_ = call_.start(*through_, row::send_buffers, std::move(later), when_done,
                            through_->never_abandon());
  if (awaits_row_) row_outstanding(true);
  return awaits_row_;
}

inline const accepted& path::later_answer() noexcept {
  if (!std::exchange(awaits_row_, false)) return call_.outcome();
  const session::pin alive(*through_);
  const accepted& answer = call_.outcome();
  row_outstanding(false);
  return answer;
}

inline void path::sender_gone() noexcept {
  awaits_row_ = sender_gone_ = true;
  call_.redirect(*this);
  if (call_.is_answered() && !is_scheduled()) home().schedule(*this);
}

inline accepted path::settle(std::span<path* const> ways, std::span<const outgoing> messages,
                             const accepted& answer) noexcept {
  session& through = *ways.front()->through_;
  const std::size_t taken = std::min(answer.count, messages.size());
  if (through.is_observed()) [[unlikely]]
    through.tell_row(event_kind::row_ended, row::send_buffers, answer.why, ways.front()->remote_,
                     taken);
  through.count_sent(messages.first(taken));
  if (taken == messages.size()) [[likely]]
    return taken;
  const status why = answer.why.ok() ? status(errc::provider_failed) : answer.why;
  if (why == errc::unreachable) ways[taken]->route_lost();
  return {taken, why};
}

/// The paths of a batch whose row answered later. Its sender may be destroyed before the answer.
class batch_under_way {
 public:
  explicit batch_under_way(std::span<path* const> ways) noexcept : ways_(ways) {
    for (path* const p : ways_) p->row_outstanding(true);
  }
  batch_under_way(const batch_under_way&) = delete;
  ~batch_under_way() {
    if (ways_.empty()) return;
    ways_.front()->sender_gone();
    for (path* const p : ways_.subspan(1)) p->row_outstanding(false);
  }
  void end() noexcept {
    for (path* const p : std::exchange(ways_, {})) p->row_outstanding(false);
  }

 private:
  std::span<path* const> ways_;
};

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
    const std::span<const outgoing> rest(batch.data() + done, count - done);
    through->tell_row(event_kind::row_began, row::send_buffers, {}, remote_, rest.size());
    through->count_send_row();
    ++outstanding_;
    accepted answer =
        co_await call_.run(*through, row::send_buffers, through->provider().send_buffers(rest),
                           through->never_abandon());
    --outstanding_;
    through->tell_row(event_kind::row_ended, row::send_buffers, answer.why, remote_, answer.count);
    for (std::size_t i = 0; i < answer.count && done < count; ++i, ++done) {
      through->count_sent({&batch[done], 1}, senders[done] != nullptr);
      finish(senders[done], status());
    }
    if (answer.count >= rest.size()) continue;
    const status why = answer.why.ok() ? status(errc::provider_failed) : answer.why;
    finish(senders[done++], why);
    if (why == errc::unreachable) route_lost();
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

/// Whether a message may be gathered; making room for it may have cost the path its route.
inline result<bool> path::may_gather() noexcept {
  if (!lane_open_) return false;
  if (const status full = route_->gathered().make_room(); !full.ok()) return full;
  return lane_open_;
}

inline status path::forward(lease& memory) noexcept {
  const result<bool> gathers = may_gather();
  if (!gathers) return gathers.error();
  if (*gathers) {
    route_->gathered().add(*this, std::move(memory));
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
    const result<bool> gathers = may_gather();
    if (!gathers) return {done, gathers.error()};
    if (*gathers) {
      done += route_->gathered().add(*this, messages.subspan(done));
      continue;
    }
    if (const status refused = forward(messages[done]); !refused.ok()) return {done, refused};
    ++done;
  }
  return done;
}

// The outbox of an instance.

inline status gathered_sends::make_room() noexcept {
  if (gathering_.count == batch_size) flush();
  if (gathering_.count == 0) {
    if (!gathering_.reserve()) return errc::no_memory;
    owner_.platform().home.at_turn_end(*this);
  } else if (gathering_.count == batch_size) {
    return errc::queue_full;
  }
  return {};
}

inline void gathered_sends::add(path& to, lease&& memory) noexcept {
  if (gathering_.extend(to, memory)) return memory.reset();
  to.write_message(gathering_.messages[gathering_.count], chain(memory.bytes()));
  gathering_.keep(to, std::move(memory));
  gathering_.is_extensible = owner_.provider().takes_trains();
  to.entered_outbox();
}

inline std::size_t gathered_sends::add(path& to, std::span<incoming> messages) noexcept {
  const std::size_t taken = std::min(messages.size(), batch_size - gathering_.count);
  for (incoming& message : messages.first(taken)) add(to, std::move(message).take_lease());
  return taken;
}

inline void gathered_sends::flush() noexcept {
  if (gathering_.count == 0 || in_flight_.count > 0) return;
  std::swap(gathering_, in_flight_);
  done_ = run_ = 0;
  send_rest();
}

/// Closes the paths of what is not answered for, or opens them again.
inline void gathered_sends::row_outstanding(bool begins) noexcept {
  for (std::size_t i = run_; i < in_flight_.run_count; ++i)
    in_flight_.runs[i].to->row_outstanding(begins);
}

inline void gathered_sends::send_rest() noexcept {
  while (done_ < in_flight_.count) {
    const std::span<const outgoing> rest(&in_flight_.messages[done_], in_flight_.count - done_);
    if (owner_.state() != session_state::active) {
      settle(errc::terminated);
      continue;
    }
    if (owner_.is_observed()) [[unlikely]]
      owner_.tell_row(event_kind::row_began, row::send_buffers, {}, rest.front().remote,
                      message_count(rest));
    owner_.count_send_row();
    if (call_.start(owner_, row::send_buffers, owner_.provider().send_buffers(rest), *this,
                    owner_.never_abandon())) {
      row_outstanding(true);
      return;
    }
    row_ended(call_.outcome());
  }
  in_flight_.clear();
  if (gathering_.count == 0) std::swap(gathering_, in_flight_);  // the memory that is in the cache
}

inline void gathered_sends::later_answer_came() noexcept {
  const session::pin alive(owner_);
  const accepted answer = call_.outcome();
  row_outstanding(false);
  row_ended(answer);
  send_rest();
  flush();
}

inline void gathered_sends::row_ended(const accepted& answer) noexcept {
  if (owner_.is_observed()) [[unlikely]]
    owner_.tell_row(event_kind::row_ended, row::send_buffers, answer.why,
                    in_flight_.messages[done_].remote, message_count(accepted_of(answer)));
  settle(answer);
}
/// What the row has accepted of everything from `done_` on.
inline std::span<const outgoing> gathered_sends::accepted_of(
    const accepted& answer) const noexcept {
  return {&in_flight_.messages[done_], std::min(answer.count, in_flight_.count - done_)};
}

/// Notes the answer to everything from `done_` on; a refused message is dropped and counted.
inline void gathered_sends::settle(const accepted& answer) noexcept {
  const std::span<const outgoing> accepted = accepted_of(answer);
  owner_.count_sent(accepted);
  const auto answered = [this](std::size_t end) {
    const run& current = in_flight_.runs[run_];
    const std::size_t to = std::min(current.end, end);
    current.to->left_outbox(static_cast<unsigned>(to - std::exchange(done_, to)));
    if (to == current.end) ++run_;
  };
  for (const std::size_t end = done_ + accepted.size(); done_ < end;) answered(end);
  if (done_ == in_flight_.count) return;
  path& refused = *in_flight_.runs[run_].to;
  owner_.drop(drop_cause::send_failed, message_count({&in_flight_.messages[done_], 1}));
  answered(done_ + 1);
  if (answer.why == errc::unreachable) refused.route_lost();
}

}  // namespace lockgate::inline v0::detail

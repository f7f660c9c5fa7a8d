// How a path finds its instance, and how it sends what has queued meanwhile.
#pragma once

#include "lockgate/platform/gathered_sends.hpp"  // for gathered_sends
#include "lockgate/platform/path.hpp"            // for path
#include "lockgate/platform/session.hpp"         // for session

#include <algorithm>  // for min
#include <array>      // for array
#include <cstddef>    // for size_t
#include <span>       // for span
#include <utility>    // for exchange, move
#include <vector>     // for vector

namespace lockgate::inline v0::detail {

/// A reach row in memory of its own, so that one that never returns holds up nobody.
class reach_call final : public row_call<status> {
 public:
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* p, std::size_t size) noexcept { frame_cache::release(p, size); }

 private:
  void returned_late() noexcept override { delete this; }
};

/// Alive only while something is queued: finds a route if there is none, then sends.
inline task<> path::serve() {
  while (!queue_.empty() && outstanding_ == 0 && gathered_ == 0) {
    status failed;
    if (route_) failed = co_await send_queued();
    else failed = co_await find_route();
    if (failed) refuse_all(failed);
  }
  serving_ = false;
  update_lane();
  reap_if_idle();
}

/// Asks the instances, the highest priority first, all of one priority at the same time (U23).
///
/// Several that say yes are ambiguous; where none does, the reason of the first one asked is given,
/// unless it is just "unreachable".
inline task<status> path::find_route() {
  status best = errc::unreachable;
  core& platform = endpoint_.platform();
  int below = 0;
  for (bool first = true;; first = false) {
    inquiries asked;
    int rank = 0;
    for (session& s : platform.sessions) {
      if (!s.is_live() || (!first && s.priority() >= below)) continue;
      if (!asked.empty() && s.priority() < rank) continue;
      if (asked.empty() || s.priority() > rank) {
        asked.clear();
        rank = s.priority();
      }
      const status added = without_throwing([&] { asked.emplace_back(s); });
      if (added) co_return added;
    }
    if (asked.empty()) break;
    below = rank;
    task_group side_by_side(platform.home);
    for (inquiry& i : asked) i.said = side_by_side.spawn(ask(&i));
    co_await side_by_side.join();
    inquiry* reached = nullptr;
    for (inquiry& i : asked) {
      if (i.said) {
        if (best == errc::unreachable) best = i.said;
      } else if (reached) {
        best = errc::ambiguous;
      } else {
        reached = &i;
      }
    }
    if (best == errc::ambiguous) break;
    if (!reached) continue;
    session* const through = platform.find_session(reached->id);
    if (through && through->is_active()) {
      open(*through);
      co_return status();
    }
    best = errc::terminated;
  }
  endpoint_.platform().tell(event_kind::send_refused, 0, [&](event& e) {
    e.id = remote_;
    e.result = best;
  });
  co_return best;
}

inline task<> path::ask(inquiry* inquired) {
  inquired->who->count_inquiry(true);
  inquired->said = co_await reach_through(&*inquired->who);
  inquired->who->count_inquiry(false);
  inquired->who.release();  // it need not wait for the others
}

/// Whether one instance reaches the peer: it must be active and serve the local id first (G36,
/// G38).
inline task<status> path::reach_through(session* candidate) {
  status answer = co_await candidate->await_active();
  if (!answer) answer = co_await candidate->await_binding(&endpoint_);
  if (answer) co_return answer;
  auto* const call = new reach_call;
  if (!call) co_return errc::no_memory;
  candidate->tell_row(event_kind::row_began, row::reach_transport_id, {}, remote_);
  answer = co_await call->run(*candidate, row::reach_transport_id,
                              candidate->provider().reach_transport_id(remote_),
                              candidate->may_abandon());
  candidate->tell_row(event_kind::row_ended, row::reach_transport_id, answer, remote_);
  if (!call->is_busy()) delete call;
  co_return answer;
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
    const std::span<const outgoing> rest(batch.data() + done, count - done);
    through->tell_row(event_kind::row_began, row::send_buffers, {}, remote_, rest.size());
    through->count_send_row();
    ++outstanding_;
    sent answer =
        co_await call_.run(*through, row::send_buffers, through->provider().send_buffers(rest),
                           through->never_abandon());
    --outstanding_;
    through->tell_row(event_kind::row_ended, row::send_buffers, answer.why, remote_,
                      answer.accepted);
    for (std::size_t i = 0; i < answer.accepted && done < count; ++i, ++done) {
      through->count_sent({&batch[done], 1}, senders[done] != nullptr);
      finish(senders[done], status());
    }
    if (answer.accepted >= rest.size()) continue;
    const status why = answer.why ? answer.why : status(errc::provider_failed);
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
  if (outcome) endpoint_.drop(drop_cause::send_failed);
  --owned_;
  delete static_cast<owned_request*>(request);
}

inline void path::refuse_all(status why) noexcept {
  while (!queue_.empty()) finish(&static_cast<send_request&>(queue_.pop_front()), why);
}

inline void path::start_serving() noexcept {
  if (serving_ || outstanding_ > 0 || gathered_ > 0 || queue_.empty()) return;
  serving_ = true;
  update_lane();
  const status started = endpoint_.platform().tasks.spawn(serve());
  if (!started) return;
  serving_ = false;
  refuse_all(started);
  update_lane();
}

inline void path::open(session& through) noexcept {
  route_ = &through;
  through.add_path(*this);
  home().arm(reach_expiry_,
             saturating_add(home().now(), endpoint_.platform().options.reach_lifetime));
  through.tell_row(event_kind::path_opened, row::none, {}, remote_);
}

inline void path::route_lost() noexcept {
  if (!route_) return;
  if (gathered_ > 0) route_->gathered().flush();
  route_->tell_row(event_kind::path_closed, row::none, {}, remote_);
  list_link<path>::unlink();
  route_ = nullptr;
  reach_expiry_.disarm();
  update_lane();
  start_serving();
  reap_if_idle();
}

inline void path::update_lane() noexcept {
  lane_open_ = route_ && outstanding_ == 0 && !serving_ && queue_.empty() && !closed_;
}

inline answer<sent> path::send_now(std::span<const outgoing> messages) noexcept {
  if (route_->is_observed())
    route_->tell_row(event_kind::row_began, row::send_buffers, {}, remote_, messages.size());
  route_->count_send_row();
  through_ = route_;
  return route_->provider().send_buffers(messages);
}

inline bool path::await_later(answer<sent>&& later, ready_item& when_done) noexcept {
  awaits_row_ = call_.start(*through_, row::send_buffers, std::move(later), when_done,
                            through_->never_abandon());
  if (awaits_row_) row_outstanding(true);
  return awaits_row_;
}

inline const sent& path::later_answer() noexcept {
  if (!std::exchange(awaits_row_, false)) return call_.outcome();
  const session::pin alive(*through_);
  const sent& answer = call_.outcome();
  row_outstanding(false);
  return answer;
}

inline void path::sender_gone() noexcept {
  awaits_row_ = true;
  call_.redirect(*this);
  if (call_.is_answered() && !is_scheduled()) home().schedule(*this);
}

inline sent path::settle(std::span<path* const> ways, std::span<const outgoing> messages,
                         const sent& answer) noexcept {
  session& through = *ways.front()->through_;
  const std::size_t accepted = std::min(answer.accepted, messages.size());
  if (through.is_observed())
    through.tell_row(event_kind::row_ended, row::send_buffers, answer.why, ways.front()->remote_,
                     accepted);
  through.count_sent(messages.first(accepted));
  if (accepted == messages.size()) return accepted;
  const status why = answer.why ? answer.why : status(errc::provider_failed);
  if (why == errc::unreachable) ways[accepted]->route_lost();
  return {accepted, why};
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

inline status path::forward(lease& memory) noexcept {
  if (lane_open_) return route_->gathered().add(*this, memory);
  if (owned_ >= endpoint_.platform().options.send_queue_messages) return errc::queue_full;
  auto* const request = new owned_request(message_for(chain(memory.bytes())), std::move(memory));
  if (!request) return errc::no_memory;
  ++owned_;
  enqueue(*request);
  return {};
}

/// Out of anybody's call: takes in the answer that no sender waits for, and goes when idle.
inline void path::step() noexcept {
  if (call_.is_answered()) static_cast<void>(later_answer());
  if (is_idle()) endpoint_.delete_path(*this);
}

inline void path::row_outstanding(bool begins) noexcept {
  begins ? ++outstanding_ : --outstanding_;
  update_lane();
  start_serving();
  reap_if_idle();
}

inline void path::left_outbox(unsigned count) noexcept {
  gathered_ -= count;
  if (gathered_ > 0) return;
  start_serving();
  reap_if_idle();
}

inline bool path::is_idle() const noexcept {
  return !route_ && queue_.empty() && !serving_ && outstanding_ == 0 && gathered_ == 0 &&
         !call_.is_busy();
}

/// Deletion is a step of its own: callers up the stack may still hold the path.
inline void path::reap_if_idle() noexcept {
  if (is_idle() && !is_scheduled()) home().schedule(*this);
}

inline void path::close() noexcept {
  closed_ = true;
  refuse_all(errc::closed);
  if (route_) route_lost();
  update_lane();
  reap_if_idle();
}

// The outbox of an instance.

inline status gathered_sends::add(path& to, lease& memory) noexcept {
  if (gathering_.count == batch_size) flush();
  if (gathering_.count == 0) {
    if (!gathering_.reserve()) return errc::no_memory;
    owner_.platform().home.at_turn_end(*this);
  } else if (gathering_.count == batch_size) {
    return errc::queue_full;
  }
  to.write_message(gathering_.messages[gathering_.count], chain(memory.bytes()));
  taken& owner = gathering_.owners[gathering_.count++];
  owner.to = &to;
  owner.memory = std::move(memory);
  to.entered_outbox();
  return {};
}

inline void gathered_sends::flush() noexcept {
  if (gathering_.count == 0 || in_flight_.count > 0) return;
  std::swap(gathering_, in_flight_);
  done_ = 0;
  send_rest();
}

inline void gathered_sends::send_rest() noexcept {
  while (done_ < in_flight_.count) {
    const std::span<const outgoing> rest(&in_flight_.messages[done_], in_flight_.count - done_);
    if (owner_.state() != session_state::active) {
      settle(errc::terminated);
      continue;
    }
    owner_.tell_row(event_kind::row_began, row::send_buffers, {}, rest.front().remote, rest.size());
    owner_.count_send_row();
    if (call_.start(owner_, row::send_buffers, owner_.provider().send_buffers(rest), *this,
                    owner_.never_abandon())) {
      for (std::size_t i = done_; i < in_flight_.count; ++i)
        in_flight_.owners[i].to->row_outstanding(true);
      return;
    }
    row_ended(call_.outcome());
  }
  in_flight_.clear();
  if (gathering_.count == 0) std::swap(gathering_, in_flight_);  // the memory that is in the cache
}

inline void gathered_sends::later_answer_came() noexcept {
  const session::pin alive(owner_);
  const sent answer = call_.outcome();
  for (std::size_t i = done_; i < in_flight_.count; ++i)
    in_flight_.owners[i].to->row_outstanding(false);
  row_ended(answer);
  send_rest();
  flush();
}

inline void gathered_sends::row_ended(const sent& answer) noexcept {
  owner_.tell_row(event_kind::row_ended, row::send_buffers, answer.why,
                  in_flight_.messages[done_].remote, answer.accepted);
  settle(answer);
}

/// Notes the answer to everything from `done_` on; a refused message is dropped and counted.
inline void gathered_sends::settle(const sent& answer) noexcept {
  const std::size_t count = in_flight_.count - done_;
  const std::size_t accepted = answer.accepted < count ? answer.accepted : count;
  owner_.count_sent({&in_flight_.messages[done_], accepted});
  for (const std::size_t end = done_ + accepted; done_ < end;) {
    path& to = *in_flight_.owners[done_].to;
    unsigned in_a_row = 0;
    for (; done_ < end && in_flight_.owners[done_].to == &to; ++done_) ++in_a_row;
    to.left_outbox(in_a_row);
  }
  if (accepted == count) return;
  path& refused = *in_flight_.owners[done_++].to;
  owner_.drop(drop_cause::send_failed);
  refused.left_outbox(1);
  if (answer.why == errc::unreachable) refused.route_lost();
}

}  // namespace lockgate::inline v0::detail

// How a path finds its instance, keeps it, and ends.
#pragma once

#include "lockgate/base/config.hpp"                     // for LOCKGATE_INLINE
#include "lockgate/platform/detail/instance_state.hpp"  // for instance_state
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/path_sending.hpp"    // for path::send_queued
#include "lockgate/platform/detail/session.hpp"         // for session

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
LOCKGATE_INLINE task<> path::serve() {
  while (!queue_.empty() && outstanding_ == 0 && in_outbox_ == 0) {
    status failed;
    if (route_) failed = co_await send_queued();
    else failed = co_await find_route();
    if (!failed.ok()) refuse_all(failed);
  }
  serving_ = false;
  update_lane();
  reap_if_idle();
}

/// Asks the instances, the highest priority first, all of one priority at the same time (U23).
///
/// Several that say yes are ambiguous; where none does, the reason of the first one asked is given,
/// unless it is just "unreachable".
LOCKGATE_INLINE task<status> path::find_route() {
  status best = errc::unreachable;
  core& platform = endpoint_.platform();
  int below = 0;
  for (bool first = true;; first = false) {
    inquiries asked;
    int rank = 0;
    for (session& s : platform.sessions) {
      if (!s.is_live() || (!first && s.of().priority() >= below)) continue;
      if (!asked.empty() && s.of().priority() < rank) continue;
      if (asked.empty() || s.of().priority() > rank) {
        asked.clear();
        rank = s.of().priority();
      }
      if (!asked.add(s)) co_return errc::no_memory;
    }
    if (asked.empty()) break;
    below = rank;
    task_group side_by_side(platform.home);
    for (inquiry& i : asked) i.said = side_by_side.spawn(ask(&i));
    co_await side_by_side.join();
    inquiry* reached = nullptr;
    for (inquiry& i : asked) {
      if (!i.said.ok()) {
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

LOCKGATE_INLINE task<> path::ask(inquiry* inquired) {
  inquired->who->count_inquiry(true);
  inquired->said = co_await reach_through(&*inquired->who);
  inquired->who->count_inquiry(false);
  inquired->who.release();  // it need not wait for the others
}

/// Whether one instance reaches the peer: it must be active and serve the local id first (G36,
/// G38).
LOCKGATE_INLINE task<status> path::reach_through(session* candidate) {
  status answer = co_await candidate->await_active();
  if (answer.ok()) answer = co_await candidate->await_binding(&endpoint_);
  if (!answer.ok()) co_return answer;
  auto* const call = new reach_call;
  if (!call) co_return errc::no_memory;
  answer = co_await row_operation<status, transport_id>(
      *call, *candidate, row::reach_transport_id, candidate->may_abandon(), candidate->trace(),
      candidate->provider(), &any_provider::reach_transport_id, remote_);
  if (!call->is_busy()) delete call;
  co_return answer;
}

LOCKGATE_INLINE void path::start_serving() noexcept {
  if (serving_ || outstanding_ > 0 || in_outbox_ > 0 || queue_.empty()) return;
  serving_ = true;
  update_lane();
  const status started = endpoint_.platform().tasks.spawn(serve());
  if (started.ok()) return;
  serving_ = false;
  refuse_all(started);
  update_lane();
}

LOCKGATE_INLINE void path::open(session& through) noexcept {
  route_ = &through;
  through.add_path(*this);
  home().arm(reach_expiry_,
             saturating_add(home().now(), endpoint_.platform().options.reach_lifetime));
  through.trace().tell_row(event_kind::path_opened, row::none, {}, remote_);
}

LOCKGATE_INLINE void path::route_lost() noexcept {
  if (!route_) return;
  if (in_outbox_ > 0) route_->out().flush();
  if (!route_) return;  // those messages have cost it the route
  route_->trace().tell_row(event_kind::path_closed, row::none, {}, remote_);
  list_link<path>::unlink();
  route_ = nullptr;
  reach_expiry_.disarm();
  update_lane();
  start_serving();
  reap_if_idle();
}

LOCKGATE_INLINE void path::update_lane() noexcept {
  lane_open_ = route_ && outstanding_ == 0 && !serving_ && queue_.empty() && !closed_;
}

/// Out of anybody's call: takes in the answer that no sender waits for, and goes when idle.
LOCKGATE_INLINE void path::step() noexcept {
  if (abandoned_ && row_.is_answered()) static_cast<void>(settle_later());
  if (is_idle()) endpoint_.delete_path(*this);
}

LOCKGATE_INLINE void path::row_outstanding(bool begins) noexcept {
  begins ? ++outstanding_ : --outstanding_;
  update_lane();
  start_serving();
  reap_if_idle();
}

LOCKGATE_INLINE void path::left_outbox(unsigned count) noexcept {
  in_outbox_ -= count;
  if (in_outbox_ > 0) return;
  start_serving();
  reap_if_idle();
}

LOCKGATE_INLINE bool path::is_idle() const noexcept {
  return !route_ && queue_.empty() && !serving_ && outstanding_ == 0 && in_outbox_ == 0 &&
         !row_.is_busy();
}

/// Deletion is a step of its own: callers up the stack may still hold the path.
LOCKGATE_INLINE void path::reap_if_idle() noexcept {
  if (is_idle() && !is_scheduled()) home().schedule(*this);
}

LOCKGATE_INLINE void path::close() noexcept {
  closed_ = true;
  refuse_all(errc::closed);
  if (route_) route_lost();
  update_lane();
  reap_if_idle();
}

}  // namespace lockgate::inline v0::detail

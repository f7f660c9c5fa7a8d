// What a provider asks of its session: to hand messages up, to signal, to end.
#pragma once

#include "lockgate/base/config.hpp"                     // for LOCKGATE_INLINE
#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/instance_state.hpp"  // for instance_state
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/session.hpp"         // for session

#include <memory>   // for unique_ptr
#include <new>      // for nothrow
#include <utility>  // for exchange, move

namespace lockgate::inline v0::detail {

LOCKGATE_INLINE bool session::owns(const void* owner) noexcept {
  if (owner == nullptr) return false;
  if (owner == &tasks_) return true;
  for (row_call_base& call : rows_)
    if (owner == &call) return true;
  for (row_call_base* call = launching; call; call = call->launched_inside())
    if (owner == call) return true;
  return false;
}

LOCKGATE_INLINE accepted session::indicate(std::span<incoming> messages) noexcept {
  const bool open = is_active() || (platform_.options.indicate_while_activating &&
                                    state_ == session_state::activating && !ending_.has_begun);
  if (!open) [[unlikely]] {
    if (!messages.empty()) trace_.drop(drop_cause::not_active);
    return errc::not_active;
  }
  std::size_t done = 0;  // messages and trains
  std::uint64_t taken = 0, bytes = 0;
  const bool is_shown = trace_.shows_messages();
  const bool under_pressure = platform_.buffers && platform_.buffers->is_under_pressure();
  const bool goes_in_runs = !is_shown && !under_pressure && !trace_.is_observed();
  status why;
  while (done < messages.size()) {
    incoming& message = messages[done];
    const std::size_t size = message.size(), segment_size = message.segment_size;
    endpoint_state* const endpoint = ids_.endpoint_of(message.local);
    if (goes_in_runs && endpoint) [[likely]] {
      std::uint64_t run_bytes = 0;
      const std::size_t run =
          endpoint->received().put_run(messages.subspan(done), endpoint->id(), run_bytes);
      if (run > 0) {
        endpoint->count_received(run, run_bytes);
        done += run;
        taken += run;
        bytes += run_bytes;
        continue;
      }
    }
    const transport_id peer = message.remote;
    if (is_shown && size > 0 && endpoint) trace_.show_received(message, endpoint->luid());
    if (size == 0) [[unlikely]]
      why = trace_.refused(drop_cause::empty, errc::message_empty);
    else if (!endpoint) [[unlikely]]
      why = trace_.refused(drop_cause::unknown_id, errc::unknown_transport_id);
    else if (why = endpoint->received().put(message, under_pressure); !why.ok())
      why = trace_.refused(drop_cause::queue_full, why);
    const std::size_t bytes_taken =
        why.ok() ? size : size - message.size();  // of a train perhaps a part
    if (bytes_taken > 0) [[likely]] {
      const std::size_t count = train_length(bytes_taken, segment_size);
      endpoint->count_received(count, bytes_taken);
      taken += count;
      bytes += bytes_taken;
      if (trace_.is_observed()) [[unlikely]]
        trace_.tell_received(peer, endpoint->luid(), bytes_taken, segment_size);
    }
    if (!why.ok()) [[unlikely]]
      break;
    ++done;
  }
  trace_.count_received(taken, bytes);
  if (taken > 0) used_ = true;
  return {done, why};
}

LOCKGATE_INLINE bool session::answer_now(instance_call& call, const task_context& caller,
                                         status& answer) noexcept {
  const bool ours = owns(caller.owner);
  if (call.what == instance_call::kind::deregister) {
    answer = of_.deregister(caller.owner);
    return !answer.ok() || ours || state_ == session_state::deregistered;
  }
  if (!is_live()) {
    answer = errc::terminated;
    return true;
  }
  if (call.what == instance_call::kind::report_broken_link) {
    end(termination_reason::other_communication_error, caller.owner);
    return true;
  }
  if (!gate_open_) {
    const row_call_base* const establishing = &indication_;
    answer = errc::deadlock;
    return caller.owner == establishing;
  }
  if (call.what == instance_call::kind::send_signal) {
    answer = errc::no_signalling;
    return platform_.signals == nullptr;
  }
  if (call.what == instance_call::kind::receive_signal && signals_.empty()) return false;
  answer = carry_out_now(call);
  return true;
}

LOCKGATE_INLINE void session::pend(instance_call& call) noexcept {
  if (call.what == instance_call::kind::deregister) return of_.drained().push_back(call);
  if (gate_open_) return carry_out(call);
  trace_.count_pended_call();
  held_.push_back(call);
}

/// Carries a call out whose caller is suspended.
LOCKGATE_INLINE void session::carry_out(instance_call& call) noexcept {
  if (call.what == instance_call::kind::send_signal) return send_signal(call);
  if (call.what == instance_call::kind::receive_signal && signals_.empty())
    return signals_.wait(call);
  call.complete(carry_out_now(call));
}

LOCKGATE_INLINE void session::send_signal(instance_call& call) noexcept {
  if (!platform_.signals) {
    call.complete(errc::no_signalling);
    return;
  }
  signal_message message;
  std::unique_ptr<wait_list> caller(new (std::nothrow) wait_list);
  const status copied = without_throwing([&] {
    message.to = call.peer;
    message.from = call.id;
    message.channel = of_.channel();
    message.blob.assign(call.blob.data(), call.blob.data() + call.blob.size());
  });
  if (!copied.ok() || !caller) {
    call.complete(errc::no_memory);
    return;
  }
  trace_.tell(event_kind::signal_sent, [&](event& e) { e.id = message.to; });
  wait_list& callers = *caller;
  callers.push_back(call);
  const status started =
      platform_.tasks.spawn(carry_signal(platform_.signals, std::move(message), std::move(caller)));
  if (!started.ok()) call.complete(started);
}

LOCKGATE_INLINE task<> session::carry_signal(signalling* by, signal_message message,
                                             std::unique_ptr<wait_list> caller) {
  const status carried = co_await by->send(std::move(message));
  caller->complete_all(carried);
}

LOCKGATE_INLINE status session::carry_out_now(instance_call& call) noexcept {
  switch (call.what) {
    case instance_call::kind::request_transport_id: return ids_.reserve(call.id);
    case instance_call::kind::report_unreachable:
      outbox_.flush();  // which may cost any path its route
      for (auto at = paths_.begin(); at != paths_.end();) {
        path& p = *at;
        ++at;
        if (p.remote() == call.id) p.route_lost();
      }
      return {};
    case instance_call::kind::receive_signal: signals_.take(call); return {};
    default: return errc::invalid_argument;
  }
}

LOCKGATE_INLINE void session::signal_arrived(peer_signal&& signal) noexcept {
  trace_.tell(event_kind::signal_received, [&](event& e) { e.id = signal.from; });
  const bool is_kept = signals_.put(std::move(signal), platform_.options.signal_queue_messages);
  if (!is_kept) return trace_.drop(drop_cause::signal_queue_full);
  signals_.set_demand(state_ != session_state::active);
  used_ = true;
  wake();
}

LOCKGATE_INLINE void session::unpin() noexcept {
  --pins_;
  something_ended().complete_all();
  of_.delete_if_abandoned();
}

LOCKGATE_INLINE void core::demand_appeared() noexcept {
  for (session& s : sessions) s.demand_appeared();
}

LOCKGATE_INLINE void core::wake_sessions() noexcept {
  for (session& s : sessions) s.wake();
}

LOCKGATE_INLINE session* core::find_session(std::uint32_t id) noexcept {
  for (session& s : sessions)
    if (s.id() == id) return &s;
  return nullptr;
}

/// Every live instance of the provider's name is told: which of them the peer means, the provider
/// knows best.
LOCKGATE_INLINE void core::signal_arrived(signal_message message) noexcept {
  for (session& s : sessions) {
    if (!s.is_live() || s.of().channel() != message.channel) continue;
    peer_signal copy;
    copy.local = message.to;
    copy.from = message.from;
    if (!without_throwing([&] { copy.blob = message.blob; }).ok())
      s.trace().drop(drop_cause::signal_queue_full);
    else s.signal_arrived(std::move(copy));
  }
}

}  // namespace lockgate::inline v0::detail

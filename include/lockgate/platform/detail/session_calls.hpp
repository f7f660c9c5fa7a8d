// What may be asked of a session by its provider and by the instance's handle.
#pragma once

#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/path.hpp"            // for path
#include "lockgate/platform/detail/session.hpp"         // for session

#include <memory>   // for unique_ptr
#include <new>      // for nothrow
#include <utility>  // for exchange, move

namespace lockgate::inline v0::detail {

// Registration, deregistration and the handle's end.

inline void session::decision_pending() noexcept {
  ++platform_.registrations_open;
  enter(session_state::registering);
}

inline void session::decision_made() noexcept {
  if (state_ == session_state::registering) enter(session_state::created);
  --platform_.registrations_open;
  platform_.session_drained.complete_all();
}

inline status session::check_registration(const registration& wish) noexcept {
  if (state_ == session_state::registering) return errc::invalid_state;
  if (state_ != session_state::created) return errc::already_registered;
  if (platform_.stopping) return errc::closed;
  if (wish.flags != 0) return errc::invalid_argument;
  if (!wish.access.empty() && !platform_.access) return errc::invalid_argument;
  return {};
}

inline status session::grant(const registration& wish) noexcept {
  if (platform_.stopping || abandoned_) return errc::closed;
  status owned = without_throwing(
      [&] { owner_ = platform_.names.find_owner(wish.provider_name, &provider_.table()); });
  if (!owned.ok()) return owned;
  if (wish.interface_luid != 0)
    for (session& other : platform_.sessions)
      if (&other != this && !other.has_ended() && other.luid_ == wish.interface_luid)
        return errc::interface_in_use;
  owned = platform_.names.take_luid(wish.interface_luid, owner_, luid_);
  if (!owned.ok()) return owned;
  const status named =
      without_throwing([&] { name_ = platform_.names.take_name(wish.friendly_name); });
  if (!named.ok()) return named;
  life_.work = life();
  if (!life_.work.valid()) {
    platform_.names.give_back_name(std::exchange(name_, interface_name()));
    return errc::no_memory;
  }
  priority_ = wish.priority;
  enter(session_state::establishing);
  list_link<session>::unlink();
  platform_.sessions.push_back(*this);
  platform_.home.schedule(life_);
  return {};
}

inline status session::deregister(const void* caller) noexcept {
  switch (state_) {
    case session_state::created: return errc::not_registered;
    case session_state::registering:
    case session_state::deregistered: return errc::invalid_state;
    case session_state::ended:
      deregister_called_ = true;
      enter(session_state::deregistered);
      return {};
    default:
      deregister_called_ = true;
      end(termination_reason::provider_request, caller);
      return {};
  }
}

inline void session::abandon() noexcept {
  abandoned_ = true;
  handle_slot_ = nullptr;
  static_cast<void>(deregister(nullptr));  // in ENDED too: what the provider owes (G17)
  delete_if_abandoned();
}

inline void session::delete_if_abandoned() noexcept {
  if (abandoned_ && has_ended() && pins_ == 0) delete this;
}

// The provider's calls.

inline bool session::owns(const void* owner) noexcept {
  if (owner == nullptr) return false;
  if (owner == &tasks_) return true;
  for (row_call_base& call : rows_)
    if (owner == &call) return true;
  for (row_call_base* call = launching; call; call = call->launched_inside())
    if (owner == call) return true;
  return false;
}

inline accepted session::indicate(std::span<incoming> messages) noexcept {
  const bool open = is_active() || (platform_.options.indicate_while_activating &&
                                    state_ == session_state::activating && !ending_);
  if (!open) [[unlikely]] {
    if (!messages.empty()) drop(drop_cause::not_active);
    return errc::not_active;
  }
  std::size_t done = 0;  // messages and trains
  std::uint64_t taken = 0, bytes = 0;
  const bool is_shown = platform_.hook.on_message != nullptr;
  const bool is_strained = platform_.buffers && platform_.buffers->is_strained();
  const bool goes_in_runs = !is_shown && !is_strained && !is_observed();
  status why;
  while (done < messages.size()) {
    incoming& message = messages[done];
    const std::size_t size = message.size(), segment_size = message.segment_size;
    endpoint_state* const endpoint = local_endpoint(message.local);
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
    if (is_shown && size > 0 && endpoint) show_received(message, endpoint->luid());
    if (size == 0) [[unlikely]]
      why = refused(drop_cause::empty, errc::message_empty);
    else if (!endpoint) [[unlikely]]
      why = refused(drop_cause::unknown_id, errc::unknown_transport_id);
    else if (why = endpoint->received().put(message, is_strained); !why.ok())
      why = refused(drop_cause::queue_full, why);
    const std::size_t bytes_taken =
        why.ok() ? size : size - message.size();  // of a train perhaps a part
    if (bytes_taken > 0) [[likely]] {
      const std::size_t count = train_length(bytes_taken, segment_size);
      endpoint->count_received(count, bytes_taken);
      taken += count;
      bytes += bytes_taken;
      if (is_observed()) [[unlikely]]
        tell_received(peer, endpoint->luid(), bytes_taken, segment_size);
    }
    if (!why.ok()) [[unlikely]]
      break;
    ++done;
  }
  statistics_.messages_received += taken;
  statistics_.bytes_received += bytes;
  if (taken > 0) used_ = true;
  return {done, why};
}

inline void session::show_received(const incoming& message, std::uint64_t endpoint) noexcept {
  if (!message.is_train()) return platform_.show(observed_message(message, endpoint), id_);
  for (std::size_t at = 0; at < message.size(); at += message.segment_size) {
    const std::size_t size = first_in_train(message.size() - at, message.segment_size);
    const incoming each(message.local, message.remote, message.part(0).share(at, size));
    platform_.show(observed_message(each, endpoint), id_);
  }
}
inline void session::tell_received(const transport_id& peer, std::uint64_t endpoint,
                                   std::size_t bytes, std::size_t segment_size) noexcept {
  while (bytes > 0) {
    const std::size_t size = first_in_train(bytes, segment_size);
    bytes -= size;
    tell(event_kind::message_received, [&](event& e) {
      e.id = peer;
      e.amount = static_cast<std::uint32_t>(size);
      e.endpoint = endpoint;
    });
  }
}

/// The endpoint with this id, if the id has been added here (G33).
inline endpoint_state* session::local_endpoint(const transport_id& id) noexcept {
  if (last_endpoint_ && id == last_local_) return last_endpoint_;
  endpoint_state* const endpoint = platform_.find_endpoint(id);
  if (!endpoint) return nullptr;
  const id_binding* const binding = find_binding(*endpoint);
  if (!binding || binding->at != id_binding::stage::added) return nullptr;
  last_local_ = id;
  last_endpoint_ = endpoint;
  return endpoint;
}

inline bool session::answer_now(instance_call& call, const task_context& caller,
                                status& answer) noexcept {
  const bool ours = owns(caller.owner);
  if (call.what == instance_call::kind::deregister) {
    answer = deregister(caller.owner);
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

inline void session::pend(instance_call& call) noexcept {
  if (call.what == instance_call::kind::deregister) return drained_.push_back(call);
  if (gate_open_) return carry_out(call);
  ++statistics_.pended_calls;
  tell(event_kind::call_pended);
  held_.push_back(call);
}

/// Carries a call out whose caller is suspended.
inline void session::carry_out(instance_call& call) noexcept {
  switch (call.what) {
    case instance_call::kind::send_signal: {
      if (!platform_.signals) {
        call.complete(errc::no_signalling);
        return;
      }
      signal_message message;
      std::unique_ptr<wait_list> caller(new (std::nothrow) wait_list);
      const status copied = without_throwing([&] {
        message.to = call.peer;
        message.from = call.id;
        message.channel = channel();
        message.blob.assign(call.blob.begin(), call.blob.end());
      });
      if (!copied.ok() || !caller) {
        call.complete(errc::no_memory);
        return;
      }
      platform_.tell(event_kind::signal_sent, id_, [&](event& e) { e.id = message.to; });
      wait_list& callers = *caller;
      callers.push_back(call);
      const status started = platform_.tasks.spawn(
          carry_signal(platform_.signals, std::move(message), std::move(caller)));
      if (!started.ok()) call.complete(started);
      return;
    }
    case instance_call::kind::receive_signal:
      if (signals_.empty()) return signal_waiters_.push_back(call);
      [[fallthrough]];
    default: call.complete(carry_out_now(call));
  }
}

inline task<> session::carry_signal(signalling* by, signal_message message,
                                    std::unique_ptr<wait_list> caller) {
  const status carried = co_await by->send(std::move(message));
  caller->complete_all(carried);
}

inline status session::carry_out_now(instance_call& call) noexcept {
  switch (call.what) {
    case instance_call::kind::request_transport_id:
      call.id = platform_.make_id();
      return without_throwing([&] {
        reserved_ids_.emplace_back();
        platform_.ids.emplace(call.id, nullptr);
        reserved_ids_.back() = call.id;
      });
    case instance_call::kind::report_unreachable: {
      outbox_.flush();  // which may cost any path its route
      for (auto at = paths_.begin(); at != paths_.end();) {
        path& p = *at;
        ++at;
        if (p.remote() == call.id) p.route_lost();
      }
      return {};
    }
    case instance_call::kind::receive_signal: call.received = signals_.pop_front(); return {};
    default: return errc::invalid_argument;
  }
}

inline status session::spawn(task<> work) noexcept {
  if (!is_live()) return errc::terminated;
  return tasks_.spawn(std::move(work));
}

inline void session::signal_arrived(peer_signal&& signal) noexcept {
  platform_.tell(event_kind::signal_received, id_, [&](event& e) { e.id = signal.from; });
  if (signals_.size() >= platform_.options.signal_queue_messages ||
      !signals_.push_back(std::move(signal)))
    return drop(drop_cause::signal_queue_full);
  signal_demand_ = state_ != session_state::active;
  used_ = true;
  while (!signals_.empty() && !signal_waiters_.empty()) {
    auto& call = static_cast<instance_call&>(signal_waiters_.front());
    call.complete(carry_out_now(call));
  }
  wake();
}

inline session::~session() {
  for (const transport_id& id : reserved_ids_)
    if (!platform_.find_endpoint(id)) platform_.ids.erase(id);
}

inline void core::demand_appeared() noexcept {
  for (session& s : sessions) s.demand_appeared();
}

inline void core::wake_sessions() noexcept {
  for (session& s : sessions) s.wake();
}

inline session* core::find_session(std::uint32_t id) noexcept {
  for (session& s : sessions)
    if (s.id() == id) return &s;
  return nullptr;
}

/// Every live instance of the provider's name is told: which of them the peer means, the provider
/// knows best.
inline void core::signal_arrived(signal_message message) noexcept {
  for (session& s : sessions) {
    if (!s.is_live() || s.channel() != message.channel) continue;
    peer_signal copy;
    copy.local = message.to;
    copy.from = message.from;
    if (!without_throwing([&] { copy.blob = message.blob; }).ok())
      s.drop(drop_cause::signal_queue_full);
    else s.signal_arrived(std::move(copy));
  }
}

}  // namespace lockgate::inline v0::detail

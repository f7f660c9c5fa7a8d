// The dispatch table of C callbacks as rows of `any_provider`.
#pragma once

#include "lockgate/base/accepted.hpp"           // for accepted
#include "lockgate/base/status.hpp"             // for status
#include "lockgate/capi/c_instance.hpp"         // for c_instance
#include "lockgate/capi/hresult.hpp"            // for pending, to_status
#include "lockgate/capi/indication.hpp"         // for return_queued_messages
#include "lockgate/capi/pended_row.hpp"         // for row_hold, pended_row
#include "lockgate/coro/task.hpp"               // for task
#include "lockgate/platform/session_state.hpp"  // for session_state
#include "lockgate/provider/any_provider.hpp"   // for dispatch_table
#include "lockgate/provider/message.hpp"        // for outgoing

#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t
#include <span>     // for span
#include <utility>  // for move

namespace lockgate::inline v0::capi::detail {

/// Each row calls its callback with a completion context. S_OK or a failure is an answer "now";
/// `pending`, recognised before FAILED() is asked (G29), one "later".
class c_rows {
 public:
  static constexpr lockgate::dispatch_table make() noexcept {
    return {
        .establish_session = establish,
        .terminate_session = terminate,
        .transition_active = activate,
        .transition_dormant =
            [](void* self, auto...) noexcept {
              of(self).gate.close();
              return control(self, of(self).table.transitionDormant);
            },
        .add_transport_id =
            [](void* self, transport_id id) noexcept {
              return control_id(self, of(self).table.addTransportId, id);
            },
        .remove_transport_id =
            [](void* self, transport_id id) noexcept {
              return control_id(self, of(self).table.removeTransportId, id);
            },
        .reach_transport_id =
            [](void* self, transport_id peer) noexcept {
              return control_id(self, of(self).table.reachTransportId, peer);
            },
        .send_buffers = send,
        .destroy = [](void*) noexcept {},  // the instance is the C caller's to destroy
    };
  }

 private:
  static c_instance& of(void* self) noexcept { return *static_cast<c_instance*>(self); }

  static answer<void> establish(void* self, instance given) noexcept {
    of(self).session_begins(given);
    return lockgate::detail::call_row<void>([self] {
      of(self).table.establishSessionIndication(of(self).handle, of(self).user_context);
    });
  }
  static answer<void> terminate(void* self, termination_reason why) noexcept {
    return_queued_messages(of(self));
    return lockgate::detail::call_row<void>([self, why] {
      of(self).table.terminateSessionIndication(
          of(self).handle, of(self).user_context,
          static_cast<CPNATFWT_SESSION_TERMINATION_REASON>(why));
    });
  }
  static answer<status> activate(void* self) noexcept {
    c_instance& me = of(self);
    row_hold row;
    if (!row) return status(errc::no_memory);
    const std::uint64_t ticket = me.gate.close();
    row->is_activation(me.gate, ticket);
    if (host::get().platform().options().indicate_while_activating) me.gate.open(ticket);
    me.answering_activation = true;
    answer<status> given = control(self, me.table.transitionActive, std::move(row));
    me.answering_activation = false;
    if (given.is_later()) return given;
    if (given.failure() || !given.now().ok()) me.gate.close();
    else me.gate.open(ticket);
    return given;
  }

  template <class Callback>
  static answer<status> control(void* self, Callback callback, row_hold row = row_hold()) noexcept {
    if (!row) return status(errc::no_memory);
    void* const context = row->context();
    return status_row(std::move(row), [&] {
      return callback(of(self).handle, of(self).user_context, context, pended_row::complete);
    });
  }
  template <class Callback>
  static answer<status> control_id(void* self, Callback callback, const transport_id& id) noexcept {
    row_hold row;
    if (!row) return status(errc::no_memory);
    CPNATFWT_TRANSPORT_ID* const lent = row->local.lend(id);
    void* const context = row->context();
    return status_row(std::move(row), [&] {
      return callback(of(self).handle, of(self).user_context, lent, context, pended_row::complete);
    });
  }
  template <class Call>
  static answer<status> status_row(row_hold row, Call call) noexcept {
    return lockgate::detail::call_row<status>([&]() -> answer<status> {
      const HRESULT result = call();
      if (result != pending) return to_status(result);
      if (row->has_arrived()) return to_status(row->take_result());
      return await_status(std::move(row));
    });
  }
  static task<status> await_status(row_hold row) {
    const HRESULT result = co_await row->completion();
    co_return to_status(result);
  }

  static HRESULT send_one(void* self, row_hold& row, const outgoing& message) {
    if (!row) return E_OUTOFMEMORY;
    CPNATFWT_BUFFER* const parts = row->lend(message.payload);
    if (!parts) return E_OUTOFMEMORY;
    const HRESULT result =
        of(self).table.sendBuffers(of(self).handle, of(self).user_context,
                                   row->local.lend(message.local), row->remote.lend(message.remote),
                                   message.endpoint, parts, row->context(), pended_row::complete);
    if (result == pending && row->has_arrived()) return row->take_result();
    return result;
  }
  /// One callback for each message; while one is pended the next waits, because those after a
  /// message that fails are not to be sent.
  static answer<accepted> send(void* self, std::span<const outgoing> messages) noexcept {
    return lockgate::detail::call_row<accepted>([&]() -> answer<accepted> {
      for (std::size_t done = 0; done < messages.size(); ++done) {
        row_hold row;
        const HRESULT result = send_one(self, row, messages[done]);
        if (result == pending) return send_remaining(self, messages, done, std::move(row));
        if (FAILED(result)) return accepted(done, to_status(result));
      }
      return accepted(messages.size());
    });
  }
  static task<accepted> send_remaining(void* self, std::span<const outgoing> messages,
                                       std::size_t done, row_hold row) {
    for (;;) {
      const HRESULT result = co_await row->completion();
      if (FAILED(result)) co_return accepted(done, to_status(result));
      for (;;) {
        if (++done == messages.size()) co_return accepted(done);
        if (of(self).registered.state() != session_state::active)
          co_return accepted(done, errc::terminated);
        row = row_hold();
        const HRESULT next = send_one(self, row, messages[done]);
        if (next == pending) break;
        if (FAILED(next)) co_return accepted(done, to_status(next));
      }
    }
  }
};

inline constexpr lockgate::dispatch_table c_table = c_rows::make();

}  // namespace lockgate::inline v0::capi::detail

// Calls a row other than send_buffers, and waits for its answer.
#pragma once

#include "lockgate/coro/operation.hpp"                  // for resumption, task_context
#include "lockgate/platform/detail/instance_trace.hpp"  // for instance_trace
#include "lockgate/platform/detail/row_call.hpp"        // for row_call
#include "lockgate/provider/any_provider.hpp"           // for any_provider

#include <concepts>   // for same_as
#include <coroutine>  // for coroutine_handle
#include <tuple>      // for tuple, apply, get

namespace lockgate::inline v0::detail {

/// Says that a row begins, calls it, awaits it, and says how it ended. The wait itself cannot be
/// stopped; the row can.
///
/// Completes: with the row's status; success for a row without a result.
template <class T, class... Arguments>
class row_operation {
 public:
  using member = answer<T> (any_provider::*)(Arguments...) noexcept;

  row_operation(row_call<T>& place, row_owner& owner, row which, const row_limits& limits,
                instance_trace& trace, any_provider& of, member call,
                const Arguments&... arguments) noexcept
      : place_(place), owner_(owner), which_(which), limits_(limits), trace_(trace), provider_(of),
        call_(call), arguments_(arguments...) {}
  class awaiter {
   public:
    explicit awaiter(row_operation& row) noexcept : row_(row) {}
    bool await_ready() noexcept { return !row_.start(resumption_); }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
      resumption_.suspend(waiting, row_.owner_.row_home());
    }
    status await_resume() noexcept { return row_.end(); }

   private:
    row_operation& row_;
    resumption resumption_;
  };
  awaiter bind(const task_context&) noexcept { return awaiter(*this); }

 private:
  bool start(resumption& when_done) noexcept {
    trace_.tell_row(event_kind::row_began, which_, {}, id());
    return std::apply(
        [&](const Arguments&... arguments) {
          return place_.start(owner_, which_, (provider_.*call_)(arguments...), when_done, limits_);
        },
        arguments_);
  }
  status end() noexcept {
    const status ended = place_.outcome();
    trace_.tell_row(event_kind::row_ended, which_, ended, id());
    return ended;
  }
  /// The id that the row concerns; nil where it concerns none.
  [[nodiscard]] transport_id id() const noexcept {
    if constexpr ((std::same_as<Arguments, transport_id> || ...))
      return std::get<transport_id>(arguments_);
    else return {};
  }

  row_call<T>& place_;
  row_owner& owner_;
  row which_;
  row_limits limits_;
  instance_trace& trace_;
  any_provider& provider_;
  member call_;
  std::tuple<Arguments...> arguments_;
};

}  // namespace lockgate::inline v0::detail

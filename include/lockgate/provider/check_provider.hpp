// Says what is wrong with a provider: every defect in one compilation, one sentence each.
#pragma once

#include "lockgate/provider/rows.hpp"  // for the row concepts

#include <type_traits>  // for is_class_v

namespace lockgate::inline v0 {

namespace detail {

// A row that returns an awaitable of another library, unwrapped: worth its own sentence.
template <class P>
concept establish_is_bare = requires(P& p, instance self) {
  { p.establish_session(self) } -> bare_awaitable;
};
template <class P>
concept terminate_is_bare = requires(P& p, termination_reason reason) {
  { p.terminate_session(reason) } -> bare_awaitable;
};
template <class P>
concept active_is_bare = requires(P& p) {
  { p.transition_active() } -> bare_awaitable;
};
template <class P>
concept reach_is_bare = requires(P& p, transport_id peer) {
  { p.reach_transport_id(peer) } -> bare_awaitable;
};
template <class P>
concept send_is_bare = requires(P& p, std::span<const outgoing> messages) {
  { p.send_buffers(messages) } -> bare_awaitable;
};

template <class P>
consteval void check_rows() {
  static_assert(
      !detail::establish_is_bare<P>,
      "lockgate provider: establish_session returns an awaitable that cannot be stopped; return "
      "lockgate::task, or wrap it: lockgate::cancellable(x, cancel_function) or "
      "lockgate::uninterruptible(x)");
  static_assert(
      !detail::terminate_is_bare<P>,
      "lockgate provider: terminate_session returns an awaitable that cannot be stopped; return "
      "lockgate::task, or wrap it: lockgate::cancellable(x, cancel_function) or "
      "lockgate::uninterruptible(x)");
  static_assert(
      !detail::active_is_bare<P>,
      "lockgate provider: transition_active returns an awaitable that cannot be stopped; return "
      "lockgate::task, or wrap it: lockgate::cancellable(x, cancel_function) or "
      "lockgate::uninterruptible(x)");
  static_assert(
      !detail::reach_is_bare<P>,
      "lockgate provider: reach_transport_id returns an awaitable that cannot be stopped; return "
      "lockgate::task, or wrap it: lockgate::cancellable(x, cancel_function) or "
      "lockgate::uninterruptible(x)");
  static_assert(
      !detail::send_is_bare<P>,
      "lockgate provider: send_buffers returns an awaitable that cannot be stopped; return "
      "lockgate::task, or wrap it: lockgate::cancellable(x, cancel_function) or "
      "lockgate::uninterruptible(x)");
  static_assert(establishes_session<P> || detail::establish_is_bare<P>,
                "lockgate provider: needs the row establish_session; write: lockgate::task<> "
                "establish_session(lockgate::instance self); (or returning void)");
  static_assert(terminates_session<P> || detail::terminate_is_bare<P>,
                "lockgate provider: needs the row terminate_session; write: lockgate::task<> "
                "terminate_session(lockgate::termination_reason why); (or returning void)");
  static_assert(transitions_active<P> || detail::active_is_bare<P>,
                "lockgate provider: needs the row transition_active; write: "
                "lockgate::task<lockgate::status> transition_active(); (or returning status)");
  static_assert(reaches_transport_id<P> || detail::reach_is_bare<P>,
                "lockgate provider: needs the row reach_transport_id; write: "
                "lockgate::task<lockgate::status> reach_transport_id(lockgate::transport_id peer); "
                "(or returning status)");
  static_assert(sends_buffers<P> || detail::send_is_bare<P>,
                "lockgate provider: needs the row send_buffers; write: lockgate::accepted "
                "send_buffers(std::span<const lockgate::outgoing> messages); (or returning "
                "task<accepted>)");
  static_assert(dormant_row_well_formed<P>,
                "lockgate provider: transition_dormant is there, but not as a public row; write: "
                "lockgate::status transition_dormant(); (or returning task<status>), or rename it");
  static_assert(add_row_well_formed<P>,
                "lockgate provider: add_transport_id is there, but not as a public row; write: "
                "lockgate::status add_transport_id(lockgate::transport_id id); (or returning "
                "task<status>), or rename it");
  static_assert(remove_row_well_formed<P>,
                "lockgate provider: remove_transport_id is there, but not as a public row; write: "
                "lockgate::status remove_transport_id(lockgate::transport_id id); (or returning "
                "task<status>), or rename it");
  static_assert(id_rows_complete<P>,
                "lockgate provider: add_transport_id and remove_transport_id come together; write "
                "both, or neither");
}

}  // namespace detail

/// Compiles if `P` is a provider; otherwise reports each defect with a sentence that says what to
/// write. Call it where the provider is defined: `template void lockgate::check_provider<relay>();`
/// or as a statement.
template <class P>
consteval void check_provider() {
  static_assert(std::is_class_v<P>,
                "lockgate provider: a provider is a class with the rows as members");
  if constexpr (std::is_class_v<P>) detail::check_rows<P>();
}

}  // namespace lockgate::inline v0

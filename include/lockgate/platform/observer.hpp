// What an observer of a platform is, and a readable sentence for a class that is not quite one.
#pragma once

#include "lockgate/platform/event.hpp"             // for event
#include "lockgate/platform/observed_message.hpp"  // for observed_message

#include <type_traits>  // for is_class_v, is_final_v

namespace lockgate::inline v0 {

/// Is told every event, in order, while it happens.
///
/// Requires: `on` does not throw, does not call the platform, and does not take long.
template <class O>
concept observes_events = requires(O& o, const event& e) {
  { o.on(e) } noexcept;
};

/// Is shown every message with its bytes, while it passes and before the event about it.
///
/// Requires: as for `on`; the bytes are borrowed for the call.
template <class O>
concept observes_messages = requires(O& o, const observed_message& m) {
  { o.on_message(m) } noexcept;
};

namespace detail {

/// As `row_trap` for providers: inheriting a second member of a name makes the name ambiguous.
struct observer_names {
  int on, on_message;
};
template <class O>
struct observer_trap : O, observer_names {};

template <class O>
concept names_on = (std::is_final_v<O> && requires { &O::on; }) ||
                   (!std::is_final_v<O> && !requires { &observer_trap<O>::on; });
template <class O>
concept names_on_message = (std::is_final_v<O> && requires { &O::on_message; }) ||
                           (!std::is_final_v<O> && !requires { &observer_trap<O>::on_message; });

template <class O>
concept on_well_formed = !names_on<O> || observes_events<O>;
template <class O>
concept on_message_well_formed = !names_on_message<O> || observes_messages<O>;

template <class O>
consteval void check_observer_members() {
  static_assert(on_well_formed<O>,
                "lockgate observer: on is there, but cannot be called as it should; write: void "
                "on(const lockgate::event& e) noexcept; or rename it");
  static_assert(on_message_well_formed<O>,
                "lockgate observer: on_message is there, but cannot be called as it should; write: "
                "void on_message(const lockgate::observed_message& m) noexcept; or rename it");
  static_assert(names_on<O> || names_on_message<O>,
                "lockgate observer: has no member that would be called; write: void on(const "
                "lockgate::event& e) noexcept; or void on_message(const "
                "lockgate::observed_message& m) noexcept; or both");
}

}  // namespace detail

/// A class that a platform can tell things to: `on`, `on_message`, or both, and each only as it
/// should be. `check_observer<O>()` says in words what a class lacks.
template <class O>
concept observer = std::is_class_v<O> && (observes_events<O> || observes_messages<O>) &&
                   detail::on_well_formed<O> && detail::on_message_well_formed<O>;

/// Compiles if `O` is an observer; otherwise reports each defect with a sentence that says what to
/// write.
template <class O>
consteval void check_observer() {
  static_assert(std::is_class_v<O>,
                "lockgate observer: an observer is a class with on or on_message as a member");
  if constexpr (std::is_class_v<O>) detail::check_observer_members<O>();
}

}  // namespace lockgate::inline v0

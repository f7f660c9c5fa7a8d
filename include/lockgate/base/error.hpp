// The library's error codes, their texts, and their place among the standard error conditions.
#pragma once

#include <string>        // for string
#include <system_error>  // for error_code, error_category

namespace lockgate::inline v0 {

/// Every reason the library itself gives for refusing or ending something. 0 is success.
enum class errc {
  ok = 0,
  not_active,              ///< indicate outside ACTIVE (G6)
  invalid_state,           ///< a call that the lifecycle state does not allow (U7)
  invalid_argument,        ///< an argument that no state would accept
  not_registered,          ///< the instance has no session
  already_registered,      ///< register on an instance that has, or had, a session (U20)
  registration_refused,    ///< the host's admission hook said no (U9)
  interface_not_owned,     ///< the LUID belongs to no earlier registration of this provider (G16)
  interface_in_use,        ///< the LUID belongs to another instance now
  terminated,              ///< the session ended before the call could be served
  canceled,                ///< the caller asked to stop
  timed_out,               ///< a deadline passed
  deadlock,                ///< a row awaits something that needs this very row to end first
  unreachable,             ///< no instance reaches the peer (G30)
  ambiguous,               ///< several instances of one rank reach the peer (U23)
  duplicate_transport_id,  ///< the id is taken (G34)
  unknown_transport_id,    ///< no endpoint has this local id (G33)
  no_transport_id,         ///< the endpoint has no id yet (U27)
  activation_failed,       ///< the provider could not become active (G8, G39)
  activation_delayed,      ///< a failed activation is being backed off (U21)
  provider_failed,         ///< the provider broke off with an exception or broke the protocol (U16)
  message_empty,           ///< a message without a byte
  message_too_large,       ///< longer than a message may be
  would_block,             ///< try again later
  queue_full,              ///< a bound on queued messages or pinned memory is reached
  no_memory,               ///< an allocation failed
  no_buffer,               ///< the slab pool is exhausted
  no_signalling,           ///< the host program supplied no signalling
  closed,                  ///< the endpoint, socket or platform is closed
  malformed,               ///< bytes that do not follow their format
  not_supported,           ///< this system or backend cannot do it
};

/// A sentence for people, saying what to do where that is known.
[[nodiscard]] constexpr const char* message_of(errc code) noexcept {
  switch (code) {
    case errc::ok: return "success";
    case errc::not_active:
      return "the instance is not active: indicate only between transition_active and the end";
    case errc::invalid_state: return "the instance's state does not allow this call";
    case errc::invalid_argument: return "invalid argument";
    case errc::not_registered:
      return "the instance is not registered: call register_instance first";
    case errc::already_registered:
      return "the instance has been registered before: create a new one, passing its interface "
             "LUID";
    case errc::registration_refused: return "the host program refused the registration";
    case errc::interface_not_owned:
      return "the interface LUID was never given to this provider: pass 0 to get a new one";
    case errc::interface_in_use: return "the interface LUID is in use by another instance";
    case errc::terminated: return "the session has ended";
    case errc::canceled: return "the caller asked to stop";
    case errc::timed_out: return "the deadline passed";
    case errc::deadlock:
      return "this row would wait for its own end: spawn a task and await the call there";
    case errc::unreachable: return "no provider instance reaches the peer";
    case errc::ambiguous:
      return "several provider instances of the same priority reach the peer: give them priorities";
    case errc::duplicate_transport_id: return "the transport id is in use";
    case errc::unknown_transport_id: return "no endpoint here has this transport id";
    case errc::no_transport_id: return "the endpoint has no transport id yet: await ready() first";
    case errc::activation_failed: return "the provider could not become active";
    case errc::activation_delayed: return "activation failed a moment ago and is being backed off";
    case errc::provider_failed: return "the provider failed";
    case errc::message_empty: return "the message is empty";
    case errc::message_too_large: return "the message is too large for one datagram";
    case errc::would_block: return "not possible without waiting";
    case errc::queue_full: return "the queue is full: receive, or send more slowly";
    case errc::no_memory: return "out of memory";
    case errc::no_buffer:
      return "the receive pool is exhausted: release messages, or compact() them";
    case errc::no_signalling: return "the platform was given no signalling";
    case errc::closed: return "closed";
    case errc::malformed: return "malformed bytes";
    case errc::not_supported: return "not supported here";
  }
  return "unknown lockgate error";
}

/// The standard condition that means the same, or a zero code where there is none.
[[nodiscard]] constexpr std::errc standard_condition(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument: return std::errc::invalid_argument;
    case errc::canceled: return std::errc::operation_canceled;
    case errc::timed_out: return std::errc::timed_out;
    case errc::deadlock: return std::errc::resource_deadlock_would_occur;
    case errc::unreachable: return std::errc::host_unreachable;
    case errc::interface_in_use:
    case errc::duplicate_transport_id: return std::errc::address_in_use;
    case errc::unknown_transport_id: return std::errc::address_not_available;
    case errc::message_too_large: return std::errc::message_size;
    case errc::would_block: return std::errc::operation_would_block;
    case errc::queue_full:
    case errc::no_buffer: return std::errc::no_buffer_space;
    case errc::no_memory: return std::errc::not_enough_memory;
    case errc::malformed: return std::errc::bad_message;
    case errc::not_supported: return std::errc::not_supported;
    case errc::registration_refused: return std::errc::permission_denied;
    default: return std::errc{};
  }
}

namespace detail {

class error_category_type final : public std::error_category {
 public:
  const char* name() const noexcept override { return "lockgate"; }
  std::string message(int value) const override { return message_of(static_cast<errc>(value)); }
  std::error_condition default_error_condition(int value) const noexcept override {
    const auto standard = standard_condition(static_cast<errc>(value));
    if (standard != std::errc{}) return std::make_error_condition(standard);
    return {value, *this};
  }
};

}  // namespace detail

/// The category of `errc` values in a `std::error_code`.
[[nodiscard]] inline const std::error_category& error_category() noexcept {
  static const detail::error_category_type category;
  return category;
}

/// An `errc` as a `std::error_code`; what lets `errc` convert to one.
[[nodiscard]] inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

}  // namespace lockgate::inline v0

template <>
struct std::is_error_code_enum<lockgate::errc> : std::true_type {};

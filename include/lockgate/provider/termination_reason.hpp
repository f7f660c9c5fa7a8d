// Why a session ended.
#pragma once

#include <string_view>  // for string_view

namespace lockgate::inline v0 {

/// What `terminate_session` is told (dd441747, same order and values; which reason for what: U16).
enum class termination_reason {
  provider_request,           ///< the provider deregistered
  platform_shutdown,          ///< the platform is stopping
  provider_timeout,           ///< a row overran its time limit
  provider_other_failure,     ///< an exception left a row, or the provider broke the protocol
  other_communication_error,  ///< the link between platform and provider broke
};

[[nodiscard]] constexpr std::string_view to_string(termination_reason reason) noexcept {
  switch (reason) {
    case termination_reason::provider_request: return "provider_request";
    case termination_reason::platform_shutdown: return "platform_shutdown";
    case termination_reason::provider_timeout: return "provider_timeout";
    case termination_reason::provider_other_failure: return "provider_other_failure";
    case termination_reason::other_communication_error: return "other_communication_error";
  }
  return "unknown";
}

}  // namespace lockgate::inline v0

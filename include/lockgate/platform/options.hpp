// What can be set about a platform and about a registration.
#pragma once

#include "lockgate/base/clock.hpp"         // for duration
#include "lockgate/base/status.hpp"        // for status
#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/coro/task.hpp"          // for task

#include <chrono>       // for seconds, minutes
#include <cstddef>      // for size_t
#include <cstdint>      // for uint64_t, uint32_t
#include <string_view>  // for string_view
#include <type_traits>  // for is_trivially_destructible_v

namespace lockgate::inline v0 {

/// Times and bounds of a platform. The defaults suit an application on a desktop or a phone.
struct platform_options {
  duration establish_timeout = std::chrono::seconds(60);  ///< of establish_session (U15)
  duration row_timeout = std::chrono::seconds(30);        ///< of every other row (U15)
  duration row_grace = std::chrono::seconds(5);           ///< from being asked to stop to "stuck"
  duration idle_time = std::chrono::seconds(60);          ///< without demand, until dormancy (U26)
  duration first_backoff = std::chrono::seconds(1);       ///< after a failed activation (U21)
  duration longest_backoff = std::chrono::seconds(60);    ///< the back-off doubles up to this (U21)
  duration reach_lifetime = std::chrono::minutes(5);  ///< how long a reach answer is believed (U23)
  int add_attempts = 8;                               ///< ids proposed before giving up (U22)
  std::size_t longest_message = 65507;                ///< bytes; what fits a UDP datagram over IPv4
  std::size_t receive_queue_bytes = std::size_t{16}
                                    << 20;  ///< memory pinned by an endpoint's queue
  std::size_t send_queue_messages = 1024;   ///< taken over per path while it is not open
  std::size_t signal_queue_messages = 64;   ///< arrived and not collected, per instance
  bool indicate_while_activating = false;   ///< the literal reading of dd441739 (U6)
};

/// How an instance wants to be known (dd441736). Views: borrowed during the call only.
struct registration {
  std::string_view friendly_name =
      {};                            ///< empty: "Microsoft Connectivity Platform Adapter #N" (G13)
  std::uint64_t interface_luid = 0;  ///< 0: a new one; otherwise one of this provider's own (G16)
  std::uint32_t flags = 0;           ///< only 0 is valid (U8)
  std::string_view access = {};      ///< who may use it: text for the host's access policy (U9)
  int priority = 0;                  ///< instances with a higher one are asked first (U23)
  std::string_view provider_name =
      {};  ///< identity across sessions; empty: the provider's type (U1)
};
static_assert(std::is_trivially_destructible_v<platform_options> &&
              std::is_trivially_destructible_v<registration>);

/// How an application wants its endpoint.
struct endpoint_options {
  transport_id proposed_id = {};  ///< only this id is tried; nil: the platform makes one (U27)
  bool listening = false;  ///< keeps instances active to receive even without a receive (U26)
};

/// Decides whether a registration is granted; supplied by the host program (U9).
class access_policy {
 public:
  /// Completes: with success, or with the reason for refusing. `access` lives until then.
  virtual task<status> authorise(std::string_view provider_name, std::string_view access) = 0;

 protected:
  ~access_policy() = default;
};

}  // namespace lockgate::inline v0

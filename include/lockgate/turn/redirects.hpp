// Where 300 Try Alternate may lead (RFC 8489 section 10): never in circles, never to ourselves.
#pragma once

#include "lockgate/base/address.hpp"         // for socket_address
#include "lockgate/base/clock.hpp"           // for time_point
#include "lockgate/stun/address_policy.hpp"  // for scope_of
#include "lockgate/stun/attributes.hpp"      // for read_address
#include "lockgate/stun/message.hpp"         // for message_view

#include <array>     // for array
#include <chrono>    // for minutes
#include <cstddef>   // for size_t
#include <optional>  // for optional

namespace lockgate::inline v0::stun {

/// The servers visited lately.
class redirects {
 public:
  /// Notes that `server` is being used. The oldest entry makes room.
  void visit(const socket_address& server, time_point now) noexcept {
    visits_[next_++ % visits_.size()] = {server, now};
  }

  /// The alternate that an authenticated 300 names, the family of `server` first; nothing if it is
  /// no public or private unicast address, was visited within 5 minutes (RFC 8489 section 10), or
  /// the chain is too long.
  [[nodiscard]] std::optional<socket_address> follow(const message_view& response,
                                                     const socket_address& server,
                                                     time_point now) const noexcept {
    std::optional<socket_address> alternate;
    for (const attribute& a : response.attributes()) {
      if (a.type != attribute_type::alternate_server) continue;
      const auto address = read_address(a);
      if (address && (!alternate || (alternate->ip.is_v4() != server.ip.is_v4() &&
                                     address->ip.is_v4() == server.ip.is_v4())))
        alternate = address;
    }
    if (!alternate || alternate->port == 0 || scope_of(alternate->ip) < address_scope::site)
      return {};
    std::size_t recent = 0;
    for (const visit_record& v : visits_) {
      if (v.at == time_point::min() || now - v.at > std::chrono::minutes(5)) continue;
      ++recent;
      if (v.server == *alternate) return {};
    }
    return recent < visits_.size() ? alternate : std::nullopt;
  }

 private:
  struct visit_record {
    socket_address server;
    time_point at = time_point::min();
  };
  std::array<visit_record, 8> visits_{};
  std::size_t next_ = 0;
};

}  // namespace lockgate::inline v0::stun

// A platform with one active instance and one ready endpoint, and steps small enough to interrupt.
#pragma once

#include "support/platform_world.hpp"  // for platform_world

#include <string_view>  // for string_view

namespace support {

/// An instance that is registered and, after `connect`, has reached a peer for an endpoint.
class connected_world : public platform_world {
 public:
  explicit connected_world(const lockgate::platform_options& options = {})
      : platform_world(options), s(make_script()), link(create(s)) {}

  /// Registers, opens the endpoint, and sends one message to `peer`.
  void connect() {
    REQUIRE(register_instance(link).ok());
    app = cp.open_endpoint();
    const auto id = ready(app);
    REQUIRE(id.has_value());
    local = *id;
    REQUIRE(send(app, peer, "first").ok());
  }
  /// Takes one step of the scheduler; time stands still. False at rest.
  bool step() {
    home.collect();
    if (home.run_one()) return true;
    home.end_turn();
    return !home.is_idle();
  }
  /// Hands a message up as the provider. The payload is a copy of `text`.
  lockgate::status indicate(std::string_view text) {
    return s.self.indicate(lockgate::incoming(local, peer, lease_of(text)));
  }

  script& s;
  lockgate::provider_instance link;
  lockgate::endpoint app;
  lockgate::transport_id local;
  const lockgate::transport_id peer = peer_id(1);
};

}  // namespace support

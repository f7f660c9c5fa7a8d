// One session of a scripted provider, led to whichever row a test is about.
#pragma once

#include "support/platform_world.hpp"  // for platform_world

#include <array>   // for array
#include <memory>  // for unique_ptr

namespace support {

/// The eight rows.
inline constexpr std::array every_row{
    lockgate::row::establish_session,  lockgate::row::terminate_session,
    lockgate::row::transition_active,  lockgate::row::transition_dormant,
    lockgate::row::add_transport_id,   lockgate::row::remove_transport_id,
    lockgate::row::reach_transport_id, lockgate::row::send_buffers};

/// A world with one instance, one endpoint, and the demand that a row needs to be called.
struct one_session : platform_world {
  explicit one_session(const lockgate::platform_options& options = {}) : platform_world(options) {}

  /// Leads the session to the call of `r`, and runs until nothing is ready. Terminate is provoked
  /// by stopping the platform.
  void lead_to(lockgate::row r) {
    registering = start(p.register_instance());
    run();
    if (r != lockgate::row::establish_session) {
      e = cp.open_endpoint();
      ready_root = start_ready(e);
      run();
    }
    if (r != lockgate::row::transition_active && r != lockgate::row::add_transport_id &&
        r != lockgate::row::establish_session) {
      send_root = start_send(e, peer_id(1), "message");
      run();
    }
    if (r == lockgate::row::transition_dormant || r == lockgate::row::remove_transport_id)
      REQUIRE(run_until([&] { return s.count(r) == 1; }));
    if (r == lockgate::row::terminate_session) {
      stopping = start(cp.stop());
      run();
    }
    REQUIRE(s.count(r) == 1);
  }
  [[nodiscard]] lockgate::time_point called_at(lockgate::row r) const { return s.last(r).at; }
  [[nodiscard]] lockgate::termination_reason reason() const {
    return s.last(lockgate::row::terminate_session).reason;
  }

  script& s = make_script();
  lockgate::provider_instance p = create(s);
  lockgate::endpoint e;
  std::unique_ptr<running<lockgate::status>> registering, send_root, stopping;
  std::unique_ptr<running<lockgate::result<lockgate::transport_id>>> ready_root;
};

}  // namespace support

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

/// The states, in the order of a life.
inline constexpr std::array every_state{
    lockgate::session_state::created,      lockgate::session_state::registering,
    lockgate::session_state::establishing, lockgate::session_state::idle,
    lockgate::session_state::activating,   lockgate::session_state::active,
    lockgate::session_state::deactivating, lockgate::session_state::terminating,
    lockgate::session_state::ended,        lockgate::session_state::deregistered};

/// A host that decides about registrations when the test says so.
class undecided final : public lockgate::access_policy {
 public:
  lockgate::task<lockgate::status> authorise(std::string_view, std::string_view) override {
    static_cast<void>(co_await open.wait());
    co_return answer;
  }
  lockgate::wait_list open;
  lockgate::status answer;
};

/// A world with one instance, one endpoint, and the demand that a row needs to be called.
struct one_session : platform_world {
  explicit one_session(const lockgate::platform_options& options = {}) : platform_world(options) {}

  /// Leads the session to the call of `r`, and runs until nothing is ready. Terminate is provoked
  /// by stopping the platform.
  void lead_to(lockgate::row r) {
    registering_root = start(p.register_instance());
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
  /// Leads the session to a state, and keeps it there by a row that waits at its door.
  void lead_to(lockgate::session_state state) {
    using enum lockgate::session_state;
    using lockgate::row;
    const auto waiting = [&](row r) {
      s.usual(r) = act(manner::waits);
      lead_to(r);
    };
    switch (state) {
      case created: break;
      case registering:
        cp.use_access_policy(policy);
        registering_root = start(p.register_instance());
        run();
        break;
      case establishing: waiting(row::establish_session); break;
      case idle: lead_to(row::establish_session); break;
      case activating: waiting(row::transition_active); break;
      case active: lead_to(row::send_buffers); break;
      case deactivating: waiting(row::transition_dormant); break;
      case terminating: waiting(row::terminate_session); break;
      case ended: lead_to(row::terminate_session); break;
      case deregistered:
        lead_to(row::establish_session);
        CHECK(deregister(p) == lockgate::status());
        break;
    }
    REQUIRE(p.state() == state);
  }
  [[nodiscard]] lockgate::time_point called_at(lockgate::row r) const { return s.last(r).at; }
  [[nodiscard]] lockgate::termination_reason reason() const {
    return s.last(lockgate::row::terminate_session).reason;
  }

  undecided policy;
  script& s = make_script();
  lockgate::provider_instance p = create(s);
  lockgate::endpoint e;
  std::unique_ptr<running<lockgate::status>> registering_root, send_root, stopping;
  std::unique_ptr<running<lockgate::result<lockgate::transport_id>>> ready_root;
};

}  // namespace support

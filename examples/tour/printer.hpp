#pragma once
#include "lockgate/provider.hpp"

#include <iostream>
#include <span>

/// Reaches everybody, and only says what it should do.
class printer {
 public:
  void establish_session(lockgate::instance) { std::cout << "establish_session\n"; }
  lockgate::status transition_active() {
    std::cout << "transition_active\n";
    return {};
  }
  lockgate::status reach_transport_id(lockgate::transport_id peer) {
    std::cout << "reach_transport_id " << to_string(peer) << '\n';
    return {};
  }
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing> messages) {
    for (const lockgate::outgoing& message : messages)
      std::cout << "send_buffers: " << message.payload.size() << " bytes\n";
    return messages.size();
  }
  void terminate_session(lockgate::termination_reason why) {
    std::cout << "terminate_session: " << to_string(why) << '\n';
  }
};
static_assert(lockgate::provider<printer>);

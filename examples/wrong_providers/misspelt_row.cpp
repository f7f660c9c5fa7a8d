// What if a required row has another name? The error says which row is missing and what to write.
//
// expect-error: lockgate provider: needs the row reach_transport_id; write: lockgate::task<lockgate::status> reach_transport_id
// max-lines: 60
#include "lockgate/lockgate.hpp"

class relay {
 public:
  void establish_session(lockgate::instance) {}
  lockgate::status transition_active() { return {}; }
  lockgate::status reach_peer(lockgate::transport_id) { return {}; }  // reach_transport_id
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing> messages) {
    return messages.size();
  }
  void terminate_session(lockgate::termination_reason) {}
};

lockgate::provider_instance make(lockgate::platform& cp) {
  return cp.create<relay>();
}

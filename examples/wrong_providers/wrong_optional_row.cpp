// What if an optional row has the wrong parameters? It is an error too; it is never ignored.
//
// expect-error: lockgate provider: transition_dormant is there, but not as a public row
// expect-error: lockgate provider: add_transport_id and remove_transport_id come together
// max-lines: 60
#include "lockgate/lockgate.hpp"

class relay {
 public:
  void establish_session(lockgate::instance) {}
  lockgate::status transition_active() { return {}; }
  lockgate::status transition_dormant(int seconds) {
    return seconds > 0 ? lockgate::status() : lockgate::errc::timed_out;
  }
  lockgate::status add_transport_id(lockgate::transport_id) { return {}; }  // and who removes it?
  lockgate::status reach_transport_id(lockgate::transport_id) { return {}; }
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing> messages) {
    return messages.size();
  }
  void terminate_session(lockgate::termination_reason) {}
};

lockgate::provider_instance make(lockgate::platform& cp) {
  return cp.create<relay>();
}

// expect-error: lockgate provider: needs the row transition_active; write: lockgate::task<lockgate::status> transition_active\(\);
// max-lines: 20
#include "lockgate/provider/any_provider.hpp"

class relay {
 public:
  void establish_session(lockgate::instance) {}
  void terminate_session(lockgate::termination_reason) {}
  lockgate::status reach_transport_id(lockgate::transport_id) { return {}; }
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing>) { return {}; }
};
lockgate::any_provider erased(std::in_place_type<relay>);

// What if everything is wrong? One sentence for each defect, all of them at once.
//
// expect-error: lockgate provider: needs the row establish_session
// expect-error: lockgate provider: needs the row terminate_session
// expect-error: lockgate provider: needs the row transition_active
// expect-error: lockgate provider: needs the row reach_transport_id
// expect-error: lockgate provider: needs the row send_buffers
// max-lines: 80
#include "lockgate/lockgate.hpp"

class relay {
 public:
  void establish_session() {}                                    // takes the instance
  lockgate::task<int> transition_active();                       // a status, no int
  lockgate::status reach_transport_id(const char* peer);         // a transport_id
  std::size_t send_buffers(std::span<const std::byte> message);  // messages, and accepted
  bool terminate_session();                                      // takes the reason
};

lockgate::provider_instance make(lockgate::platform& cp) {
  return cp.create<relay>();
}

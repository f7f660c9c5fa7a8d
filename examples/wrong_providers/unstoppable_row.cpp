// What if a row returns an awaitable of another library? Nobody could stop it; the error says how
// to wrap it.
//
// expect-error: lockgate provider: transition_active returns an awaitable that cannot be stopped; return lockgate::task, or wrap it
// max-lines: 60
#include "lockgate/lockgate.hpp"

struct foreign_awaitable {
  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  lockgate::status await_resume();
};

class relay {
 public:
  void establish_session(lockgate::instance) {}
  foreign_awaitable transition_active();
  lockgate::status reach_transport_id(lockgate::transport_id) { return {}; }
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing> messages) {
    return messages.size();
  }
  void terminate_session(lockgate::termination_reason) {}
};

lockgate::provider_instance make(lockgate::platform& cp) {
  return cp.create<relay>();
}

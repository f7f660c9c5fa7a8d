// expect-error: lockgate provider: needs the row terminate_session
// expect-error: lockgate provider: needs the row transition_active
// expect-error: lockgate provider: reach_transport_id returns an awaitable that cannot be stopped
// expect-error: lockgate provider: transition_dormant is there, but not as a public row
// expect-error: lockgate provider: add_transport_id and remove_transport_id come together
// max-lines: 60
#include "lockgate/provider/check_provider.hpp"

struct foreign_awaitable {
  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  lockgate::status await_resume();
};

class relay {
 public:
  void establish_session(lockgate::instance);
  lockgate::task<lockgate::status> terminate_session(lockgate::termination_reason);
  lockgate::task<int> transition_active();
  foreign_awaitable reach_transport_id(lockgate::transport_id);
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing>);
  lockgate::status add_transport_id(lockgate::transport_id);

 private:
  lockgate::status transition_dormant();
};
template void lockgate::check_provider<relay>();

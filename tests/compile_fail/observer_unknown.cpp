// expect-error: lockgate observer: has no member that would be called; write: void on\(const lockgate::event& e\) noexcept; or void on_message\(const lockgate::observed_message& m\) noexcept; or both
// max-lines: 50
#include "lockgate/lockgate.hpp"

class counter {
 public:
  void on_event(const lockgate::event&) noexcept { ++events; }
  int events = 0;
};

void observe(lockgate::platform& cp, counter& seen) {
  cp.observe(seen);
}

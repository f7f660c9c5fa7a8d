// expect-error: lockgate observer: on is there, but cannot be called as it should; write: void on\(const lockgate::event& e\) noexcept; or rename it
// expect-error: lockgate observer: on_message is there, but cannot be called as it should; write: void on_message\(const lockgate::observed_message& m\) noexcept; or rename it
// max-lines: 50
#include "lockgate/lockgate.hpp"

class counter {
 public:
  void on(const lockgate::event&) { ++events; }  // may throw
  int events = 0;

 private:
  void on_message(const lockgate::observed_message&) noexcept {}
};

void observe(lockgate::platform& cp, counter& seen) {
  cp.observe(seen);
}

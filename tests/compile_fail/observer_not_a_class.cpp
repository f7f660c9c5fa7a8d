// expect-error: lockgate observer: an observer is a class with on or on_message as a member
// max-lines: 50
#include "lockgate/lockgate.hpp"

void observe(lockgate::platform& cp, void (*seen)(const lockgate::event&)) {
  cp.observe(seen);
}

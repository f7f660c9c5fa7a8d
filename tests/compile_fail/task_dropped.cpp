// expect-error: a task does nothing until it is awaited or spawned
#include "lockgate/coro/task.hpp"

lockgate::task<> child();
void forgets() {
  child();
}

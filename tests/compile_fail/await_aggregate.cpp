// expect-error: lockgate: an awaited aggregate with a destructor is destroyed twice by g\+\+ 12: give it a constructor
// max-lines: 40
#include "lockgate/coro/sleep.hpp"
#include "lockgate/coro/task.hpp"

#include <string>  // for string

struct operation_with_name {
  std::string name;
  auto bind(const lockgate::task_context& context) { return lockgate::yield().bind(context); }
};
lockgate::task<> waits() {
  co_await operation_with_name();
}

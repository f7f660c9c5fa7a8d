// expect-error: lockgate: a task cannot stop this awaitable; await a lockgate::task or one of the library's operations, or wrap it: cancellable\(x, cancel_function\), or uninterruptible\(x\)
// max-lines: 40
#include "lockgate/coro/task.hpp"

#include <coroutine>  // for suspend_always

lockgate::task<> waits() {
  co_await std::suspend_always();
}

// expect-error: deleted (member )?function
// max-lines: 40
#include "lockgate/coro/task.hpp"

lockgate::task<int> child();
lockgate::task<int> awaits_named() {
  auto work = child();
  co_return co_await work;  // co_await std::move(work)
}

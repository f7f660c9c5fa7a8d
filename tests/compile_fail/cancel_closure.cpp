// expect-error: lockgate: the cancel function must be trivially destructible \(capture pointers or references only\): g\+\+ 12 destroys other closures in co_await expressions twice
// max-lines: 40
#include "lockgate/coro/foreign.hpp"

#include <coroutine>  // for suspend_always
#include <string>     // for string

auto wait() {
  std::string name;
  auto cancel = [name](std::suspend_always&) { static_cast<void>(name.size()); };
  return lockgate::cancellable(std::suspend_always(), cancel);
}

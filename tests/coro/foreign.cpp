// coro/foreign.hpp: awaitables of other libraries.
#include "lockgate/coro/foreign.hpp"
#include "lockgate/coro/task.hpp"
#include "support/doctest.hpp"
#include "support/foreign_event.hpp"
#include "support/world.hpp"

#include <memory>     // for unique_ptr
#include <stdexcept>  // for runtime_error

using lockgate::errc;
using lockgate::status;
using lockgate::task;
using support::foreign_event;

namespace {

void cancel(foreign_event::wait& foreign) noexcept {
  foreign.event->fire(errc::canceled);
}
task<status> stoppable(foreign_event& event) {
  co_return co_await lockgate::cancellable(foreign_event::wait(event), cancel);
}
task<status> unstoppable(foreign_event& event) {
  co_return co_await lockgate::uninterruptible(foreign_event::wait(event));
}

TEST_CASE("foreign: its resumption comes back through the ready queue") {
  support::world w;
  foreign_event event;
  support::running<status> root(w.home, stoppable(event));
  REQUIRE(event.is_awaited());
  CHECK(event.fire(errc::closed));
  CHECK_FALSE(root.done());  // not from within fire
  w.home.run_ready();
  REQUIRE(root.done());
  CHECK(root.take() == errc::closed);
}

TEST_CASE("foreign: a stop request calls the cancel function, once") {
  support::world w;
  foreign_event event;
  support::running<status> root(w.home, stoppable(event));
  root.request_stop();
  root.request_stop();
  CHECK_FALSE(event.is_awaited());
  w.home.run_ready();
  CHECK(root.take() == errc::canceled);
}

TEST_CASE("foreign: what cannot be interrupted ends when it ends") {
  support::world w;
  foreign_event event;
  support::running<status> root(w.home, unstoppable(event));
  root.request_stop();
  w.home.run_ready();
  CHECK_FALSE(root.done());
  event.fire();
  w.home.run_ready();
  CHECK(root.take() == status());
}

/// Completes with a value that can only be moved, or throws.
class immediate {
 public:
  explicit immediate(bool fails) noexcept : fails_(fails) {}
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  std::unique_ptr<int> await_resume() const {
    if (fails_) throw std::runtime_error("broke");
    return std::make_unique<int>(5);
  }

 private:
  bool fails_;
};
task<int> awaits_immediate(bool fails) {
  const auto value = co_await lockgate::uninterruptible(immediate(fails));
  co_return *value;
}

TEST_CASE("F29: results and exceptions of a foreign awaitable arrive") {
  support::world w;
  support::running<int> good(w.home, awaits_immediate(false));
  CHECK(good.take() == 5);
  support::running<int> bad(w.home, awaits_immediate(true));
  CHECK_THROWS_AS(bad.take(), std::runtime_error);
}

class by_free_operator {};
immediate operator co_await(by_free_operator) noexcept {
  return immediate(false);
}
task<int> awaits_free_operator() {
  const auto value = co_await lockgate::uninterruptible(by_free_operator());
  co_return *value;
}

TEST_CASE("foreign: a free operator co_await is found") {
  support::world w;
  support::running<int> root(w.home, awaits_free_operator());
  CHECK(root.take() == 5);
}

TEST_CASE("F27: destroyed while the foreign awaitable is pending") {
  support::world w;
  foreign_event event;
  support::running<status> root(w.home, stoppable(event));
  REQUIRE(event.is_awaited());
  root.destroy();
  CHECK_FALSE(event.is_awaited());
  CHECK_FALSE(event.fire());
  w.home.run_ready();
  CHECK_FALSE(root.done());
}

}  // namespace

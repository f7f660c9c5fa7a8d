// provider/instance.hpp: the handle, against a host that is only a test.
#include "lockgate/provider/instance.hpp"
#include "support/doctest.hpp"
#include "support/test_host.hpp"
#include "support/world.hpp"

#include <array>        // for array
#include <type_traits>  // for is_trivially_copyable_v

using lockgate::errc;
using lockgate::incoming;
using lockgate::instance;
using lockgate::result;
using lockgate::status;
using lockgate::task;
using lockgate::transport_id;

namespace {

static_assert(std::is_trivially_copyable_v<instance> && sizeof(instance) == sizeof(void*));

task<result<transport_id>> requests(instance self) {
  co_return co_await self.request_transport_id();
}
task<result<lockgate::peer_signal>> receives(instance self) {
  co_return co_await self.receive_signal();
}
task<status> deregisters(instance self) {
  co_return co_await self.deregister();
}

const transport_id some(std::array<std::byte, 16>{std::byte{7}});

TEST_CASE("instance: a call that is answered at once does not suspend") {
  support::world w;
  support::test_host host(w.home);
  host.answers_now = true;
  host.next_id = some;
  support::running<result<transport_id>> root(w.home, requests(host.handle()));
  REQUIRE(root.done());
  CHECK(root.take().value() == some);
  CHECK(host.pended.empty());
  host.answer = errc::terminated;
  support::running<result<transport_id>> refused(w.home, requests(host.handle()));
  CHECK(refused.take().error() == errc::terminated);
}

TEST_CASE("instance: pended calls complete in order with what the host gives") {
  support::world w;
  support::test_host host(w.home);
  host.next_id = some;
  support::running<result<transport_id>> first(w.home, requests(host.handle()));
  support::running<status> second(w.home, deregisters(host.handle()));
  support::running<result<lockgate::peer_signal>> third(w.home, receives(host.handle()));
  CHECK(host.complete_one());
  CHECK(host.complete_one(errc::deadlock));
  static_cast<lockgate::instance_call&>(host.pended.front()).received.blob.resize(3);
  CHECK(host.complete_one());
  w.home.run_ready();
  CHECK(first.take().value() == some);
  CHECK(second.take() == errc::deadlock);
  CHECK(third.take().value().blob.size() == 3);
}

TEST_CASE("instance: indicate consumes what was accepted, and only that") {
  support::world w;
  support::test_host host(w.home);
  std::array<std::byte, 4> memory{};
  int returned = 0;
  const auto message = [&] {
    return incoming({}, {},
                    lockgate::lease::wrap(
                        memory, [](void* n) noexcept { ++*static_cast<int*>(n); }, &returned));
  };
  incoming one = message();
  host.indicate_answer = errc::not_active;
  CHECK(host.handle().indicate(std::move(one)) == errc::not_active);
  CHECK(one.size() == 4);  // NOLINT(bugprone-use-after-move)
  host.indicate_answer = {};
  CHECK(host.handle().indicate(std::move(one)) == status());
  CHECK(one.size() == 0);
  std::array<incoming, 2> two{message(), message()};
  CHECK(host.handle().indicate(two).count == 2);
  CHECK(host.indicated.size() == 3);
  CHECK(returned == 0);
  host.indicated.clear();
  CHECK(returned == 3);
}

task<> notes(bool& ran) {
  ran = true;
  co_return;
}

TEST_CASE("instance: time, randomness, stop state and tasks are the host's") {
  support::world w;
  support::test_host host(w.home);
  instance self = host.handle();
  CHECK(&self.home() == &w.home);
  CHECK(self.now() == w.time.at);
  CHECK(&self.random() == &w.random);
  CHECK_FALSE(self.stop().stop_requested());
  bool ran = false;
  CHECK(self.spawn(notes(ran)) == status());
  w.home.run_ready();
  CHECK(ran);
  CHECK(self == host.handle());
  CHECK_FALSE(self == instance());
}

}  // namespace

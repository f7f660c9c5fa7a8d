#include "lockgate/asio/network.hpp"       // for asio_network
#include "lockgate/coro/sleep.hpp"         // for yield
#include "lockgate/platform/platform.hpp"  // for platform
#include "lockgate/testing/trial.hpp"      // for trial
#include "proof/scripted_provider.hpp"     // for scripted_provider

#include <doctest/doctest.h>  // for TEST_CASE
#include <sys/resource.h>     // for setrlimit

#include <asio/io_context.hpp>  // for io_context
#include <cstddef>              // for size_t
#include <vector>               // for vector

namespace lt = lockgate::testing;
using lockgate::result;
using lockgate::status;
using lockgate::task;
using lockgate::transport_id;

namespace {

task<> registers(lockgate::provider_instance* instance) {
  const status granted = co_await instance->register_instance();
  CHECK(granted.ok());
}

/// Makes calls without ever waiting, but for its turn.
task<> floods(lockgate::instance self, const bool* enough) {
  while (!*enough) {
    const status done = co_await self.report_unreachable(transport_id());
    static_cast<void>(done);
    co_await lockgate::yield();
  }
}
task<> asks(lockgate::instance self, std::size_t* answered) {
  for (int i = 0; i < 100; ++i) {
    const result<transport_id> id = co_await self.request_transport_id();
    if (id) ++*answered;
    co_await lockgate::yield();
  }
}

}  // namespace

TEST_CASE("F82: 100,000 sessions come and go, and leave nothing behind") {
  const proof::script script;
  proof::record record;
  const auto before = lockgate::frame_memory().alive;
  lt::choices source = lt::choices::replay("0");
  lt::trace events;
  lt::trial_options options;
  options.any_order = false;
  options.steps = static_cast<std::size_t>(-1);
  {
    lt::trial t(source, events, options);
    lockgate::platform& cp = t.make_platform();
    std::vector<lockgate::provider_instance> all;
    for (int i = 0; i < 100'000; ++i) {
      all.push_back(cp.create<proof::scripted_provider>(t, script, record));
      t.start(registers(&all.back()));
      t.run();
      REQUIRE(all.back().state() == lockgate::session_state::idle);
    }
    CHECK(lockgate::frame_memory().alive - before <= 300'000);
    all.clear();
    t.run();
    CHECK(record.destroyed == 100'000);
    t.finish();
    CHECK_FALSE(t.first());
  }
  CHECK(lockgate::frame_memory().alive == before);
}

TEST_CASE("F83: a provider that floods the platform with calls does not hold up another") {
  const proof::script script;
  proof::record loud, quiet;
  lt::choices source = lt::choices::replay("0");
  lt::trace events;
  lt::trial_options options;
  options.any_order = false;
  lt::trial t(source, events, options);
  lockgate::platform& cp = t.make_platform();
  auto first = cp.create<proof::scripted_provider>(t, script, loud);
  auto second = cp.create<proof::scripted_provider>(t, script, quiet);
  t.start(registers(&first));
  t.start(registers(&second));
  t.run();
  bool enough = false;
  std::size_t answered = 0;
  for (int i = 0; i < 50; ++i) t.start(floods(loud.self, &enough));
  t.start(asks(quiet.self, &answered));
  // Each round of the ready queue takes one step of everybody: 51 steps.
  const std::size_t begin = t.steps();
  while (answered < 100 && t.step()) {
  }
  CHECK(answered == 100);
  CHECK(t.steps() - begin <= 100 * 51 * 2);
  enough = true;
  t.run();
}

// UndefinedBehaviorSanitizer takes a descriptor to look at an object, and calls it invalid without.
TEST_CASE("F84: without file descriptors a socket is an error, and works again later" *
          doctest::skip(LOCKGATE_ASAN != 0)) {
  asio::io_context io;
  lockgate::asio_network net{io};
  const lockgate::socket_address any{lockgate::ip_address::v4(127, 0, 0, 1), 0, 0};
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  {
    const rlimit none{0, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto refused = net.open_datagram(any);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(refused);
    CHECK(refused.error().code() == std::errc::too_many_files_open);
  }
  CHECK(net.open_datagram(any));
}

// The platform on its own thread, and providers with threads of theirs; scenarios in threads.c.
#include "threads.h"

#include "lockgate/capi/platform.hpp"  // for run, stop, platform
#include "support/doctest.hpp"         // for TEST_CASE
#include "support/own_thread.hpp"      // for own_thread, restless_application
#include "support/worker.h"            // for worker

#include <array>    // for array
#include <cstddef>  // for byte
#include <cstdint>  // for uint64_t
#include <cstring>  // for memcmp

namespace capi = lockgate::capi;

namespace {

/// Sends numbered messages and checks that each comes back; how many did.
lockgate::task<int> exchange(int count) {
  lockgate::endpoint app = capi::platform().open_endpoint();
  const lockgate::result<lockgate::transport_id> id = co_await app.ready();
  if (!id) co_return -1;
  std::array<std::byte, 100> bytes{};
  int echoed = 0;
  for (int i = 0; i < count; ++i) {
    bytes.fill(static_cast<std::byte>(i));
    const lockgate::chain message{lockgate::bytes_view(bytes)};
    const lockgate::status sent = co_await app.send_to(capi_test::peer, message);
    if (!sent.ok()) break;
    lockgate::result<lockgate::incoming> came = co_await app.receive();
    if (!came || came->remote != capi_test::peer || came->size() != bytes.size()) break;
    std::size_t at = 0;
    bool same = true;
    for (std::size_t part = 0; part < came->part_count(); ++part) {
      const auto piece = came->part(part).bytes();
      same = same && std::memcmp(piece.data(), bytes.data() + at, piece.size()) == 0;
      at += piece.size();
    }
    echoed += same;
  }
  co_return echoed;
}

}  // namespace

TEST_CASE("G24, G26, G28: C: a provider that pends every call and completes on its own thread") {
  const capi_test::own_thread platform;
  const std::uint64_t ignored = capi::misuse().ignored_completions;
  worker w;
  CHECK(worker_start(&w) == S_OK);
  constexpr int count = 500;
  CHECK(capi::run([] { return exchange(count); }) == count);
  CHECK(worker_finish(&w) == S_OK);
  CHECK(w.terminated == 1);
  CHECK(w.echoed == count);
  CHECK(w.returned == count / 2);
  CHECK(w.completed >= count + 3);
  CHECK(capi::misuse().ignored_completions == ignored);
}

TEST_CASE("G20, G23: C: the platform stops while a provider pends") {
  worker w;
  CHECK(worker_start(&w) == S_OK);
  CHECK(capi::run([] { return exchange(3); }) == 3);
  capi::stop();
  CHECK(w.terminated == 1);
  CHECK(worker_finish(&w) == S_OK);  // owed, and still possible
  capi::stop();
}

TEST_CASE("G4: C: establish may wait for a helper that calls") {
  const capi_test::own_thread platform;
  establish_may_wait_for_a_helper_that_calls();
}
TEST_CASE("G23: C: the context can go once deregister has returned") {
  const capi_test::own_thread platform;
  the_context_can_go_once_deregister_has_returned();
}
TEST_CASE("G22: C: several threads deregister at once, and all of them wait") {
  const capi_test::own_thread platform;
  several_threads_deregister_at_once();
}
TEST_CASE("G18, G22, G23: C: many threads live many lives and use each other's handles") {
  const capi_test::own_thread platform;
  const capi_test::restless_application application;
  many_threads_live_many_lives();
}

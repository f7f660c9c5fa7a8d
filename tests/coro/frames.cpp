// coro/frame_memory.hpp: frames are recycled and counted, and one that is missing is reported.
#include "lockgate/coro/frame_memory.hpp"
#include "lockgate/coro/sleep.hpp"
#include "lockgate/coro/task.hpp"
#include "support/allocation.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <array>   // for array
#include <thread>  // for thread

using lockgate::errc;
using lockgate::frame_memory;
using lockgate::status;
using lockgate::task;

namespace {

/// A task whose frame holds `Size` bytes across a suspension.
template <std::size_t Size>
task<int> with_ballast() {
  std::array<volatile char, Size> ballast{};
  co_await lockgate::yield();
  co_return ballast[Size - 1];
}

template <std::size_t Size>
void run_once(support::world& w) {
  support::running<int> root(w.home, with_ballast<Size>());
  w.home.run_ready();
  REQUIRE(root.done());
}

TEST_CASE("frames: alive counts those that exist") {
  support::world w;
  const auto before = frame_memory().alive;
  {
    support::running<int> root(w.home, with_ballast<100>());
    CHECK(frame_memory().alive == before + 1);
    auto unstarted = with_ballast<10>();
    CHECK(frame_memory().alive == before + 2);
  }
  CHECK(frame_memory().alive == before);
}

#if !LOCKGATE_ASAN
TEST_CASE("frames: a steady state allocates nothing") {
  support::world w;
  run_once<10>(w);
  run_once<500>(w);
  const auto allocations = support::allocations_made();
  const auto recycled = frame_memory().recycled;
  for (int i = 0; i < 100; ++i) {
    support::running<int> small(w.home, with_ballast<10>());
    support::running<int> large(w.home, with_ballast<500>());
    w.home.run_ready();
  }
  const auto made = support::allocations_made() - allocations;
  CHECK(made == 0);
  CHECK(frame_memory().recycled - recycled == 200);
}

TEST_CASE("frames: a recycled frame comes from its own 64 bytes of size") {
  std::thread([] {  // a thread of its own has nothing to recycle
    using cache = lockgate::detail::frame_cache;
    void* first = cache::allocate(500);
    cache::release(first, 500);
    void* larger = cache::allocate(513);
    CHECK(larger != first);
    void* smaller = cache::allocate(448);
    CHECK(smaller != first);
    CHECK(frame_memory().allocated == 3);
    void* same = cache::allocate(449);
    CHECK(same == first);
    CHECK(frame_memory().recycled == 1);
    cache::release(same, 449);
    cache::release(smaller, 448);
    cache::release(larger, 513);
  })
      .join();
}

TEST_CASE("frames: very large ones go back to the heap") {
  support::world w;
  const auto blocks = support::blocks_alive();
  run_once<10'000>(w);
  run_once<10'000>(w);
  CHECK(support::blocks_alive() == blocks);
}
#endif

TEST_CASE("frames: a thread's memory goes when the thread does") {
  std::thread([] {}).join();  // whatever the first thread leaves behind for good
  const auto blocks = support::blocks_alive();
  std::thread([] {
    support::world w;
    run_once<10>(w);
    run_once<500>(w);
    run_once<10'000>(w);
  }).join();
  CHECK(support::blocks_alive() == blocks);
}

task<status> child() {
  co_return status();
}
task<status> parent() {
  co_return co_await child();
}

TEST_CASE("F36, F37: every frame may be missing") {
  int reported = 0;
  bool reached_the_end = false;
  for (std::uint64_t k = 1; !reached_the_end && k < 10; ++k) {
    std::thread([&, k] {  // a thread of its own has nothing to recycle
      support::world w;
      const support::failing_allocation fail(k);
      auto work = parent();
      status outcome = errc::no_memory;
      if (work.valid()) {
        support::running<status> root(w.home, std::move(work));
        outcome = root.take();
      }
      if (outcome == errc::no_memory) ++reported;
      reached_the_end = !fail.happened();
    })
        .join();
  }
  CHECK(reached_the_end);
  CHECK(reported == 2);
}

}  // namespace

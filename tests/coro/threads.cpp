// What other threads may do to a scheduler: post, and nothing else.
#include "lockgate/buffer/shared_lease.hpp"
#include "lockgate/buffer/slab_pool.hpp"
#include "lockgate/coro/scheduler.hpp"
#include "support/child_process.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <array>               // for array
#include <condition_variable>  // for condition_variable
#include <cstdlib>             // for abort
#include <mutex>               // for mutex
#include <thread>              // for thread
#include <vector>              // for vector

namespace {

/// A loop that sleeps until it is woken.
class sleeping_loop final : public lockgate::host_loop {
 public:
  void work_appeared() noexcept override {}
  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    awake_ = true;
    changed_.notify_one();
  }
  void sleep() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return awake_; });
    awake_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool awake_ = false;
};

TEST_CASE("F25, F48: everything that threads post arrives, each thread's in its order") {
  constexpr int producers = 4, each = 5'000;
  support::world w;
  sleeping_loop loop;
  w.home.set_host(&loop);
  std::array<int, producers> next{};
  int arrived = 0, out_of_order = 0;
  std::vector<std::thread> threads;
  for (std::size_t p = 0; p < producers; ++p)
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i)
        w.home.post([&, p, i] {
          if (next[p]++ != i) ++out_of_order;
          ++arrived;
        });
    });
  while (arrived < producers * each) {  // a lost wake-up would hang here
    loop.sleep();
    w.home.run_ready();
  }
  for (auto& t : threads) t.join();
  CHECK(out_of_order == 0);
  CHECK(w.home.is_idle());
}

/// Posts itself, allocating nothing.
struct own_item : lockgate::posted_item {
  own_item() noexcept
      : posted_item([](posted_item& self) noexcept { ++static_cast<own_item&>(self).runs; },
                    [](posted_item& self) noexcept { ++static_cast<own_item&>(self).discards; }) {}
  int runs = 0, discards = 0;
};

TEST_CASE("post: an item of one's own runs, or is discarded with the scheduler") {
  own_item run, discarded;
  {
    support::world w;
    std::thread([&] { w.home.post(run); }).join();
    w.home.run_ready();
    std::thread([&] { w.home.post(discarded); }).join();
  }
  CHECK(run.runs == 1);
  CHECK(run.discards == 0);
  CHECK(discarded.runs == 0);
  CHECK(discarded.discards == 1);
}

TEST_CASE("F39, F49: memory that many threads hold goes home by post, once each") {
  constexpr std::size_t threads = 8, each = 500;
  support::world w;
  sleeping_loop loop;
  w.home.set_host(&loop);
  lockgate::slab_pool pool(64, threads * each);
  const lockgate::way_home home{
      [](void* context, void (*run)(void*) noexcept, void* item) noexcept {
        static_cast<lockgate::scheduler*>(context)->post([run, item] { run(item); });
      },
      &w.home};
  std::vector<std::thread> holders;
  for (std::size_t t = 0; t < threads; ++t) {
    std::vector<lockgate::shared_lease> held;
    for (std::size_t i = 0; i < each; ++i) {
      const lockgate::slab_pool::filling memory = pool.acquire();
      memory.memory()[0] = static_cast<std::byte>(t);
      held.emplace_back(memory.cut(0, 1), home);
    }
    holders.emplace_back([mine = std::move(held), t]() mutable {
      std::size_t read = 0;
      while (!mine.empty()) {
        read += mine.back().bytes()[0] == static_cast<std::byte>(t);
        mine.pop_back();
      }
      if (read != each) std::abort();
    });
  }
  CHECK(pool.statistics().outstanding > 0);
  while (pool.statistics().outstanding > 0) {  // one that got lost would hang here
    loop.sleep();
    w.home.run_ready();
  }
  for (auto& t : holders) t.join();
  w.home.run_ready();
  CHECK(w.home.is_idle());
}

TEST_CASE("scheduler: a thread may take it over when nothing of it runs") {
  support::world w;
  w.home.run_ready();
  w.home.release_thread();
  bool finished = false;
  std::thread([&] {
    w.home.run_ready();
    w.home.release_thread();
    finished = true;
  }).join();
  w.home.run_ready();
  CHECK(finished);
}

#if LOCKGATE_CHECKED
TEST_CASE("scheduler: another thread's hand on it stops the program") {
  const auto end = support::in_child_process([] {
    support::world w;
    w.home.run_ready();
    std::thread([&] { w.home.run_ready(); }).join();
  });
  CHECK(end.died_saying("lives on one thread"));
}
#endif

}  // namespace

// See per_core.hpp.
#include "per_core.hpp"

#include "allocations.hpp"     // for allocations
#include "contender.hpp"       // for contender, entries, workload
#include "load_generator.hpp"  // for load_generator
#include "quiet_core.hpp"      // for own_cores, pin_to
#include "results.hpp"         // for report_items
#include "shared_port.hpp"     // for shared_port
#include "watchdog.hpp"        // for watchdog

#include <benchmark/benchmark.h>  // for RegisterBenchmark, State

#include <algorithm>  // for max, min
#include <atomic>     // for atomic
#include <barrier>    // for barrier
#include <chrono>     // for steady_clock
#include <cstdint>    // for uint64_t
#include <exception>  // for exception_ptr, current_exception, rethrow_exception
#include <future>     // for promise, future
#include <memory>     // for unique_ptr
#include <stdexcept>  // for runtime_error
#include <string>     // for string, to_string
#include <thread>     // for thread, yield
#include <utility>    // for move
#include <vector>     // for vector

namespace bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t peers_per_core = 4;

/// A contender on each of several cores, on one port and with nothing shared. The main thread fills
/// their sockets while they sleep.
class team {
 public:
  team(const entry& entered, std::size_t size, std::size_t cores)
      : entered_(entered), size_(size), port_(cores),
        peers_({traffic::plain, peers_per_core * cores, true, size, cores}),
        gate_(static_cast<std::ptrdiff_t>(cores) + 1), members_(cores) {
    peers_.aim_at(port_.address());
    for (std::size_t core = 0; core < cores; ++core) {
      std::promise<void> bound;  // one after the other: sockets are numbered as they are bound
      std::future<void> next = bound.get_future();
      members_[core].thread = std::thread(
          [this, core, bound = std::move(bound)]() mutable { serve(core, std::move(bound)); });
      next.wait();
    }
  }
  team(const team&) = delete;
  ~team() {
    ends_ = true;
    gate_.arrive_and_wait();
    for (member& each : members_) each.thread.join();
  }

  /// Allocations so far, on all cores.
  [[nodiscard]] std::uint64_t allocated() const {
    std::uint64_t sum = 0;
    for (const member& each : members_) sum += each.allocated;
    return sum;
  }

  /// Plays one burst on every core, and returns the time from the first's begin to the last's end.
  clock::duration play(std::size_t burst) {
    burst_ = burst;
    awake_ = 0;
    peers_.fill(burst * members_.size());
    gate_.arrive_and_wait();
    gate_.arrive_and_wait();
    clock::time_point begin = clock::time_point::max(), end = clock::time_point::min();
    for (const member& each : members_) {
      if (each.failure) std::rethrow_exception(each.failure);
      if (each.bytes != burst * size_)
        throw std::runtime_error("a core received another number of bytes than was sent to it");
      begin = std::min(begin, each.begin);
      end = std::max(end, each.end);
    }
    peers_.take_replies();
    return end - begin;
  }

 private:
  struct member {
    std::thread thread;
    std::exception_ptr failure;
    std::size_t bytes = 0;
    std::uint64_t allocated = 0;  // in all rounds
    clock::time_point begin, end;
  };

  /// A core's thread: makes, uses and destroys what belongs to it.
  void serve(std::size_t core, std::promise<void> bound) {
    member& mine = members_[core];
    std::unique_ptr<contender> at_work;
    try {
      if (core < own_cores().size()) pin_to(own_cores()[own_cores().size() - 1 - core]);
      at_work = entered_.make({size_, port_.address(), peers_.addresses(), true});
    } catch (...) {
      mine.failure = std::current_exception();
    }
    bound.set_value();
    for (;;) {
      gate_.arrive_and_wait();
      if (ends_) return;
      for (++awake_; awake_ < members_.size();)
        std::this_thread::yield();  // all begin together, once the last one is awake
      try {
        const std::uint64_t before = allocations();
        mine.begin = clock::now();
        if (at_work) mine.bytes = at_work->run(burst_);
        mine.end = clock::now();
        mine.allocated += allocations() - before;
      } catch (...) {
        mine.failure = std::current_exception();
      }
      gate_.arrive_and_wait();
    }
  }

  const entry& entered_;
  std::size_t size_;
  shared_port port_;
  load_generator peers_;
  std::barrier<> gate_;
  std::vector<member> members_;
  std::size_t burst_ = 0;
  std::atomic<std::size_t> awake_ = 0;
  bool ends_ = false;
};

void measure(benchmark::State& state, const entry& entered, std::size_t size, std::size_t cores,
             std::size_t burst) {
  team all(entered, size, cores);
  // Not counted: the first burst finds the size of batches, the second the memory for them.
  for (int warming = 0; warming < 2; ++warming) all.play(burst);
  const std::uint64_t before = all.allocated();
  for (auto _ : state)
    state.SetIterationTime(std::chrono::duration<double>(all.play(burst)).count());
  report_items(state, static_cast<std::uint64_t>(state.iterations()) * burst * cores,
               all.allocated() - before);
}

}  // namespace

void register_per_core(const effort& each) {
  const std::size_t all_cores = std::max<std::size_t>(2, own_cores().size());
  for (const std::size_t size : sizes)
    for (const bool one : {true, false})
      for (const entry& entered : entries()) {
        if (entered.asked != question::per_core) continue;
        const std::string name =
            "per_core/" + std::to_string(size) + (one ? "/one/" : "/all/") + entered.name;
        const auto row = [name, entered, size, cores = one ? 1 : all_cores,
                          burst = each.burst](benchmark::State& state) {
          const watchdog bites{name};
          try {
            measure(state, entered, size, cores, burst);
          } catch (const std::exception& error) {
            throw std::runtime_error(name + ": " + error.what());
          }
        };
        benchmark::RegisterBenchmark(name.c_str(), row)
            ->UseManualTime()
            ->Iterations(static_cast<benchmark::IterationCount>(each.rounds));
      }
}

}  // namespace bench

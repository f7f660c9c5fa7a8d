// Scale, lockgate: what one pended call and one path cost, in steps of the scheduler and in time,
// when there are few or many of them; and the memory of an idle instance and of a path.
#include "../harness/allocations.hpp"    // for live_bytes
#include "../harness/results.hpp"        // for time_ns, steps_per_item, bytes_per_item
#include "../harness/sink_provider.hpp"  // for sink, lockgate_world, expect_ok

#include <benchmark/benchmark.h>  // for BENCHMARK

#include <array>      // for array
#include <chrono>     // for steady_clock
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint64_t
#include <stdexcept>  // for logic_error
#include <string>     // for string
#include <thread>     // for thread
#include <vector>     // for vector

namespace {

using namespace lockgate;
using clock = std::chrono::steady_clock;

/// Runs everything that is ready. The number of steps.
std::uint64_t run_steps(scheduler& home) {
  std::uint64_t steps = 0;
  do {
    home.collect();
    while (home.run_one()) ++steps;
    home.end_turn();
  } while (!home.is_idle());
  return steps;
}

void report(benchmark::State& state, std::size_t count, std::uint64_t steps,
            std::chrono::duration<double> taken) {
  state.SetIterationTime(taken.count());
  const auto items = static_cast<double>(count);
  state.counters[std::string(bench::time_ns)] = taken.count() * 1e9 / items;
  state.counters[std::string(bench::steps_per_item)] = static_cast<double>(steps) / items;
}

transport_id peer_number(std::size_t number) {
  std::array<std::byte, transport_id::size> bytes{};
  bytes[0] = std::byte{0xfd};
  for (std::size_t i = 1; i <= 4; ++i, number >>= 8)
    bytes[16 - i] = static_cast<std::byte>(number & 0xff);
  return transport_id(bytes);
}

/// Stays in establish_session until it is told to go on; its tasks make calls meanwhile.
struct held : bench::sink {
  held(wait_list& until, std::size_t calls, std::size_t& completed)
      : gate(until), count(calls), done(completed) {}
  task<> establish_session(instance self) {
    for (std::size_t i = 0; i < count; ++i) bench::expect_ok(self.spawn(call(self, &done)));
    static_cast<void>(co_await gate.wait());
  }
  static task<> call(instance self, std::size_t* done) {
    static_cast<void>(co_await self.report_unreachable(bench::lockgate_world::peer()));
    ++*done;
  }
  wait_list& gate;
  std::size_t count;
  std::size_t& done;
};

task<> begin(provider_instance* link) {
  bench::expect_ok(co_await link->register_instance());
}

/// From the end of establish_session to the end of the last call that was held.
void pended_calls(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    bench::lockgate_world world;
    wait_list gate;
    std::size_t done = 0;
    provider_instance link = world.platform().create<held>(gate, count, done);
    world.run(begin(&link));
    run_steps(world.home());
    if (done != 0) throw std::logic_error("scale/pended_calls: a call was not held");
    const auto before = clock::now();
    gate.complete_all();
    const std::uint64_t steps = run_steps(world.home());
    report(state, count, steps, clock::now() - before);
    if (done != count) throw std::logic_error("scale/pended_calls: a call did not complete");
  }
}

task<> open_endpoint(endpoint* from) {
  const result<transport_id> id = co_await from->ready();
  bench::expect_ok(id.error());
}

task<> send_to_each(endpoint* from, std::size_t count) {
  const std::array<std::byte, 64> bytes{};
  const chain message{bytes};
  for (std::size_t i = 0; i < count; ++i)
    bench::expect_ok(co_await from->send_to(peer_number(i), message));
}

/// Each first message makes a path, finds its route and reaches the peer.
void paths(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    bench::lockgate_world world;
    provider_instance link = world.platform().create<bench::sink>();
    endpoint from = world.platform().open_endpoint();
    world.run(begin(&link));
    world.run(open_endpoint(&from));
    task_group senders(world.home());
    const auto before = clock::now();
    bench::expect_ok(senders.spawn(send_to_each(&from, count)));
    const std::uint64_t steps = run_steps(world.home());
    report(state, count, steps, clock::now() - before);
    if (from.statistics().paths != count) throw std::logic_error("scale/paths: a path is missing");
  }
}

/// Reports by how much `fill` makes the memory in use grow, for each of `count` items. It runs on
/// a thread of its own, where no free list has memory left over from other rows.
template <class Fill>
void measure_memory(benchmark::State& state, std::size_t count, Fill fill) {
  for (auto _ : state) {
    std::uint64_t grown = 0;
    std::thread([&] { grown = fill(count); }).join();
    report(state, count, 0, clock::duration(1));
    state.counters[std::string(bench::bytes_per_item)] =
        static_cast<double>(grown) / static_cast<double>(count);
  }
}

std::uint64_t fill_instances(std::size_t count) {
  bench::lockgate_world world;
  std::vector<provider_instance> links(count);
  const std::uint64_t before = bench::live_bytes();
  for (provider_instance& each : links) {
    each = world.platform().create<bench::sink>();
    world.run(begin(&each));
    run_steps(world.home());
    if (each.state() != session_state::idle) throw std::logic_error("scale: not idle");
  }
  return bench::live_bytes() - before;
}
std::uint64_t fill_paths(std::size_t count) {
  bench::lockgate_world world;
  provider_instance link = world.platform().create<bench::sink>();
  endpoint from = world.platform().open_endpoint();
  world.run(begin(&link));
  world.run(open_endpoint(&from));
  const std::uint64_t before = bench::live_bytes();
  world.run(send_to_each(&from, count));
  return bench::live_bytes() - before;
}

void instance_memory(benchmark::State& state) {
  measure_memory(state, static_cast<std::size_t>(state.range(0)), fill_instances);
}
void path_memory(benchmark::State& state) {
  measure_memory(state, static_cast<std::size_t>(state.range(0)), fill_paths);
}

BENCHMARK(pended_calls)
    ->Name("scale/pended_calls")
    ->Arg(10)
    ->Arg(1000)
    ->Arg(100000)
    ->Iterations(1)
    ->UseManualTime();
BENCHMARK(paths)
    ->Name("scale/paths")
    ->Arg(10)
    ->Arg(1000)
    ->Arg(100000)
    ->Iterations(1)
    ->UseManualTime();
BENCHMARK(instance_memory)
    ->Name("scale/instance_memory")
    ->Arg(100000)
    ->Iterations(1)
    ->Repetitions(1)
    ->UseManualTime();
BENCHMARK(path_memory)
    ->Name("scale/path_memory")
    ->Arg(100000)
    ->Iterations(1)
    ->Repetitions(1)
    ->UseManualTime();

}  // namespace

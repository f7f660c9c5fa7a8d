// Life cycle, lockgate: sessions from registration to deregistration, and whole lives with all
// rows.
#include "../harness/allocations.hpp"    // for allocations
#include "../harness/results.hpp"        // for report_items
#include "../harness/sink_provider.hpp"  // for sink, full_sink, lockgate_world

#include <benchmark/benchmark.h>  // for BENCHMARK

#include <array>    // for array
#include <chrono>   // for nanoseconds
#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint64_t
#include <vector>   // for vector

namespace {

using namespace lockgate;

constexpr std::size_t lives_per_run = 100;  // as many as the contender's

/// register, establish, terminate, deregister: four awaited steps.
task<> session_lives(std::vector<provider_instance>* instances) {
  for (provider_instance& each : *instances) {
    bench::expect_ok(co_await each.register_instance());
    bench::expect_ok(co_await each.deregister());
  }
}

/// All eight rows, one send and two timers: the idle time is looked at twice.
task<> full_lives(std::vector<provider_instance>* instances, platform* on) {
  const std::array<std::byte, 64> bytes{};
  const chain message{bytes};
  const transport_id peer = bench::lockgate_world::peer();
  for (provider_instance& each : *instances) {
    bench::expect_ok(co_await each.register_instance());
    endpoint from = on->open_endpoint();
    bench::expect_ok(co_await from.send_to(peer, message));
    while (each.state() != session_state::idle)
      bench::expect_ok(co_await sleep_for(std::chrono::nanoseconds(1)));
    bench::expect_ok(co_await each.deregister());
  }
}

template <class P, class Lives>
void measure(benchmark::State& state, bench::lockgate_world& world, Lives lives) {
  std::vector<provider_instance> instances(lives_per_run);
  const auto renew = [&] {
    for (provider_instance& each : instances) each = world.platform().create<P>();
  };
  renew();
  world.run(lives(&instances));  // warm
  std::uint64_t allocated = 0;
  for (auto _ : state) {
    state.PauseTiming();
    renew();
    state.ResumeTiming();
    const std::uint64_t before = bench::allocations();
    world.run(lives(&instances));
    allocated += bench::allocations() - before;
  }
  bench::report_items(state, static_cast<std::uint64_t>(state.iterations()) * lives_per_run,
                      allocated);
}

void session(benchmark::State& state) {
  bench::lockgate_world world;
  measure<bench::sink>(state, world, session_lives);
}

void full(benchmark::State& state) {
  platform_options options;
  options.idle_time = std::chrono::nanoseconds(1);
  bench::lockgate_world world(options);
  measure<bench::full_sink>(state, world, [&](std::vector<provider_instance>* instances) {
    return full_lives(instances, &world.platform());
  });
}

BENCHMARK(session)->Name("life_cycle/lockgate_session");
BENCHMARK(full)->Name("life_cycle/lockgate_full");

}  // namespace

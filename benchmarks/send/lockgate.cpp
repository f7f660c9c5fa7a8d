// Send: one message through every check of the platform to a provider that takes it, the path open.
#include "../harness/allocations.hpp"    // for allocations
#include "../harness/results.hpp"        // for report_items
#include "../harness/sink_provider.hpp"  // for sink, lockgate_world

#include <benchmark/benchmark.h>  // for BENCHMARK

#include <array>    // for array
#include <cstddef>  // for byte
#include <cstdint>  // for uint64_t
#include <utility>  // for in_place_type

namespace {

using namespace lockgate;

constexpr int messages_per_run = 1000;

task<> send_all(endpoint* from, int count) {
  const std::array<std::byte, 64> bytes{};
  const chain message{bytes};
  const transport_id peer = bench::lockgate_world::peer();
  for (int i = 0; i < count; ++i) bench::expect_ok(co_await from->send_to(peer, message));
}

task<> begin(provider_instance* link, endpoint* from) {
  bench::expect_ok(co_await link->register_instance());
  const result<transport_id> id = co_await from->ready();
  bench::expect_ok(id.error());
  co_await send_all(from, 1);
}

void measure(benchmark::State& state, bench::lockgate_world& world, provider_instance link) {
  endpoint from = world.platform().open_endpoint();
  world.run(begin(&link, &from));
  const std::uint64_t before = bench::allocations();
  for (auto _ : state) world.run(send_all(&from, messages_per_run));
  bench::report_items(state, static_cast<std::uint64_t>(state.iterations()) * messages_per_run,
                      bench::allocations() - before);
}

void now(benchmark::State& state) {
  bench::lockgate_world world;
  measure(state, world, world.platform().create<bench::sink>());
}
void erased(benchmark::State& state) {
  bench::lockgate_world world;
  measure(state, world, world.platform().create(any_provider(std::in_place_type<bench::sink>)));
}
void later(benchmark::State& state) {
  bench::lockgate_world world;
  measure(state, world, world.platform().create<bench::later_sink>());
}

BENCHMARK(now)->Name("send/lockgate_now");
BENCHMARK(erased)->Name("send/lockgate_any_provider");
BENCHMARK(later)->Name("send/lockgate_later");

}  // namespace

// Send through the C surface: the same as send/lockgate_now, to a provider written in C.
#include "../harness/allocations.hpp"    // for allocations
#include "../harness/results.hpp"        // for report_items
#include "../harness/sink_provider.hpp"  // for cheap_random, expect_ok, lockgate_world
#include "c_sink.h"                      // for c_sink

#include "lockgate/capi/hresult.hpp"   // for to_status
#include "lockgate/capi/platform.hpp"  // for stepped_platform

#include <benchmark/benchmark.h>  // for BENCHMARK

#include <array>      // for array
#include <cstddef>    // for byte
#include <cstdint>    // for uint64_t
#include <stdexcept>  // for logic_error
#include <utility>    // for move

namespace {

using namespace lockgate;

constexpr int messages_per_run = 1000;

task<> send_all(endpoint* from, int count) {
  const std::array<std::byte, 64> bytes{};
  const chain message{bytes};
  const transport_id peer = bench::lockgate_world::peer();
  for (int i = 0; i < count; ++i) bench::expect_ok(co_await from->send_to(peer, message));
}

task<> begin(endpoint* from) {
  const result<transport_id> id = co_await from->ready();
  bench::expect_ok(id.error());
  co_await send_all(from, 1);
}

/// The platform of C providers on this thread, and a sink registered with it.
class c_world {
 public:
  c_world() {
    expect_ok(CPNatfwtCreateProviderInstance(&c_sink_table, &sink_, &instance_));
    expect_ok(CPNatfwtRegisterProviderInstance(instance_, nullptr, nullptr, 0, nullptr));
  }
  ~c_world() {
    CPNatfwtDeregisterProviderInstance(instance_);
    home_.run_ready();
    CPNatfwtDestroyProviderInstance(instance_);
  }
  void run(task<> work) {
    bench::expect_ok(tasks_.spawn(std::move(work)));
    while (tasks_.size() > 0) home_.run_ready();
  }
  [[nodiscard]] const c_sink& sink() const { return sink_; }

 private:
  static void expect_ok(HRESULT result) { bench::expect_ok(capi::to_status(result)); }

  steady_time time_;
  bench::cheap_random random_;
  scheduler home_{time_, random_};
  capi::stepped_platform platform_{home_};
  task_group tasks_{home_};
  c_sink sink_{};
  CPNATFWT_PROVIDER_INSTANCE instance_ = nullptr;
};

void now(benchmark::State& state) {
  c_world world;
  endpoint from = capi::platform().open_endpoint();
  world.run(begin(&from));
  const std::uint64_t before = bench::allocations();
  for (auto _ : state) world.run(send_all(&from, messages_per_run));
  const auto sent = static_cast<std::uint64_t>(state.iterations()) * messages_per_run;
  bench::report_items(state, sent, bench::allocations() - before);
  if (world.sink().messages != sent + 1)
    throw std::logic_error("send/c_surface_now: a message did not arrive");
}

BENCHMARK(now)->Name("send/c_surface_now");

}  // namespace

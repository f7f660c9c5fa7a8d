// A hundred thousand of everything: linear work, counted in steps, and all of it cleaned up.
#include "support/allocation.hpp"      // for allocations_made, blocks_alive
#include "support/lean_provider.hpp"   // for lean_provider
#include "support/platform_world.hpp"  // for awaiting, bytes_of

#include <array>   // for array
#include <chrono>  // for minutes, seconds
#include <deque>   // for deque

using namespace lockgate;
using namespace support;

namespace {

constexpr int many = 100'000;

/// Runs until nothing is ready, time standing still. The number of steps taken.
std::size_t count_steps(scheduler& home) {
  std::size_t steps = 0;
  for (;;) {
    home.collect();
    if (home.run_one()) {
      ++steps;
      continue;
    }
    home.end_turn();
    if (home.is_idle()) return steps;
  }
}

/// Establishes when told; its tasks call the platform meanwhile.
struct pending_state {
  wait_list establish;
  instance self;
  std::vector<int> order;
  int failures = 0;
};
class pending_provider {
 public:
  explicit pending_provider(pending_state& state) noexcept : state_(&state) {}
  task<> establish_session(instance self) {
    state_->self = self;
    static_cast<void>(co_await state_->establish.wait());
  }
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) { return messages.size(); }
  void terminate_session(termination_reason) {}

 private:
  pending_state* state_;
};
task<> pended_call(pending_state* s, int number) {
  const status said = co_await s->self.report_unreachable(peer_id(1));
  if (!said.ok()) ++s->failures;
  s->order.push_back(number);
}

enum class ending { resume, cancel, abort };

/// Steps per call, and allocations in all, from the moment in which `count` pended calls are let
/// go.
struct cost {
  double steps = 0;
  std::uint64_t allocations = 0;
};
cost let_go(int count, ending how) {
  world w;
  pending_state state;
  state.order.reserve(static_cast<std::size_t>(count));
  platform cp(w.home);
  provider_instance link = cp.create<pending_provider>(state);
  running<status> registering(w.home, link.register_instance());
  w.home.run_ready();
  REQUIRE(link.state() == session_state::establishing);
  for (int i = 0; i < count; ++i) REQUIRE(state.self.spawn(pended_call(&state, i)).ok());
  w.home.run_ready();
  REQUIRE(link.statistics().pended_calls == static_cast<std::uint64_t>(count));
  CHECK(state.order.empty());
  const auto allocations = allocations_made();
  if (how == ending::resume) state.establish.complete_all();
  if (how == ending::cancel) state.self.stop().request_stop();
  if (how == ending::abort) link = provider_instance();
  cost out;
  out.steps = static_cast<double>(count_steps(w.home)) / count;
  out.allocations = allocations_made() - allocations;
  CHECK(state.order.size() == static_cast<std::size_t>(count));
  bool in_order = true;
  for (int i = 0; i < count; ++i)
    in_order = in_order && state.order[static_cast<std::size_t>(i)] == i;
  CHECK(in_order);
  CHECK(state.failures == (how == ending::resume ? 0 : count));
  state.establish.complete_all();
  running<status> stop(w.home, cp.stop());
  w.advance(std::chrono::minutes(1));
  CHECK(stop.done());
  return out;
}

}  // namespace

TEST_CASE("F81: pended calls resume, are canceled and abort in linear time, in order") {
  for (const ending how : {ending::resume, ending::cancel, ending::abort}) {
    CAPTURE(static_cast<int>(how));
    const cost few = let_go(10, how);
    const cost lots = let_go(many, how);
    CHECK(lots.steps <= 2 * few.steps);
    CHECK(lots.allocations <= 16);  // nothing for a call: what there is serves the session's end
  }
}

TEST_CASE("F82: a hundred thousand idle instances, made and cleaned up") {
  const std::int64_t before = blocks_alive();
  {
    world w;
    lean_state state;
    platform cp(w.home);
    {
      std::deque<provider_instance> links;
      const auto make = [&](int count) {
        for (int i = 0; i < count; ++i) {
          links.push_back(cp.create<lean_provider>(state));
          running<status> root(w.home, links.back().register_instance());
          REQUIRE(root.done());
          REQUIRE(root.take().ok());
        }
        return static_cast<double>(count_steps(w.home)) / count;
      };
      const double few = make(10);
      const double lots = make(many - 10);
      CHECK(lots <= 2 * few);
      CHECK(state.establishes == many);
      w.advance(std::chrono::minutes(5));
      CHECK(state.activations == 0);
    }
    const double ends = static_cast<double>(count_steps(w.home)) / many;
    CHECK(ends <= 10);
    CHECK(state.terminations == many);
    running<status> stop(w.home, cp.stop());
    w.home.run_ready();
    CHECK(stop.done());
  }
  // The free lists of this thread keep memory; what they keep is bounded by what was in use.
  const std::int64_t kept = blocks_alive() - before;
  {
    world w;
    lean_state state;
    platform cp(w.home);
    std::deque<provider_instance> links;
    for (int i = 0; i < 1000; ++i) links.push_back(cp.create<lean_provider>(state));
  }
  CHECK(blocks_alive() - before <= kept);
}

TEST_CASE("a hundred thousand paths, opened, used and cleaned up") {
  world w;
  lean_state state;
  platform cp(w.home);
  provider_instance link = cp.create<lean_provider>(state);
  running<status> registering(w.home, link.register_instance());
  REQUIRE(registering.take().ok());
  endpoint app = cp.open_endpoint();
  const auto peer = [](int number) {
    std::array<std::byte, transport_id::size> bytes{};
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(number >> (8 * i));
    bytes[15] = std::byte{1};
    return transport_id(bytes);
  };
  const auto open = [&](int from, int to) {
    std::deque<running<status>> sends;
    for (int i = from; i < to; ++i)
      sends.emplace_back(w.home, awaiting<status>(app.send_to(peer(i), bytes_of("x"))));
    const std::size_t steps = count_steps(w.home);
    for (auto& s : sends) REQUIRE(s.take().ok());
    return static_cast<double>(steps) / (to - from);
  };
  const double few = open(0, 10);
  const double lots = open(10, many);
  CHECK(lots <= 2 * few);
  CHECK(app.statistics().paths == many);
  CHECK(state.reaches == many);
  // Each of them is a fast lane.
  for (int i = 0; i < many; i += 1000) {
    running<status> at_once(w.home, awaiting<status>(app.send_to(peer(i), bytes_of("y"))));
    REQUIRE(at_once.done());
  }
  // All are reached anew after dormancy; none is kept meanwhile.
  w.advance(std::chrono::minutes(5));
  CHECK(link.state() == session_state::idle);
  CHECK(app.statistics().paths == 0);
  CHECK(open(0, many) <= 2 * few);
  app.close();
  CHECK(static_cast<double>(count_steps(w.home)) / many <= 4);
  running<status> stop(w.home, cp.stop());
  w.advance(std::chrono::minutes(1));
  CHECK(stop.done());
}

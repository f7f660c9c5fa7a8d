// capi/instance_gate.hpp: who may pass, of which handle, and that nothing passes a gate that has
// ended.
#include "lockgate/capi/instance_gate.hpp"  // for instance_gate
#include "support/doctest.hpp"

#include <array>    // for array
#include <atomic>   // for atomic
#include <cstdint>  // for uint32_t, uint64_t
#include <thread>   // for thread

using lockgate::capi::detail::handle_phase;
using lockgate::capi::detail::instance_gate;

namespace {

constexpr std::uint32_t mine = 7, another = 8, last = 0xffffffff;

}  // namespace

TEST_CASE("G6: C: nothing passes a gate that has not been opened, or is of another handle") {
  instance_gate gate;
  CHECK_FALSE(gate.enter(0));  // a slot that was never used
  gate.begin(mine);
  CHECK(gate.look().phase() == handle_phase::created);
  CHECK_FALSE(gate.enter(mine));
  gate.open(gate.close());
  CHECK(gate.look().is_active());
  CHECK_FALSE(gate.enter(another));
  CHECK_FALSE(gate.enter(mine - 1));
  CHECK(gate.look().is_empty());
  CHECK(gate.enter(mine));
  CHECK_FALSE(gate.look().is_empty());
  CHECK(gate.leave());
}

TEST_CASE("G23: C: the last one who leaves is told, whether the gate is open or has ended") {
  instance_gate gate;
  gate.begin(mine);
  gate.open(gate.close());
  REQUIRE(gate.enter(mine));
  REQUIRE(gate.enter(mine));
  gate.end();
  CHECK_FALSE(gate.enter(mine));
  CHECK_FALSE(gate.leave());
  CHECK(gate.leave());
  CHECK(gate.look().has_ended());
  CHECK(gate.look().is_empty());
  CHECK(gate.look().generation() == mine);
}

TEST_CASE("G27: C: a ticket opens only what closed with it, and nothing once the gate has ended") {
  instance_gate gate;
  gate.begin(mine);
  const std::uint64_t first = gate.close();
  const std::uint64_t second = gate.close();
  CHECK(first != second);
  gate.open(first);  // the completion of an activation that has failed since
  CHECK_FALSE(gate.look().is_active());
  gate.open(second);
  CHECK(gate.look().is_active());
  gate.end();
  gate.open(second);
  CHECK_FALSE(gate.look().is_active());
}

TEST_CASE("C: tickets that run over leave everything else as it was") {
  instance_gate gate;
  gate.begin(last);
  REQUIRE(gate.move(last, handle_phase::created, handle_phase::registered));
  gate.open(gate.close());
  REQUIRE(gate.enter(last));
  const std::uint64_t before = gate.close();
  std::uint64_t now = gate.close();
  for (int closes = 1; now != before; ++closes) {
    REQUIRE_MESSAGE(closes < 1000, "the tickets do not come round");
    gate.open(before);
    CHECK_FALSE(gate.look().is_active());
    CHECK(gate.look().phase() == handle_phase::registered);
    CHECK(gate.look().generation() == last);
    CHECK_FALSE(gate.look().is_empty());
    CHECK_FALSE(gate.look().has_ended());
    now = gate.close();
  }
  CHECK(gate.leave());
}

TEST_CASE("G16: C: a handle is moved on only by its own generation, from the phase it is in") {
  instance_gate gate;
  gate.begin(mine);
  CHECK_FALSE(gate.move(another, handle_phase::created, handle_phase::registering));
  CHECK_FALSE(gate.move(mine, handle_phase::registered, handle_phase::deregistered));
  CHECK(gate.move(mine, handle_phase::created, handle_phase::registering));
  CHECK_FALSE(gate.move(mine, handle_phase::created, handle_phase::registering));
  gate.open(gate.close());
  REQUIRE(gate.enter(mine));
  CHECK(gate.move(mine, handle_phase::registering, handle_phase::registered));
  CHECK(gate.look().phase() == handle_phase::registered);
  CHECK(gate.look().is_active());
  CHECK_FALSE(gate.look().is_empty());
  CHECK(gate.leave());
  gate.end();
  CHECK(gate.move(mine, handle_phase::registered, handle_phase::deregistered));
  CHECK(gate.look().has_ended());
  gate.begin(another);  // the slot's next handle
  CHECK_FALSE(gate.look().has_ended());
  CHECK(gate.look().phase() == handle_phase::created);
  CHECK(gate.look().generation() == another);
}

TEST_CASE("F47: C: one of several threads moves a handle on") {
  for (int round = 0; round < 200; ++round) {
    instance_gate gate;
    gate.begin(mine);
    std::atomic<int> moved{0};
    std::array<std::thread, 3> threads;
    for (std::thread& each : threads)
      each = std::thread([&] {
        moved += gate.move(mine, handle_phase::created, handle_phase::registering) ? 1 : 0;
      });
    for (std::thread& each : threads) each.join();
    CHECK(moved == 1);
  }
}

TEST_CASE("G23, F47: C: after the end exactly one who leaves is the last, and nobody follows") {
  for (int round = 0; round < 200; ++round) {
    instance_gate gate;
    gate.begin(mine);
    gate.open(gate.close());
    std::atomic<bool> is_over{false};
    std::atomic<int> last_after_end{0}, passed_after_end{0};
    REQUIRE(gate.enter(mine));  // so that nobody is the last before the end
    std::array<std::thread, 3> threads;
    for (std::thread& each : threads)
      each = std::thread([&] {
        while (!is_over.load()) {
          if (!gate.enter(mine)) continue;
          if (gate.leave()) ++last_after_end;
        }
        if (gate.enter(mine)) ++passed_after_end;
      });
    gate.end();
    if (gate.leave()) ++last_after_end;
    is_over = true;
    for (std::thread& each : threads) each.join();
    CHECK(last_after_end == 1);
    CHECK(passed_after_end == 0);
    CHECK(gate.look().is_empty());
  }
}

// A provider in C that pends every call, under the explorer: it picks the order of everything that
// is ready, when and on which thread each call is completed, and with which result.
#include "support/doctest.hpp"         // for TEST_CASE
#include "support/trial_instance.hpp"  // for trial_instance

#include "lockgate/platform/endpoint.hpp"  // for endpoint
#include "lockgate/testing/explorer.hpp"   // for explore

#include <array>    // for array
#include <chrono>   // for minutes
#include <cstddef>  // for byte, size_t
#include <string>   // for string

namespace lt = lockgate::testing;
using capi_test::trial_instance;
using lockgate::task;

namespace {

/// What the callbacks' order must be: E first, T last, each send after a reach and while active.
bool is_legal(const std::string& log) {
  bool active = false, reached = false;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const char c = log[i];
    if ((c == 'E') != (i == 0)) return false;
    if (c == 'T' && i + 1 != log.size()) return false;
    if (c == 'A') active = true;
    if (c == 'D') active = reached = false;
    if (c == 'R') reached = true;
    if ((c == '+' || c == 'R') && !active) return false;
    if (c == 'S' && !reached) return false;
  }
  return true;
}

task<> registers(lt::trial* t, trial_instance* instance) {
  const lockgate::status granted = co_await instance->register_instance();
  t->require(granted.ok(), "G1", "registration failed");
}
task<> deregisters(trial_instance* instance) {
  const lockgate::status ended = co_await instance->deregister();
  static_cast<void>(ended);
}
task<> sends(lockgate::endpoint* from, std::byte peer) {
  const std::array<std::byte, 3> bytes{};
  const lockgate::chain message(bytes);
  for (int i = 0; i < 2; ++i) {
    const lockgate::status sent =
        co_await from->send_to(lockgate::transport_id({std::byte{0xfd}, peer}), message);
    static_cast<void>(sent);
  }
}

/// A life in use, which somebody may end at any moment.
void a_life(lt::trial& t, capi_test::other_thread& other) {
  lockgate::platform& cp = t.make_platform();
  lockgate::endpoint app = cp.open_endpoint();
  {
    trial_instance instance(t, cp, other, trial_instance::completions::chosen);
    t.start(registers(&t, &instance));
    t.start(sends(&app, std::byte{8}));
    t.start(sends(&app, std::byte{9}));
    if (t.choose(2) == 1) t.start(deregisters(&instance));
    t.run_for(std::chrono::minutes(5));  // to dormancy
    app.close();
    t.start(deregisters(&instance));
    t.run_for(std::chrono::minutes(5));
    t.require(instance.state() == lockgate::session_state::deregistered, "G23",
              "the instance was not drained");
    const provider& told = instance.told();
    t.require(told.log[0] == 'E' && told.calls[TERMINATE] == 1, "G22",
              "establish and terminate do not pair");
    t.require(is_legal(told.log), "G3", "the callbacks came in an order that is not allowed");
    t.require(told.overlaps == 0, "U14", "a callback began inside another");
    t.require(told.wrong_arguments == 0, "G10", "a callback got another handle");
  }
  t.finish();
}

void check(lt::choices source, std::uint64_t runs) {
  capi_test::other_thread other;
  capi_test::make_slots();
  lt::exploration_options limits;
  limits.runs = runs;
  const lt::exploration seen =
      lt::explore(std::move(source), [&other](lt::trial& t) { a_life(t, other); }, limits);
  CHECK(seen.runs == runs);
  if (seen.first_failure) FAIL_CHECK(to_string(*seen.first_failure));
}

}  // namespace

TEST_CASE("G3, G22, G23, G24, G27, G28, G38: C: completions in every order") {
  lt::search_bounds few;
  few.deviations = 2;
  check(lt::choices::exhaustive(few), 1500);
}
TEST_CASE("G3, G22, G23, G24, G27, G28, G38: C: completions by chance") {
  check(lt::choices::seeded(1), 1500);
}
TEST_CASE("G3, G22, G23, G24, G27, G28, G38: C: completions by priority") {
  check(lt::choices::by_priority(1, 3, 100), 500);
}

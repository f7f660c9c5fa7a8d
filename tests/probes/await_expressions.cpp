// What the compiler makes of temporaries in co_await expressions: our patterns must work on every
// compiler; those that our rules forbid are noted, so that a newer compiler shows when they work.
#include "lockgate/coro/task.hpp"
#include "lockgate/coro/wait_list.hpp"
#include "support/child_process.hpp"
#include "support/counted.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <cstdint>  // for uintptr_t
#include <memory>   // for unique_ptr
#include <string>   // for string
#include <tuple>    // for tuple
#include <utility>  // for pair

using lockgate::task;
using support::counted;
using support::counted_totals;

namespace {

/// What the probes await: it may suspend, so that each can be destroyed on the way.
struct probe_site {
  counted_totals totals;
  lockgate::wait_list gate;
};
/// By value, so that the temporary of the awaiting expression lives until its end.
template <class T>
task<int> takes(probe_site& site, T value) {
  static_cast<void>(value);
  static_cast<void>(co_await site.gate.wait());
  co_return 1;
}
template <class T>
task<int> takes_reference(probe_site& site, const T& value) {
  static_cast<void>(value);
  static_cast<void>(co_await site.gate.wait());
  co_return 1;
}

struct aggregate {
  counted member;
};
struct trivial {
  int a = 0;
  counted_totals* totals = nullptr;
};
class with_constructor {
 public:
  explicit with_constructor(counted_totals& totals) : member(totals) {}
  counted member;
};

using probe = task<int> (*)(probe_site&);
struct named_probe {
  const char* name;
  probe run;
};

// --- what we write ------------------------------------------------------------------------------

task<int> class_with_constructor(probe_site& s) {
  co_return co_await takes(s, with_constructor(s.totals));
}
task<int> class_by_reference(probe_site& s) {
  co_return co_await takes_reference(s, with_constructor(s.totals));
}
task<int> named_aggregate_moved_in(probe_site& s) {
  aggregate named{counted(s.totals)};
  co_return co_await takes(s, std::move(named));
}
task<int> trivial_aggregate(probe_site& s) {
  const counted local(s.totals);
  co_return co_await takes(s, trivial{.a = 1, .totals = &s.totals});
}
aggregate made(counted_totals& totals) {
  return aggregate{counted(totals)};
}
task<int> aggregate_from_function(probe_site& s) {
  co_return co_await takes(s, made(s.totals));
}
task<int> standard_templates(probe_site& s) {
  const int a = co_await takes(s, std::make_unique<counted>(s.totals));
  const int b = co_await takes(s, std::pair<counted, int>(counted(s.totals), 1));
  const int c = co_await takes(s, std::tuple<counted, int>(counted(s.totals), 1));
  co_return (a + b + c) / 3;
}
task<int> awaited_in_two_steps(probe_site& s) {
  auto work = takes(s, aggregate{counted(s.totals)});
  co_return co_await std::move(work);
}
task<int> if_and_else(probe_site& s) {
  int result = 0;
  if (s.totals.made == 0) result = co_await takes(s, with_constructor(s.totals));
  else result = co_await takes(s, counted(s.totals));
  co_return result;
}
task<int> init_declaration(probe_site& s) {
  if (const int r = co_await takes(s, counted(s.totals)); r != 1) co_return 0;
  co_return 1;
}
task<std::pair<int, counted>> gives_pair(probe_site& s) {
  static_cast<void>(co_await s.gate.wait());
  co_return std::pair<int, counted>(1, counted(s.totals));
}
task<int> binding_of_a_named_result(probe_site& s) {
  auto result = co_await gives_pair(s);
  auto& [number, unused] = result;
  static_cast<void>(unused);
  co_return number;
}
task<int> members_one_by_one(probe_site& s) {
  const counted first(s.totals);
  const int a = co_await takes(s, counted(s.totals));
  const counted second(s.totals);
  const int b = co_await takes(s, counted(s.totals));
  co_return a* b;
}

constexpr named_probe ours[] = {
    {"class with a constructor", class_with_constructor},
    {"class with a constructor, by reference", class_by_reference},
    {"named aggregate, moved in", named_aggregate_moved_in},
    {"trivially destructible aggregate", trivial_aggregate},
    {"aggregate that a function returned", aggregate_from_function},
    {"unique_ptr, pair, tuple", standard_templates},
    {"task named first, then awaited", awaited_in_two_steps},
    {"if and else", if_and_else},
    {"if with an init declaration", init_declaration},
    {"structured binding of a named result", binding_of_a_named_result},
    {"members built one by one", members_one_by_one},
};

// --- what our rules forbid ----------------------------------------------------------------------

task<int> aggregate_temporary(probe_site& s) {  // rule 1
  co_return co_await takes(s, aggregate{counted(s.totals)});
}
task<int> aggregate_by_reference(probe_site& s) {  // rule 1
  co_return co_await takes_reference(s, aggregate{counted(s.totals)});
}
task<int> capturing_lambda(probe_site& s) {  // rule 1
  co_return co_await takes(s, [c = counted(s.totals)] { static_cast<void>(c); });
}
task<int> conditional_operator(probe_site& s) {  // rule 2
  const bool first = s.totals.made == 0;
  const counted c = first ? (co_await takes(s, 1), counted(s.totals)) : counted(s.totals);
  static_cast<void>(c);
  co_return 1;
}
task<int> conditional_await(probe_site& s) {  // rule 2
  const bool first = s.totals.made == 0;
  const auto c = first ? co_await gives_pair(s) : co_await gives_pair(s);
  co_return c.first;
}
task<int> binding_of_await(probe_site& s) {  // rule 4
  auto [number, unused] = co_await gives_pair(s);
  static_cast<void>(unused);
  co_return number;
}

constexpr named_probe forbidden[] = {
    {"aggregate temporary", aggregate_temporary},
    {"aggregate temporary, by reference", aggregate_by_reference},
    {"capturing lambda", capturing_lambda},
    {"?: with a temporary in an arm", conditional_operator},
    {"?: between two awaits", conditional_await},
    {"structured binding directly on co_await", binding_of_await},
};

/// Runs a probe to its end, and once more for each suspension, destroyed there: true when every
/// object was destroyed exactly once.
bool is_sound(probe run) {
  for (int stops_at = 0; stops_at < 10; ++stops_at) {
    support::world w;
    probe_site site;
    bool ended = false;
    {
      support::running<int> root(w.home, run(site));
      for (int step = 0; step < stops_at && !root.done(); ++step) {
        site.gate.complete_one();
        w.home.run_ready();
      }
      ended = root.done();
      if (ended && root.take() != 1) return false;
    }
    if (site.totals.alive() != 0) return false;
    if (ended) return site.totals.made > 0;
  }
  return false;
}

TEST_CASE("probes: the patterns we use") {
  for (const named_probe& p : ours) CHECK_MESSAGE(is_sound(p.run), std::string(p.name));
}

TEST_CASE("probes: the patterns we avoid (notes only)") {
  for (const named_probe& p : forbidden) {
    const auto end = support::in_child_process([&] {
      if (!is_sound(p.run)) _exit(1);
    });
    MESSAGE(std::string(p.name), std::string(end.orderly ? ": right here" : ": wrong here"));
  }
}

// --- frames (rules 8, 9) and conditions (compilers' traps in the session's prototype)
// -------------

class member_of_16 {
 public:
  alignas(16) char bytes[16] = {};
};
task<bool> aligned_local(probe_site& s) {
  member_of_16 local;
  static_cast<void>(co_await s.gate.wait());
  co_return reinterpret_cast<std::uintptr_t>(&local) % 16 == 0;
}

TEST_CASE("probes: a frame is aligned for everything up to 16 bytes") {
  support::world w;
  probe_site site;
  support::running<bool> a(w.home, aligned_local(site));
  support::running<bool> b(w.home, aligned_local(site));
  site.gate.complete_all();
  w.home.run_ready();
  CHECK(a.take());
  CHECK(b.take());
}

task<bool> yes() {
  co_return true;
}
task<> tests_await_in_condition(int& ran) {
  if (co_await yes()) ran = 1;
}
task<> tests_named_result(int& ran) {
  const bool answer = co_await yes();
  if (answer) ran = 1;
}
task<> tests_with_init(int& ran) {
  if (const bool answer = co_await yes(); answer) ran = 1;
}

TEST_CASE("probes: a body that tests an awaited result runs when the result has a name") {
  for (const auto body : {tests_named_result, tests_with_init}) {
    support::world w;
    int ran = 0;
    support::running<> root(w.home, body(ran));
    CHECK(root.done());
    CHECK(ran == 1);
  }
}

#if LOCKGATE_CHECKED
TEST_CASE("probes: a frame that the compiler laid out wrongly is detected, or there is none") {
  const auto end = support::in_child_process([] {
    support::world w;
    int ran = 0;
    support::running<> root(w.home, tests_await_in_condition(ran));
    if (!root.done() || ran != 1) _exit(1);
  });
  const bool detected = end.died_saying("miscompiled this coroutine: name the result of co_await");
  CHECK((end.orderly || detected));
  MESSAGE("if (co_await x): ",
          std::string(end.orderly ? "right here" : "wrong here, and detected"));
}
#endif

task<bool> counts(int& calls) {
  ++calls;
  co_return true;
}
task<> short_circuit(int& calls) {
  const bool first = calls > 0;
  bool second = first && co_await counts(calls);
  static_cast<void>(second);
}
task<> short_circuit_in_condition(int& calls) {
  int rounds = 0;
  const bool go = calls > 0;
  while (go && co_await counts(calls))
    if (++rounds == 3) break;
}

TEST_CASE("probes: short circuit around an await (notes only)") {
  for (const auto body : {short_circuit, short_circuit_in_condition}) {
    const auto end = support::in_child_process([&] {
      support::world w;
      int calls = 0;
      support::running<> root(w.home, body(calls));
      if (!root.done() || calls != 0) _exit(1);
    });
    MESSAGE(std::string(body == short_circuit ? "a && co_await b" : "while (a && co_await b)"),
            std::string(end.orderly ? ": right here" : ": wrong here"));
  }
}

}  // namespace

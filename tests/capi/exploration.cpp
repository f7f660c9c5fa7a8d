// A provider in C that pends every call, on a stepped platform, while chance picks the next step:
// any ready coroutine, any completion, an action of the application, the end.
#include "support/application.hpp"  // for application
#include "support/doctest.hpp"      // for TEST_CASE
#include "support/provider.h"       // for provider

#include "lockgate/base/random.hpp"  // for random_source

#include <array>    // for array
#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t
#include <cstring>  // for strlen
#include <string>   // for string
#include <utility>  // for swap

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

class run_by_chance {
 public:
  explicit run_by_chance(std::uint64_t seed) : chance_(seed) {}

  void operator()() {
    provider_init(&p_);
    for (const row r : {ACTIVE, DORMANT, ADD, REMOVE, REACH, SEND}) p_.says[r] = CPNATFWT_PENDING;
    CHECK(CPNatfwtRegisterProviderInstance(p_.instance, nullptr, nullptr, 0, nullptr) == S_OK);
    const int steps = 40 + static_cast<int>(chance_.below(120));
    for (int i = 0; i < steps; ++i) take_a_step();
    CHECK(CPNatfwtDeregisterProviderInstance(p_.instance) == S_OK);
    for (int i = 0; i < 400 && !is_over(); ++i) take_a_step();
    // From here on nothing is left to chance: everything pended is completed.
    here_.world.advance(std::chrono::minutes(2));
    while (p_.pended_count > 0) {
      complete_first(&p_, CPNATFWT_E_ABORTED);
      here_.world.advance(std::chrono::minutes(2));
    }
    CHECK(is_over());
    CHECK(is_legal(p_.log));
    CHECK(p_.calls[TERMINATE] == 1);
    CHECK(p_.overlaps == 0);
    for (const auto& s : here_.sends) CHECK(s.run->completions() == 1);
    CPNatfwtDestroyProviderInstance(p_.instance);
  }

 private:
  bool is_over() { return CPNatfwtDeregisterProviderInstance(p_.instance) == CPNATFWT_E_STATE; }
  void take_a_step() {
    static constexpr BYTE peers[2][16] = {{0xfd, 8}, {0xfd, 9}};
    lockgate::scheduler& home = here_.world.home;
    switch (chance_.below(12)) {
      case 0:
        if (here_.endpoints.size() < 3)
          here_.endpoints.push_back(
              lockgate::capi::platform().open_endpoint({.proposed_id = {}, .listening = true}));
        break;
      case 1:
        if (!here_.endpoints.empty())
          here_.begin_send(chance_.below(here_.endpoints.size()), peers[chance_.below(2)]);
        break;
      case 2: here_.world.time.at += std::chrono::seconds(chance_.below(3)); break;
      case 3:
      case 4:
      case 5:
        if (p_.pended_count > 0) {
          std::swap(p_.pended[0], p_.pended[chance_.below(p_.pended_count)]);
          complete_first(&p_, chance_.below(5) == 0 ? E_FAIL : S_OK);
        }
        break;
      default:
        home.collect();
        if (const std::size_t ready = home.ready_count(); ready > 0)
          home.run_one(chance_.below(ready));
        home.end_turn();
    }
  }

  support::seeded_random chance_;
  capi_test::application here_;
  provider p_{};
};

}  // namespace

TEST_CASE("G3, G22, G23, G24, G38: C: completions and steps in any order") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    run_by_chance{seed}();
  }
}

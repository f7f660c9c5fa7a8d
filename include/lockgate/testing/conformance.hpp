// Applies the lifecycle to somebody's provider and says, guarantee by guarantee, what came of it.
#pragma once

#include "lockgate/platform/endpoint.hpp"       // for endpoint
#include "lockgate/testing/explorer.hpp"        // for explore
#include "lockgate/testing/provider_probe.hpp"  // for provider_probe
#include "lockgate/testing/sweeps.hpp"          // for sweep_allocations

#include <algorithm>    // for any_of
#include <array>        // for array
#include <chrono>       // for minutes
#include <cstddef>      // for byte, size_t
#include <cstdint>      // for uint64_t
#include <optional>     // for optional
#include <string>       // for string
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace lockgate::inline v0::testing {

/// What came of a question.
enum class verdict { passed, failed, not_applicable };

[[nodiscard]] constexpr std::string_view to_string(verdict v) noexcept {
  return v == verdict::passed ? "passed" : v == verdict::failed ? "FAILED" : "not applicable";
}

/// What came of one question put to a provider.
struct conformance_item {
  conformance_item() {}
  std::string guarantee;  ///< what is asked about: G1 to G41, U1 to U28
  std::string question;
  verdict outcome = verdict::not_applicable;
  std::string why;      ///< the rule that was broken, in words; or why the question does not apply
  std::string events;   ///< what happened, one line an event
  std::string choices;  ///< the order in which it happened, shortened as far as it goes
  std::uint64_t runs = 0;
};

/// The answers. Data only: any test framework can assert on it.
struct conformance_report {
  conformance_report() {}
  std::vector<conformance_item> items;
  [[nodiscard]] bool passed() const noexcept {
    return std::none_of(items.begin(), items.end(),
                        [](const conformance_item& i) { return i.outcome == verdict::failed; });
  }
  /// One line for each question; for those that failed, what happened.
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const conformance_item& i : items) {
      out += std::string(to_string(i.outcome)) + "  " + i.guarantee + ": " + i.question;
      if (!i.why.empty()) out += " - " + i.why;
      out += '\n';
      if (i.outcome == verdict::failed) out += "choices: " + i.choices + '\n' + i.events;
    }
    return out;
  }
};

/// What the questions are about, and how much is tried.
struct conformance_options {
  transport_id local{};  ///< the id that an application asks for; nil: the platform makes one
  transport_id peer =
      transport_id(std::array<std::byte, 16>{std::byte{0xfd}});  ///< whom to send to
  std::uint64_t runs = 300;                                      ///< orders tried for each question
};

namespace detail {

/// One life of a provider: what somebody does to it. `make(trial&, platform&)` gives the instance.
template <class Make>
struct provider_life {
  Make make;
  conformance_options options;
  bool demand = false;      ///< an application wants to send
  bool idle = false;        ///< it is left alone until it is dormant, and then wanted again
  bool deregister = false;  ///< somebody deregisters at any moment
  bool shutdown = false;    ///< the platform stops at any moment
  bool activated = false;   ///< out: it became active in some run
  bool reached = false;     ///< out: it reached the peer

  void operator()(trial& t) {
    platform& cp = t.make_platform();
    auto instance = make(t, cp);
    endpoint_options wish;
    wish.proposed_id = options.local;
    endpoint end;
    if (demand) end = cp.open_endpoint(wish);
    t.start(registers(&t, &instance));
    if (demand) t.start(sends(&end, options.peer));
    if (deregister) t.start(deregisters(&instance));
    if (shutdown) t.start(stops(&cp));
    t.run_for(std::chrono::minutes(10));
    if (idle) {
      t.start(sends(&end, options.peer));
      t.run_for(std::chrono::minutes(10));
    }
    end.close();
    t.start(deregisters_surely(&instance));
    t.run_for(std::chrono::minutes(10));
    t.require(instance.state() == session_state::deregistered ||
                  instance.state() == session_state::created,
              "G23", "the instance was not drained ten minutes after it was deregistered");
    t.finish();
    judge(t);
  }

 private:
  static task<> registers(trial* t, auto* instance) {
    const status granted = co_await instance->register_instance();
    t->require(granted.ok() || granted == errc::closed || granted == errc::no_memory, "G1",
               "registration failed");
  }
  static task<> sends(endpoint* end, transport_id peer) {
    const std::array<std::byte, 4> bytes{};
    const chain payload(bytes);
    const status first = co_await end->send_to(peer, payload);
    if (!first.ok()) co_return;
    const status second = co_await end->send_to(peer, payload);
    static_cast<void>(second);
  }
  static task<> deregisters(auto* instance) {
    const status ended = co_await instance->deregister();
    static_cast<void>(ended);
  }
  /// The same, also in a run whose allocations fail.
  static task<> deregisters_surely(auto* instance) {
    const allocations_pause pause;
    return deregisters(instance);
  }
  static task<> stops(platform* cp) {
    const status stopped = co_await cp->stop();
    static_cast<void>(stopped);
  }

  void judge(trial& t) {
    for (const auto& entry : t.events().entries()) {
      const event& e = entry.what;
      if (e.kind == event_kind::row_threw) t.fail("U16", "an exception left a row");
      if (e.kind == event_kind::task_threw) t.fail("U16", "an exception left a spawned task");
      if (e.kind == event_kind::row_overran)
        t.fail("U15", e.which == row::establish_session ? "establish_session did not end in time"
                                                        : "a row did not answer in time");
      if (e.kind == event_kind::provider_stuck)
        t.fail("U15", "a row went on after it had been asked to stop");
      if (e.kind == event_kind::state_changed && e.to == session_state::active) activated = true;
      if (e.kind == event_kind::path_opened) reached = true;
    }
  }
};

inline conformance_item not_applicable(const char* guarantee, const char* question,
                                       const char* why) {
  conformance_item item;
  item.guarantee = guarantee;
  item.question = question;
  item.why = why;
  return item;
}

inline void fill(conformance_item& item, const std::optional<failure>& found) {
  item.outcome = found ? verdict::failed : verdict::passed;
  if (!found) return;
  item.why = found->rule + ": " + found->what;
  item.events = found->events;
  item.choices = found->choices;
}

}  // namespace detail

/// Puts every question to instances that `make(trial&, platform&)` makes: anything that can be
/// asked to `register_instance`, to `deregister`, and for its `state`, as a `provider_instance`
/// can.
///
/// Errors: throws `std::bad_alloc`.
/// Cost: `options.runs` short lives for each question.
template <class Make>
[[nodiscard]] conformance_report run_instance_conformance(
    Make make, const conformance_options& options = conformance_options()) {
  using life = detail::provider_life<Make>;
  conformance_report report;
  bool activated = false, reached = false;
  const auto ask = [&](const char* guarantee, const char* question, auto set) {
    life each{make, options};
    set(each);
    conformance_item item;
    item.guarantee = guarantee;
    item.question = question;
    search_bounds few;
    few.deviations = 2;
    exploration_options limits;
    limits.runs = options.runs;
    const exploration seen =
        explore(choices::exhaustive(few), [&each](trial& t) { each(t); }, limits);
    item.runs = seen.runs;
    detail::fill(item, seen.first_failure);
    activated = activated || each.activated;
    reached = reached || each.reached;
    report.items.push_back(std::move(item));
  };
  const auto skip = [&](const char* guarantee, const char* question, const char* why) {
    report.items.push_back(detail::not_applicable(guarantee, question, why));
  };

  ask("G1", "registered and deregistered, with nobody using it", [](life&) {});
  ask("G3", "deregistered at any moment of its establishment",
      [](life& l) { l.deregister = true; });
  ask("G22", "the platform stops at any moment", [](life& l) { l.shutdown = true; });
  ask("G41", "activated because somebody sends", [](life& l) { l.demand = true; });
  const bool active = activated;
  const char* const never_active = "it never became active: no message could be sent";
  const char* const never_reached = "it reached no peer: give conformance_options::peer";
  if (reached) report.items.back().question += ", and the messages are accepted (G26, G30)";
  else skip("G26", "sends messages to a peer it has reached", never_reached);
  if (!active) {
    skip("G39", "dormant, and activated again", never_active);
    skip("G38", "deregistered at any moment while it is in use", never_active);
  } else {
    ask("G39", "dormant, and activated again", [](life& l) { l.demand = l.idle = true; });
    ask("G38", "deregistered at any moment while it is in use",
        [](life& l) { l.demand = l.deregister = true; });
    ask("G20", "the platform stops at any moment while it is in use",
        [](life& l) { l.demand = l.shutdown = true; });
  }

  const std::uint64_t before = this_thread_allocations.attempts;
  conformance_item item;
  item.guarantee = "F36";
  item.question = "each allocation of its life fails once";
  life each{make, options};
  each.demand = true;
  const sweep failed = sweep_allocations([&each](trial& t) { each(t); });
  item.runs = failed.points;
  if (this_thread_allocations.attempts == before && failed.points == 0)
    item.why = "no counting operator new: include replace_operator_new.hpp in one source file";
  else detail::fill(item, failed.first_failure);
  report.items.push_back(std::move(item));
  return report;
}

/// Puts every question to providers that `make()` makes, or `make(trial&)`, where the trial offers
/// its scheduler and keeps a simulated network. Errors and cost: as above.
template <provider P, class Make>
[[nodiscard]] conformance_report run_conformance(
    Make make, const conformance_options& options = conformance_options()) {
  conformance_report report = run_instance_conformance(
      [&make](trial& t, platform& cp) { return cp.create<provider_probe<P>>(t, make); }, options);
  const auto skip = [&report](const char* guarantee, const char* question, const char* why) {
    report.items.push_back(detail::not_applicable(guarantee, question, why));
  };
  if constexpr (!id_aware_provider<P>)
    skip("G34", "ids are added and removed", "it has no rows for ids");
  if constexpr (!dormant_provider<P>) skip("G40", "told about dormancy", "it has no row for it");
  return report;
}

}  // namespace lockgate::inline v0::testing

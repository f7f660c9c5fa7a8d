// Runs a scenario under every order of simultaneously ready work, or under random ones, and says
// how to see a failure again.
#pragma once

#include "lockgate/base/config.hpp"          // for broken_contract
#include "lockgate/coro/frame_memory.hpp"    // for frame_memory
#include "lockgate/observe/mermaid.hpp"      // for mermaid
#include "lockgate/testing/allocations.hpp"  // for this_thread_allocations
#include "lockgate/testing/choices.hpp"      // for choices, shrink
#include "lockgate/testing/trace.hpp"        // for trace
#include "lockgate/testing/trial.hpp"        // for trial

#include <cstddef>      // for size_t
#include <cstdint>      // for uint64_t, int64_t
#include <cstdio>       // for fprintf
#include <cstdlib>      // for abort
#include <exception>    // for set_terminate
#include <optional>     // for optional
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for move, exchange

namespace lockgate::inline v0::testing {

/// When to give up, and what to keep.
struct exploration_options {
  std::uint64_t runs = static_cast<std::uint64_t>(-1);  ///< at most
  trial_options each{};
  bool shrink_failure = true;
};

/// A run that broke a rule.
struct failure {
  failure() {}
  std::string rule;     ///< I1 to I9, or a guarantee's number
  std::string what;     ///< in words
  std::string choices;  ///< what `choices::replay` takes
  std::uint64_t seed = 0;
  std::string events;   ///< one line for each event
  std::string diagram;  ///< the same as Mermaid sequence diagrams, one for each platform
};

/// What an exploration has seen.
struct exploration {
  exploration() {}
  std::uint64_t runs = 0;
  std::uint64_t decisions = 0;  ///< of all runs together
  std::size_t longest = 0;      ///< decisions in one run
  bool exhausted = false;       ///< no run is left
  bool bounded = false;         ///< but a bound has kept some out of the count
  std::uint64_t hash = 0;       ///< of all traces, in order
  std::optional<failure> first_failure;
};

namespace detail {

/// The run that is under way, to be printed by what ends the program.
inline constinit thread_local const choices* running = nullptr;
inline constinit thread_local const trace* running_trace = nullptr;

inline void print_running(const char* why) {
  if (!running) return;
  std::fprintf(stderr, "lockgate: I7: %s\n  choices: %s\n  seed: %llu\n%s", why,
               running->text().c_str(), static_cast<unsigned long long>(running->seed()),
               running_trace->text().c_str());
}

/// Says which run it was when the program is about to end (I7).
class last_words {
 public:
  last_words(const choices& source, const trace& record) noexcept
      : contract_(broken_contract), terminate_(std::get_terminate()),
        outer_(std::exchange(running, &source)),
        outer_trace_(std::exchange(running_trace, &record)) {
    broken_contract = [](const char* rule, const char* file, int line) {
      print_running(rule);
      abort_on_broken_contract(rule, file, line);
    };
    std::set_terminate([] {
      print_running("std::terminate was called");
      std::abort();
    });
  }
  last_words(const last_words&) = delete;
  ~last_words() {
    running = outer_;
    running_trace = outer_trace_;
    broken_contract = contract_;
    std::set_terminate(terminate_);
  }

 private:
  contract_handler contract_;
  std::terminate_handler terminate_;
  const choices* outer_;
  const trace* outer_trace_;
};

/// One run, judged, with what it left behind counted (I6).
template <class Scenario>
violation run_once(choices& source, trace& record, Scenario& scenario,
                   const trial_options& options) {
  const std::uint64_t frames = frame_memory().alive;
  const std::int64_t blocks = this_thread_allocations.live;
  const std::uint64_t recycled = frame_memory().allocated;
  violation found;
  {
    trial t(source, record, options);
    scenario(t);
    t.finish();
    found = t.first();
  }
  if (found) return found;
  if (frame_memory().alive != frames) return {"I6", "a coroutine frame was not freed"};
  // Memory of frames is kept for reuse; that is no leak.
  const auto kept = static_cast<std::int64_t>(frame_memory().allocated - recycled);
  if (this_thread_allocations.live > blocks + kept) return {"I6", "an allocation was not freed"};
  return {};
}

/// What a run that broke a rule should be shown with.
inline failure failure_of(const violation& found, const choices& source, const trace& record) {
  failure out;
  out.rule = found.rule;
  out.what = found.what;
  out.choices = source.text();
  out.seed = source.seed();
  out.events = record.text();
  std::size_t platforms = 0;
  for (const trace::entry& e : record.entries())
    if (e.platform >= platforms) platforms = e.platform + 1;
  for (std::size_t i = 0; i < platforms; ++i) out.diagram += mermaid(record.of_platform(i));
  return out;
}

/// The failure of the run that `text` describes, if it still breaks `rule`.
template <class Scenario>
std::optional<failure> fails_again(std::string_view text, const std::string& rule,
                                   Scenario& scenario, const trial_options& options) {
  choices again = choices::replay(text);
  trace record;
  const last_words guard(again, record);
  const violation found = run_once(again, record, scenario, options);
  if (!found || found.rule != rule) return std::nullopt;
  return failure_of(found, again, record);
}

}  // namespace detail

/// Runs `scenario(trial&)` once for every run that `source` has, until one breaks a rule.
///
/// Requires: the scenario does the same when it is given the same answers.
/// Cost: the scenario's own, and about a microsecond a run.
template <class Scenario>
[[nodiscard]] exploration explore(choices source, Scenario scenario,
                                  const exploration_options& options = exploration_options()) {
  exploration out;
  trace record;
  const detail::last_words guard(source, record);
  while (out.runs < options.runs) {
    const violation found = detail::run_once(source, record, scenario, options.each);
    ++out.runs;
    out.decisions += source.count();
    out.longest = source.count() > out.longest ? source.count() : out.longest;
    out.hash = (out.hash ^ record.hash()) * 0x100000001b3u;
    if (found) {
      out.first_failure = detail::failure_of(found, source, record);
      break;
    }
    if (!source.next_run()) {
      out.exhausted = true;
      break;
    }
  }
  out.bounded = source.was_bounded();
  if (!out.first_failure || !options.shrink_failure) return out;

  failure& first = *out.first_failure;
  const std::string rule = first.rule;
  const std::string shortest = shrink(first.choices, [&](const std::string& text) {
    return detail::fails_again(text, rule, scenario, options.each).has_value();
  });
  if (auto shown = detail::fails_again(shortest, rule, scenario, options.each)) {
    shown->seed = first.seed;
    first = std::move(*shown);
  }
  return out;
}

/// One run of `scenario`, as a printed string describes it.
template <class Scenario>
[[nodiscard]] exploration replay(std::string_view text, Scenario scenario,
                                 const trial_options& options = trial_options()) {
  exploration_options once;
  once.each = options;
  once.shrink_failure = false;
  return explore(choices::replay(text), std::move(scenario), once);
}

/// A failure as a test should print it.
[[nodiscard]] inline std::string to_string(const failure& f) {
  return f.rule + ": " + f.what + "\n  choices: " + f.choices +
         "\n  seed: " + std::to_string(f.seed) + "\n" + f.events + f.diagram;
}

}  // namespace lockgate::inline v0::testing

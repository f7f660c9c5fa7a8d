// The same scenario again and again, with one thing going wrong at every point where it can.
#pragma once

#include "lockgate/coro/frame_memory.hpp"    // for release_spare_frames
#include "lockgate/testing/allocations.hpp"  // for this_thread_allocations
#include "lockgate/testing/explorer.hpp"     // for run_once, failure, last_words

#include <cstddef>      // for size_t
#include <cstdint>      // for uint64_t
#include <new>          // for bad_alloc
#include <optional>     // for optional
#include <string>       // for string, to_string
#include <string_view>  // for string_view
#include <utility>      // for move

namespace lockgate::inline v0::testing {

// `base` is a run as `choices::text()` prints it; the fault changes its course from there on.

/// What a sweep has seen.
struct sweep {
  sweep() {}
  std::uint64_t points = 0;  ///< runs with one fault each
  std::optional<failure> first_failure;
};

namespace detail {

/// Runs `scenario` as `base` says, with the fault at point k = 1, 2, 3 and so on, until `reached`
/// says that the run ended before the fault.
template <class Scenario, class Arm, class Reached>
sweep sweep_points(Scenario& scenario, std::string_view base, const char* what,
                   trial_options options, Arm arm, Reached reached) {
  sweep out;
  trace record;
  for (std::uint64_t k = 1;; ++k) {
    choices answers = choices::replay(base);
    const last_words guard(answers, record);
    arm(k, options);
    const violation found = run_once(answers, record, scenario, options);
    this_thread_allocations.watching = false;
    if (found) {
      failure f = failure_of(found, answers, record);
      f.what += std::string("; ") + what + ' ' + std::to_string(k);
      out.first_failure = std::move(f);
      return out;
    }
    if (!reached(k, record)) return out;
    ++out.points;
  }
}

}  // namespace detail

/// Fails each allocation in turn. The scenario has to live with it; it may throw `std::bad_alloc`.
///
/// Requires: a counting operator new (`allocations`).
template <class Scenario>
[[nodiscard]] sweep sweep_allocations(Scenario scenario, std::string_view base = "0",
                                      const trial_options& options = trial_options()) {
  auto forgiving = [&scenario](trial& t) {
    try {
      scenario(t);
    } catch (const std::bad_alloc&) {
    }
  };
  return detail::sweep_points(
      forgiving, base, "failed allocation", options,
      [](std::uint64_t k, trial_options&) {
        release_spare_frames();
        this_thread_allocations.attempts = 0;
        this_thread_allocations.failed = 0;
        this_thread_allocations.fail_at = k;
        this_thread_allocations.watching = true;
      },
      [](std::uint64_t, const trace&) { return this_thread_allocations.failed > 0; });
}

namespace detail {

/// Has something happen before each step in turn: `when` is the option that names the step.
template <class Scenario>
[[nodiscard]] sweep sweep_steps(Scenario scenario, std::string_view base, const char* what,
                                const trial_options& options, std::size_t trial_options::* when) {
  std::size_t steps = 0;
  auto counting = [&](trial& t) {
    scenario(t);
    t.finish();
    steps = t.steps();
  };
  return sweep_points(
      counting, base, what, options,
      [when](std::uint64_t k, trial_options& o) { o.*when = static_cast<std::size_t>(k); },
      [&steps](std::uint64_t k, const trace&) { return k <= steps; });
}

}  // namespace detail

/// Asks the scenario's coroutines to stop, before each step in turn.
template <class Scenario>
[[nodiscard]] sweep sweep_stops(Scenario scenario, std::string_view base = "0",
                                const trial_options& options = trial_options()) {
  return detail::sweep_steps(std::move(scenario), base, "stopped at step", options,
                             &trial_options::stop_at);
}

/// Destroys the scenario's coroutines, before each step in turn, wherever they are suspended.
template <class Scenario>
[[nodiscard]] sweep sweep_destructions(Scenario scenario, std::string_view base = "0",
                                       const trial_options& options = trial_options()) {
  return detail::sweep_steps(std::move(scenario), base, "destroyed at step", options,
                             &trial_options::destroy_at);
}

}  // namespace lockgate::inline v0::testing

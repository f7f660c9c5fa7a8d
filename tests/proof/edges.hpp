// The changes of state that the code makes, under the names that the model gives them.
#pragma once

#include "lockgate/platform/event.hpp"  // for event
#include "lockgate/testing/trace.hpp"   // for trace

#include <cstddef>      // for size_t
#include <set>          // for set
#include <string>       // for string
#include <string_view>  // for string_view

namespace proof {

using state = lockgate::session_state;

/// Why the code ends a session, in the model's words.
constexpr std::string_view word_of(lockgate::termination_reason reason) noexcept {
  switch (reason) {
    case lockgate::termination_reason::provider_request: return "deregister";
    case lockgate::termination_reason::platform_shutdown: return "shutdown";
    case lockgate::termination_reason::provider_timeout: return "watchdog";
    case lockgate::termination_reason::provider_other_failure: return "fault";
    case lockgate::termination_reason::other_communication_error: return "link_loss";
  }
  return "unknown";
}

/// Cost: `collect` allocates nothing.
class observed_edges {
 public:
  /// Adds those of one run.
  void collect(const lockgate::testing::trace& events) noexcept {
    for (const auto& entry : events.entries()) {
      const lockgate::event& e = entry.what;
      if (e.kind == lockgate::event_kind::state_changed)
        seen_[number(e.from)][number(e.to)][static_cast<std::size_t>(e.reason)] = true;
    }
  }
  void destroyed(state last) noexcept { destroyed_[number(last)] = true; }

  /// The edges, one a line, sorted.
  [[nodiscard]] std::set<std::string> lines() const {
    std::set<std::string> out;
    for (std::size_t from = 0; from < states; ++from) {
      if (destroyed_[from]) out.insert(line(state(from), "destroy", "DESTROYED"));
      for (std::size_t to = 0; to < states; ++to)
        for (std::size_t reason = 0; reason < reasons; ++reason)
          if (seen_[from][to][reason])
            add(out, state(from), state(to), static_cast<lockgate::termination_reason>(reason));
    }
    return out;
  }

 private:
  static constexpr std::size_t states = lockgate::session_state_count;
  static constexpr std::size_t reasons = 5;
  static std::size_t number(state s) noexcept { return static_cast<std::size_t>(s); }

  static std::string line(state from, std::string_view event, std::string_view to) {
    return std::string(to_string(from)) + ' ' + std::string(event) + ' ' + std::string(to);
  }
  static void add(std::set<std::string>& out, state from, state to,
                  lockgate::termination_reason reason) {
    // Without an access policy the decision takes no time, and the code skips REGISTERING.
    if (from == state::created && to == state::establishing) {
      out.insert(line(from, "register", "REGISTERING"));
      from = state::registering;
    }
    out.insert(line(from, event_of(from, to, reason), to_string(to)));
  }
  static std::string_view event_of(state from, state to, lockgate::termination_reason reason) {
    if (to == state::terminating) return word_of(reason);
    switch (from) {
      case state::created: return "register";
      case state::registering: return to == state::created ? "refused" : "granted";
      case state::establishing: return "establish_returned";
      case state::idle: return "demand";
      case state::activating: return to == state::active ? "activated" : "activation_failed";
      case state::active: return "unused";
      case state::deactivating: return "dormant_finished";
      case state::terminating: return "drained";
      case state::ended: return "deregister";
      default: return "unknown";
    }
  }

  bool seen_[states][states][reasons] = {};
  bool destroyed_[states] = {};
};

}  // namespace proof

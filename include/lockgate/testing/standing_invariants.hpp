// What must hold in every run of every scenario, judged from the platform's events alone.
#pragma once

#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/platform/event.hpp"     // for event, event_kind

#include <algorithm>  // for find
#include <cstdint>    // for uint32_t
#include <vector>     // for vector

namespace lockgate::inline v0::testing {

/// The first rule that a run broke: I1 to I9 below, or a guarantee of the platform (G1 to G41) or
/// a choice of lockgate (U1 to U28); docs/reference/guarantees.md says what each means.
struct violation {
  const char* rule = nullptr;
  const char* what = nullptr;
  [[nodiscard]] explicit operator bool() const noexcept { return rule != nullptr; }
};

/// The standing invariants, for the events of one platform:
///
/// * I1 - each operation completes exactly once: rows, held calls, registrations;
/// * I2 - establish_session and terminate_session pair;
/// * I3 - no row before establish_session has ended, none once the instance is drained;
/// * I4 - messages are received only while the instance is active;
/// * I5, I6 - buffers and frames: counted by the trial, not here;
/// * I7 - nothing calls `std::terminate`: a trial reports it;
/// * I8 - progress: a trial bounds its steps;
/// * I9 - messages of one path are offered in their order: judged by who numbers them, not here;
/// * U23 - nothing is offered over a route that was lost.
class standing_invariants {
 public:
  [[nodiscard]] const violation& first() const noexcept { return first_; }

  void on(const event& e) {
    if (e.instance == 0) return;
    instance_record& i = record(e.instance);
    switch (e.kind) {
      case event_kind::registration_ended: return registration_ended(i, e);
      case event_kind::state_changed: return state_changed(i, e);
      case event_kind::row_began: return row_began(i, e);
      case event_kind::row_ended: return row_ended(i, e);
      case event_kind::provider_stuck: i.stuck = true; return;
      case event_kind::call_pended:
        ++i.held;
        return require(i.state == session_state::establishing, "G5",
                       "a call was held although establish_session was not running");
      case event_kind::call_resumed:
        require(--i.held >= 0, "I1", "more calls were carried out than were held");
        return require(!i.establish_runs && !i.ending, "G5",
                       "a held call was carried out before establish_session had ended");
      case event_kind::call_refused:
        require(--i.held >= 0, "I1", "more calls were refused than were held");
        return require(i.ending, "I1", "a held call was refused although nothing was ending");
      case event_kind::session_ending:
        require(!i.ending, "G22", "a session began to end twice");
        i.ending = true;
        i.reason = e.reason;
        return;
      case event_kind::path_opened:
        i.reached.push_back(e.id);
        return require(i.state == session_state::active, "G38",
                       "a path opened although the instance was not active");
      case event_kind::path_closed: return path_closed(i, e);
      case event_kind::message_received:
        return require(i.state == session_state::active, "I4",
                       "a message was received although the instance was not active (G6)");
      case event_kind::message_sent:
        return require(!i.terminate_ended || i.stuck, "I3",
                       "a message was sent after terminate_session, and no row was overdue");
      default: return;
    }
  }
  /// Judges the end of a run, when every instance should be drained.
  void at_end() {
    for (const instance_record& i : instances_) {
      if (!i.seen) continue;
      require(i.rows == 0, "I1", "a row began and did not end");
      require(i.establish_count == i.grants, "G11",
              "establish_session was not called exactly once for a granted registration");
      require(i.terminate_count == i.establish_count, "I2",
              "establish_session and terminate_session do not pair");
      require(i.state == session_state::created || i.state == session_state::deregistered ||
                  i.state == session_state::ended,
              "I8", "an instance was not drained");
    }
  }

 private:
  struct instance_record {
    session_state state = session_state::created;
    termination_reason reason = termination_reason::provider_request;
    bool seen = false;
    bool ending = false;
    bool stuck = false;
    bool establish_runs = false;
    bool establish_ended = false;
    bool terminate_ended = false;
    bool drained = false;
    int grants = 0;
    int establish_count = 0;
    int terminate_count = 0;
    int control_rows = 0;
    int rows = 0;
    int held = 0;  // including those whose callers have given up, which nothing tells
    std::vector<transport_id> reached;  // the peer of each open path
  };

  void require(bool holds, const char* rule, const char* what) noexcept {
    if (!holds && !first_) first_ = {rule, what};
  }
  instance_record& record(std::uint32_t id) {
    if (instances_.size() <= id) instances_.resize(id + 1);
    instances_[id].seen = true;
    return instances_[id];
  }

  void registration_ended(instance_record& i, const event& e) {
    if (!e.result.ok()) return;
    require(++i.grants == 1, "G11", "an instance was registered twice");
  }

  void state_changed(instance_record& i, const event& e) {
    require(e.from == i.state, "I1", "a change of state starts from another state");
    require(is_edge(e.from, e.to), "G22", "a change of state that the protocol does not have");
    if (e.to == session_state::terminating)
      require(i.ending && e.reason == i.reason, "U18", "the first reason for ending did not count");
    if (e.to == session_state::ended || e.to == session_state::deregistered) {
      if (e.from == session_state::terminating) {
        require(i.terminate_ended, "I2", "an instance was drained before terminate_session ended");
        require(i.rows == 0, "G23", "an instance was drained while a row was running");
      }
      i.drained = true;
    }
    i.state = e.to;
  }

  void path_closed(instance_record& i, const event& e) {
    const auto path = std::find(i.reached.begin(), i.reached.end(), e.id);
    if (path == i.reached.end()) return require(false, "I1", "a path closed that was not open");
    i.reached.erase(path);
  }

  void row_began(instance_record& i, const event& e) {
    ++i.rows;
    require(!i.drained, "I3", "a row began after the instance was drained (G23)");
    if (e.which == row::establish_session) {
      ++i.establish_count;
      i.establish_runs = true;
      require(i.state == session_state::establishing, "G1",
              "establish_session began without a granted registration");
      return;
    }
    require(i.establish_ended, "I3", "a row began before establish_session had ended (G3)");
    require(i.terminate_count == 0, "G22", "a row began after terminate_session");
    if (e.which == row::terminate_session) {
      ++i.terminate_count;
      require(i.state == session_state::terminating, "G19", "terminate_session in another state");
      return;
    }
    if (is_control(e.which))
      require(++i.control_rows == 1, "U14", "two control rows of one instance overlap");
    require(belongs_to(e.which, i.state), "G38", "a row began in a state that does not have it");
    require(!i.ending, "I3", "a row began after the session began to end");
    if (e.which == row::send_buffers)
      require(std::find(i.reached.begin(), i.reached.end(), e.id) != i.reached.end(), "U23",
              "a message was offered over a route that was lost");
  }

  void row_ended(instance_record& i, const event& e) {
    require(--i.rows >= 0, "I1", "a row ended that had not begun");
    if (e.which == row::establish_session) {
      i.establish_runs = false;
      i.establish_ended = true;
    } else if (e.which == row::terminate_session) {
      i.terminate_ended = true;
    } else if (is_control(e.which)) {
      --i.control_rows;
    }
  }

  static bool is_control(row r) noexcept {
    return r == row::transition_active || r == row::transition_dormant ||
           r == row::add_transport_id || r == row::remove_transport_id;
  }
  /// Ids are removed while active (an endpoint closed) and on the way to dormancy.
  static bool belongs_to(row r, session_state state) noexcept {
    if (r == row::transition_active) return state == session_state::activating;
    if (r == row::transition_dormant) return state == session_state::deactivating;
    if (r == row::remove_transport_id && state == session_state::deactivating) return true;
    return state == session_state::active;
  }
  [[nodiscard]] static bool is_edge(session_state from, session_state to) noexcept {
    using s = session_state;
    switch (from) {
      case s::created: return to == s::registering || to == s::establishing;
      case s::registering: return to == s::created || to == s::establishing;
      case s::establishing: return to == s::idle || to == s::terminating;
      case s::idle: return to == s::activating || to == s::terminating;
      case s::activating: return to == s::active || to == s::idle || to == s::terminating;
      case s::active: return to == s::deactivating || to == s::terminating;
      case s::deactivating: return to == s::idle || to == s::terminating;
      case s::terminating: return to == s::ended || to == s::deregistered;
      case s::ended: return to == s::deregistered;
      case s::deregistered: return false;
    }
    return false;
  }

  std::vector<instance_record> instances_;
  violation first_;
};

}  // namespace lockgate::inline v0::testing

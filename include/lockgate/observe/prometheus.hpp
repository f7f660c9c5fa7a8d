// What a platform has done, as metrics in the Prometheus text exposition format.
#pragma once

#include "lockgate/base/clock.hpp"                   // for time_point
#include "lockgate/base/without_throwing.hpp"        // for without_throwing
#include "lockgate/observe/histogram.hpp"            // for duration_histogram
#include "lockgate/observe/open_rows.hpp"            // for open_rows
#include "lockgate/observe/text.hpp"                 // for append_integer, append_seconds
#include "lockgate/platform/event.hpp"               // for event
#include "lockgate/platform/observer.hpp"            // for observer
#include "lockgate/platform/session_state.hpp"       // for row, session_state, drop_cause
#include "lockgate/provider/termination_reason.hpp"  // for termination_reason

#include <array>        // for array
#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t, uint64_t
#include <map>          // for map
#include <optional>     // for optional
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for move

namespace lockgate::inline v0 {

namespace detail {

/// Writes metric families in the text exposition format 0.0.4.
class exposition {
 public:
  /// Begins a family; its samples follow. Requires: names and help need no escapes.
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    comment("HELP", help);
    comment("TYPE", type);
  }
  void sample(std::uint64_t value) { sample({}, {}, value); }
  void sample(std::string_view label, std::string_view of, std::uint64_t value) {
    begin({}, label, of);
    if (!label.empty()) out_ += '}';
    out_ += ' ';
    append_integer(out_, value);
    out_ += '\n';
  }
  void sample(std::string_view label, std::string_view of, const duration_histogram& times) {
    for (std::size_t i = 0; i < duration_histogram::bounds.size(); ++i) {
      bucket(label, of);
      seconds(duration_histogram::bounds[i]);
      end(times.at_most(i), "\"} ");
    }
    bucket(label, of);
    end(times.count(), "+Inf\"} ");
    begin("_sum", label, of);
    out_ += label.empty() ? " " : "} ";
    seconds(times.sum());
    out_ += '\n';
    begin("_count", label, of);
    end(times.count(), label.empty() ? " " : "} ");
  }
  [[nodiscard]] std::string take() && { return std::move(out_); }

 private:
  void comment(std::string_view what, std::string_view text) {
    out_ += "# ";
    out_ += what;
    out_ += ' ';
    out_ += name_;
    out_ += ' ';
    out_ += text;
    out_ += '\n';
  }
  /// Without zeros at the end.
  void seconds(duration time) {
    append_seconds(out_, time);
    while (out_.back() == '0') out_.pop_back();
    if (out_.back() == '.') out_.pop_back();
  }
  /// The name and one label, whose brace is left open.
  void begin(std::string_view suffix, std::string_view label, std::string_view of) {
    out_ += name_;
    out_ += suffix;
    if (label.empty()) return;
    out_ += '{';
    out_ += label;
    out_ += "=\"";
    out_ += of;
    out_ += '"';
  }
  void bucket(std::string_view label, std::string_view of) {
    begin("_bucket", label, of);
    out_ += label.empty() ? "{le=\"" : ",le=\"";
  }
  void end(std::uint64_t value, std::string_view before) {
    out_ += before;
    append_integer(out_, value);
    out_ += '\n';
  }
  std::string out_;
  std::string_view name_;
};

}  // namespace detail

/// An observer that counts, for a Prometheus server to collect: serve `text()` at /metrics.
///
/// Guarantees: bounded cardinality. Labels are states, rows, causes and reasons, never ids or
///             names, so that the number of series is the same whatever happens.
/// Cost: no allocation in the steady state.
class prometheus_metrics {
 public:
  void on(const event& e) noexcept {
    if (!detail::without_throwing([&] { add(e); }).ok()) ++lost_;
  }

  /// Everything so far, in the text exposition format 0.0.4. Errors: throws `std::bad_alloc`.
  [[nodiscard]] std::string text() const;
  /// Events that no instance could be kept for, for lack of memory.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  /// What is known of an instance between its registration and its end.
  struct known_instance {
    session_state state = session_state::created;
    std::optional<time_point> registered;  // until it is active for the first time
    open_rows rows;
  };
  struct traffic {
    std::uint64_t messages = 0, bytes = 0;
  };
  static constexpr std::size_t row_count = 9;  // with row::none, for which nothing is counted
  static constexpr std::size_t reason_count = 5;
  template <std::size_t Size>
  using counters = std::array<std::uint64_t, Size>;
  template <class E, class Counts>
  static auto& at(Counts& counts, E index) noexcept {
    return counts[static_cast<std::size_t>(index)];
  }

  void add(const event& e) {
    switch (e.kind) {
      case event_kind::instance_created: break;
      case event_kind::registration_ended: ++(e.result.ok() ? granted_ : refused_); break;
      case event_kind::state_changed: state_changed(e); break;
      case event_kind::row_began: static_cast<void>(instances_[e.instance].rows.began(e)); break;
      case event_kind::row_ended: row_ended(e); break;
      case event_kind::row_threw: ++threw_; break;
      case event_kind::task_threw: ++task_threw_; break;
      case event_kind::row_overran: ++at(overran_, e.which); break;
      case event_kind::provider_stuck: ++at(stuck_, e.which); break;
      case event_kind::call_pended: ++held_; break;
      case event_kind::call_resumed: ++resumed_; break;
      case event_kind::call_refused: ++calls_refused_; break;
      case event_kind::session_ending: ++at(ended_, e.reason); break;
      case event_kind::endpoint_opened: ++endpoints_opened_; break;
      case event_kind::endpoint_ready: break;
      case event_kind::endpoint_closed: ++endpoints_closed_; break;
      case event_kind::path_opened: ++paths_opened_; break;
      case event_kind::path_closed: ++paths_closed_; break;
      case event_kind::send_refused: ++sends_refused_; break;
      case event_kind::message_sent: count(sent_, e); break;
      case event_kind::message_received: count(received_, e); break;
      case event_kind::message_dropped: ++at(drops_, e.cause); break;
      case event_kind::signal_sent: ++signals_sent_; break;
      case event_kind::signal_received: ++signals_received_; break;
    }
  }
  static void count(traffic& of, const event& e) noexcept {
    ++of.messages;
    of.bytes += e.amount;
  }
  void state_changed(const event& e) {
    if (e.to == session_state::created || e.to == session_state::deregistered) {
      instances_.erase(e.instance);
      return;
    }
    known_instance& on = instances_[e.instance];
    on.state = e.to;
    if (e.to == session_state::establishing) on.registered = e.at;
    if (e.to != session_state::active || !on.registered) return;
    activation_.add(e.at - *on.registered);
    on.registered.reset();
  }
  void row_ended(const event& e) {
    if (const auto row = instances_[e.instance].rows.ended(e))
      at(row_times_, e.which).add(e.at - row->since);
    if (!e.result.ok()) ++at(row_failures_, e.which);
  }
  /// Opened and not closed, as far as this observer was there.
  static std::uint64_t open(std::uint64_t opened, std::uint64_t closed) noexcept {
    return opened > closed ? opened - closed : 0;
  }

  std::map<std::uint32_t, known_instance> instances_;
  std::array<duration_histogram, row_count> row_times_;
  duration_histogram activation_;
  counters<row_count> row_failures_{}, overran_{}, stuck_{};
  counters<reason_count> ended_{};
  counters<drop_cause_count> drops_{};
  traffic sent_, received_;
  std::uint64_t granted_ = 0, refused_ = 0, threw_ = 0, task_threw_ = 0;
  std::uint64_t held_ = 0, resumed_ = 0, calls_refused_ = 0;
  std::uint64_t endpoints_opened_ = 0, endpoints_closed_ = 0, paths_opened_ = 0, paths_closed_ = 0;
  std::uint64_t sends_refused_ = 0, signals_sent_ = 0, signals_received_ = 0;
  std::uint64_t lost_ = 0;
};

inline std::string prometheus_metrics::text() const {
  detail::exposition out;
  const auto by_row = [&out](const auto& counts) {
    for (std::size_t r = 1; r < row_count; ++r)
      out.sample("row", to_string(static_cast<row>(r)), counts[r]);
  };

  out.family("lockgate_instances", "gauge", "Registered provider instances by state.");
  for (int s = static_cast<int>(session_state::registering);
       s < static_cast<int>(session_state::deregistered); ++s) {
    const auto state = static_cast<session_state>(s);
    std::uint64_t in_it = 0;
    for (const auto& [id, on] : instances_) in_it += on.state == state;
    out.sample("state", to_string(state), in_it);
  }
  out.family("lockgate_registrations_total", "counter", "Registrations by outcome.");
  out.sample("outcome", "granted", granted_);
  out.sample("outcome", "refused", refused_);
  out.family("lockgate_sessions_ended_total", "counter", "Sessions ended by reason.");
  for (std::size_t r = 0; r < reason_count; ++r)
    out.sample("reason", to_string(static_cast<termination_reason>(r)), ended_[r]);
  out.family("lockgate_activation_seconds", "histogram",
             "Time from registration until active for the first time.");
  out.sample({}, {}, activation_);

  out.family("lockgate_row_seconds", "histogram", "Time that rows took, by row.");
  by_row(row_times_);
  out.family("lockgate_rows_open", "gauge", "Rows that have begun and not ended, by row.");
  counters<row_count> open_now{};
  for (const auto& [id, on] : instances_)
    for (const open_row& r : on.rows.all()) ++at(open_now, r.which);
  by_row(open_now);
  out.family("lockgate_row_failures_total", "counter", "Rows that answered with an error.");
  by_row(row_failures_);
  out.family("lockgate_rows_overran_total", "counter", "Rows asked to stop at their time limit.");
  by_row(overran_);
  out.family("lockgate_rows_stuck_total", "counter", "Rows that went on after their grace time.");
  by_row(stuck_);
  out.family("lockgate_exceptions_total", "counter", "Exceptions that left provider code.");
  out.sample("from", "row", threw_);
  out.sample("from", "task", task_threw_);

  out.family("lockgate_calls_held", "gauge", "Calls held until establish_session ends.");
  out.sample(open(held_, resumed_ + calls_refused_));
  out.family("lockgate_held_calls_total", "counter",
             "Calls that were held and let go, by outcome.");
  out.sample("outcome", "resumed", resumed_);
  out.sample("outcome", "refused", calls_refused_);

  out.family("lockgate_endpoints", "gauge", "Open endpoints.");
  out.sample(open(endpoints_opened_, endpoints_closed_));
  out.family("lockgate_paths", "gauge", "Peers reached now.");
  out.sample(open(paths_opened_, paths_closed_));
  out.family("lockgate_sends_refused_total", "counter", "Sends for which there was no way.");
  out.sample(sends_refused_);
  out.family("lockgate_messages_total", "counter", "Messages carried, by direction.");
  out.sample("direction", "sent", sent_.messages);
  out.sample("direction", "received", received_.messages);
  out.family("lockgate_message_bytes_total", "counter", "Bytes of messages carried, by direction.");
  out.sample("direction", "sent", sent_.bytes);
  out.sample("direction", "received", received_.bytes);
  out.family("lockgate_messages_dropped_total", "counter", "Messages dropped, by cause.");
  for (std::size_t c = 0; c < drops_.size(); ++c)
    out.sample("cause", to_string(static_cast<drop_cause>(c)), drops_[c]);
  out.family("lockgate_signals_total", "counter", "Signals between providers, by direction.");
  out.sample("direction", "sent", signals_sent_);
  out.sample("direction", "received", signals_received_);
  return std::move(out).take();
}

static_assert(observer<prometheus_metrics>);

}  // namespace lockgate::inline v0

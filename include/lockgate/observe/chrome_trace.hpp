// The events of a platform as a Chrome trace, for the Perfetto UI, chrome://tracing and speedscope.
#pragma once

#include "lockgate/base/address_text.hpp"       // for append_text
#include "lockgate/base/clock.hpp"              // for time_point, duration
#include "lockgate/base/without_throwing.hpp"   // for without_throwing
#include "lockgate/observe/json_event.hpp"      // for json_event, trace_track
#include "lockgate/observe/open_rows.hpp"       // for open_rows
#include "lockgate/observe/output.hpp"          // for output
#include "lockgate/observe/text.hpp"            // for append_integer
#include "lockgate/platform/event.hpp"          // for event
#include "lockgate/platform/observer.hpp"       // for observer
#include "lockgate/platform/session_state.hpp"  // for row, session_state, drop_cause_count

#include <algorithm>    // for max
#include <array>        // for array
#include <chrono>       // for milliseconds, microseconds
#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t, uint64_t
#include <map>          // for map
#include <optional>     // for optional
#include <set>          // for set
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for exchange

namespace lockgate::inline v0 {

/// How much a trace tells.
struct chrome_trace_options {
  /// At most one sample of a counter, and one mark for dropped messages, in this time.
  duration sample_interval = std::chrono::milliseconds(10);
  /// Calls of send_buffers that end sooner are counted only, not shown.
  duration shortest_send = std::chrono::microseconds(100);
};

/// An observer that writes each event as JSON, while it happens ("Trace Event Format", Google 2016:
/// JSON array).
///
/// An instance is a group of tracks: its states; its rows, on as many tracks as run side by side;
/// counters for held calls, drops and bytes per second. An arrow leads from a held call to where it
/// is let go. An endpoint is a track too: waiting for its id, then open. Times are those of the
/// platform's clock, so that traces of several platforms of one machine fit together.
///
/// Guarantees: after `finish`, or destruction, whenever that is, the output is valid JSON in which
///             every begin has its end. What a killed program leaves lacks only the last bracket,
///             which viewers do not mind.
/// Requires: names, and messages of foreign error categories, are UTF-8.
/// Cost: no allocation in the steady state; a few hundred bytes of output for each event shown.
class chrome_trace {
 public:
  explicit chrome_trace(output to, const chrome_trace_options& wish = {}) : to_(to), wish_(wish) {
    text_.reserve(512);
    to_.write("[");
    name_track("process_name", {}, "platform");
  }
  chrome_trace(const chrome_trace&) = delete;
  ~chrome_trace() { finish(); }

  /// What the viewer calls an instance. Errors: throws `std::bad_alloc`.
  void name_instance(std::uint32_t instance, std::string_view name) {
    static_cast<void>(find(instance));  // which has a name for those without one
    name_track("process_name", {instance, 0}, name);
  }

  void on(const event& e) noexcept {
    if (finished_) return;
    latest_ = e.at;
    if (!detail::without_throwing([&] { add(e); }).ok()) ++lost_;
  }
  /// Ends everything that is still open, at the time of the latest event. Later events are not
  /// written.
  void finish() noexcept {
    if (std::exchange(finished_, true)) return;
    if (!detail::without_throwing([&] { close_all(); }).ok()) ++lost_;
  }
  /// Events for which there was no memory.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  using track = detail::trace_track;
  struct instance_tracks {
    bool has_state = false;
    open_rows rows;
    std::size_t named_lanes = 0;
    std::uint64_t calls_held = 0, calls_let_go = 0;
    std::array<std::uint64_t, drop_cause_count> drops{};
    std::uint64_t unmarked_drops = 0;
    std::optional<time_point> marked_drops;
    // Bytes since `since`; the sample of a span is written when the span is over.
    bool is_busy = false;
    time_point since, last;
    std::uint64_t sent = 0, received = 0;
  };
  static constexpr std::uint64_t state_track = 1, first_row_track = 2;

  void add(const event& e) {
    switch (e.kind) {
      case event_kind::endpoint_opened: return begin({0, e.endpoint}, e.at, "waits for its id");
      case event_kind::endpoint_ready: return endpoint_ready(e);
      case event_kind::endpoint_closed: return endpoint_closed(e);
      case event_kind::send_refused: return mark({}, e, "send refused");
      default: break;
    }
    instance_tracks& on = find(e.instance);
    switch (e.kind) {
      case event_kind::state_changed: return state_changed(on, e);
      case event_kind::row_began: return row_began(on, e);
      case event_kind::row_ended: return row_ended(on, e);
      case event_kind::call_pended: return call_pended(on, e);
      case event_kind::call_resumed:
      case event_kind::call_refused: return call_let_go(on, e);
      case event_kind::message_sent:
      case event_kind::message_received: return count_bytes(on, e);
      case event_kind::message_dropped: return message_dropped(on, e);
      default: return mark({e.instance, state_track}, e, to_string(e.kind));
    }
  }
  instance_tracks& find(std::uint32_t instance) {
    const auto [at, is_new] = instances_.try_emplace(instance);
    if (is_new) {
      std::string name = "instance ";
      detail::append_integer(name, instance);
      name_track("process_name", {instance, 0}, name);
      name_track("thread_name", {instance, state_track}, "state");
    }
    return at->second;
  }

  void state_changed(instance_tracks& on, const event& e) {
    if (std::exchange(on.has_state, true)) end({e.instance, state_track}, e.at);
    begin({e.instance, state_track}, e.at, to_string(e.to));
    if (e.to != session_state::deregistered) return;
    close(on, e.instance);
    instances_.erase(e.instance);
  }

  void row_began(instance_tracks& on, const event& e) {
    const open_row& row = on.rows.began(e);
    if (row.lane >= on.named_lanes) {
      on.named_lanes = row.lane + 1;
      name_track("thread_name", lane_of(e.instance, row), "rows");
    }
    if (e.which == row::send_buffers) return;  // shown at its end, if it is worth it
    detail::json_event out(open(), "B", lane_of(e.instance, row), to_string(e.which));
    out.time(e.at);
    if (!e.id.is_nil()) out.arguments().member("peer", id_text(e.id));
  }
  void row_ended(instance_tracks& on, const event& e) {
    const auto row = on.rows.ended(e);
    if (!row || (e.which == row::send_buffers && e.at - row->since < wish_.shortest_send)) return;
    const bool is_send = e.which == row::send_buffers;
    detail::json_event out(open(), is_send ? "X" : "E", lane_of(e.instance, *row),
                           to_string(e.which));
    out.time(is_send ? row->since : e.at);
    if (is_send) out.length(e.at - row->since);
    out.arguments().member("result", e.result);
    if (is_send) out.member("accepted", e.amount);
  }

  void call_pended(instance_tracks& on, const event& e) {
    const open_row* const holder = on.rows.find(row::establish_session);
    const track at = holder ? lane_of(e.instance, *holder) : track{e.instance, state_track};
    mark(at, e, "call held");
    detail::json_event(open(), "s", at, "held call")
        .time(e.at)
        .member("cat", "gate")
        .member("id", arrow_id(e.instance, on.calls_held++));
    count_held(on, e);
  }
  void call_let_go(instance_tracks& on, const event& e) {
    const track at{e.instance, state_track};
    mark(at, e, e.kind == event_kind::call_resumed ? "held call resumed" : "held call refused");
    if (on.calls_let_go == on.calls_held) return;     // it was held before this observer was there
    detail::json_event(open(), "f", at, "held call")  // calls are let go in the order they came in
        .time(e.at)
        .member("cat", "gate")
        .member("bp", "e")
        .member("id", arrow_id(e.instance, on.calls_let_go++));
    count_held(on, e);
  }
  void count_held(const instance_tracks& on, const event& e) {
    detail::json_event(open(), "C", {e.instance, 0}, "held calls")
        .time(e.at)
        .arguments()
        .member("calls", on.calls_held - on.calls_let_go);
  }

  void count_bytes(instance_tracks& on, const event& e) {
    if (on.is_busy && e.at - on.last >= 4 * wish_.sample_interval) end_burst(on, e.instance);
    if (!std::exchange(on.is_busy, true)) on.since = e.at;
    if (e.at - on.since >= wish_.sample_interval) sample(on, e.instance, e.at);
    (e.kind == event_kind::message_sent ? on.sent : on.received) += e.amount;
    on.last = e.at;
  }
  void sample(instance_tracks& on, std::uint32_t instance, time_point until) {
    const double seconds = std::chrono::duration<double>(until - on.since).count();
    const auto rate = [seconds](std::uint64_t bytes) {
      return seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds) : 0;
    };
    rates(instance, on.since, rate(on.sent), rate(on.received));
    on.since = until;
    on.sent = on.received = 0;
  }
  /// Nothing came for a while: the line goes down to zero where the traffic ended.
  void end_burst(instance_tracks& on, std::uint32_t instance) {
    if (!std::exchange(on.is_busy, false)) return;
    sample(on, instance, std::max(on.last, on.since + wish_.sample_interval));
    rates(instance, on.since, 0, 0);
  }
  void rates(std::uint32_t instance, time_point at, std::uint64_t out, std::uint64_t in) {
    detail::json_event(open(), "C", {instance, 0}, "bytes per second")
        .time(at)
        .arguments()
        .member("sent", out)
        .member("received", in);
  }

  void message_dropped(instance_tracks& on, const event& e) {
    ++on.drops[static_cast<std::size_t>(e.cause)];
    ++on.unmarked_drops;
    if (on.marked_drops && e.at - *on.marked_drops < wish_.sample_interval) return;
    on.marked_drops = e.at;
    mark_drops(on, e.instance, e.at);
  }
  void mark_drops(instance_tracks& on, std::uint32_t instance, time_point at) {
    {
      detail::json_event out(open(), "i", {instance, state_track}, "messages dropped");
      out.time(at).member("s", "t").arguments();
      out.member("messages", std::exchange(on.unmarked_drops, 0));
    }
    detail::json_event out(open(), "C", {instance, 0}, "dropped");
    out.time(at).arguments();
    for (std::size_t i = 0; i < on.drops.size(); ++i)
      if (on.drops[i] > 0) out.member(to_string(static_cast<drop_cause>(i)), on.drops[i]);
  }

  void endpoint_ready(const event& e) {
    end({0, e.endpoint}, e.at);
    begin({0, e.endpoint}, e.at, id_text(e.id));
  }
  void endpoint_closed(const event& e) {
    end({0, e.endpoint}, e.at);
    endpoints_.erase(e.endpoint);
  }

  /// A moment, with what the event says beyond its kind.
  void mark(track at, const event& e, std::string_view name) {
    detail::json_event out(open(), "i", at, name);
    out.time(e.at).member("s", "t").arguments();
    if (!e.id.is_nil()) out.member("peer", id_text(e.id));
    if (e.which != row::none) out.member("row", to_string(e.which));
    if (!e.result.ok()) out.member("result", e.result);
    if (e.kind == event_kind::session_ending) out.member("reason", to_string(e.reason));
  }
  void begin(track at, time_point when, std::string_view name) {
    if (at.group == 0 && endpoints_.insert(at.number).second) {
      std::string text = "endpoint ";
      detail::append_integer(text, at.number);
      name_track("thread_name", at, text);
    }
    detail::json_event(open(), "B", at, name).time(when);
  }
  void end(track at, time_point when) { detail::json_event(open(), "E", at, "").time(when); }
  void name_track(std::string_view what, track at, std::string_view name) {
    detail::json_event(open(), "M", at, what).arguments().member("name", name);
  }
  [[nodiscard]] static track lane_of(std::uint32_t instance, const open_row& row) noexcept {
    return {instance, first_row_track + row.lane};
  }

  /// The place for the next object; the one before it, being complete, goes out.
  std::string& open() {
    flush();
    text_ += std::exchange(is_first_, false) ? "\n" : ",\n";
    return text_;
  }
  void flush() {
    to_.write(text_);
    text_.clear();
  }
  void close_all() {
    for (auto& [id, on] : instances_) close(on, id);
    for (const std::uint64_t luid : endpoints_) end({0, luid}, latest_);
    flush();
    to_.write("\n]\n");
  }
  void close(instance_tracks& on, std::uint32_t instance) {
    end_burst(on, instance);
    if (on.unmarked_drops > 0) mark_drops(on, instance, latest_);
    for (const open_row& row : on.rows.all())
      if (row.which != row::send_buffers) end(lane_of(instance, row), latest_);
    if (on.has_state) end({instance, state_track}, latest_);
  }
  /// Unique among all instances.
  std::string_view arrow_id(std::uint32_t instance, std::uint64_t number) {
    scratch_.clear();
    detail::append_integer(scratch_, instance);
    scratch_ += '.';
    detail::append_integer(scratch_, number);
    return scratch_;
  }
  std::string_view id_text(const transport_id& id) {
    scratch_.clear();
    append_text(scratch_, id);
    return scratch_;
  }

  output to_;
  chrome_trace_options wish_;
  std::string text_, scratch_;
  std::map<std::uint32_t, instance_tracks> instances_;
  std::set<std::uint64_t> endpoints_;  // those that are open
  time_point latest_{};
  std::uint64_t lost_ = 0;
  bool is_first_ = true;
  bool finished_ = false;
};

static_assert(observer<chrome_trace>);

}  // namespace lockgate::inline v0

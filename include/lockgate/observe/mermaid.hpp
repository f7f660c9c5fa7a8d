// A timeline as a Mermaid sequence diagram: who called whom, and what came of it.
#pragma once

#include "lockgate/base/address_text.hpp"      // for to_string
#include "lockgate/observe/timeline.hpp"       // for timeline
#include "lockgate/observe/traffic_count.hpp"  // for traffic_count
#include "lockgate/platform/event.hpp"         // for event

#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t
#include <map>          // for map
#include <span>         // for span
#include <string>       // for string
#include <string_view>  // for string_view

namespace lockgate::inline v0 {

/// What a provider instance is called in a diagram.
struct participant {
  std::uint32_t instance = 0;
  std::string_view name;
};

namespace detail {

/// Writes one diagram, event by event.
class mermaid_writer {
 public:
  mermaid_writer(const timeline& events, std::span<const participant> names) {
    out_ =
        "sequenceDiagram\n"
        "  participant A as Application\n"
        "  participant P as Platform\n";
    for (std::size_t i = 0; i < events.size(); ++i)
      if (const std::uint32_t id = events[i].first.instance; id != 0) open_rows_.emplace(id, 0);
    for (const auto& [id, rows] : open_rows_)
      line("participant " + column(id) + " as ", name_of(id, names));
    if (events.overwritten() > 0)
      line("Note over A,P: ", std::to_string(events.overwritten()) + " earlier events are gone");
    for (std::size_t i = 0; i < events.size(); ++i) add(events[i]);
    write_traffic();
  }
  [[nodiscard]] std::string take() && { return std::move(out_); }

 private:
  void add(const timeline::entry& entry) {
    const event& e = entry.first;
    if (is_traffic(e)) {
      traffic_[e.instance].add(entry);
      return;
    }
    if (e.kind == event_kind::call_pended) {
      ++pended_[e.instance];
      return;
    }
    write_traffic();
    const std::string who = column(e.instance);
    switch (e.kind) {
      case event_kind::instance_created: return line("A->>P: ", "create " + who);
      case event_kind::registration_ended:
        return line("P-->>A: ", "register " + who + ": " + e.result.message());
      case event_kind::state_changed:
        return line("Note over " + who + ": ",
                    std::string(to_string(e.from)) + " to " + std::string(to_string(e.to)));
      case event_kind::row_began:
        ++open_rows_[e.instance];
        return line("P->>+" + who + ": ", row_text(e));
      case event_kind::row_ended: return end_row(e);
      case event_kind::row_threw:
      case event_kind::row_overran:
      case event_kind::provider_stuck:
        return line("Note over " + who + ": ",
                    std::string(to_string(e.which)) + " " + mishap(e.kind));
      case event_kind::task_threw:
        return line("Note over " + who + ": ", "a task ended with an exception");
      case event_kind::call_resumed: return line("P-->>" + who + ": ", "held call carried out");
      case event_kind::call_refused: return line("P--x" + who + ": ", e.result.message());
      case event_kind::session_ending:
        return line("Note over P," + who + ": ", "ending: " + std::string(to_string(e.reason)));
      case event_kind::endpoint_opened:
        return line("A->>P: ", "open endpoint " + std::to_string(e.endpoint));
      case event_kind::endpoint_ready:
        return line("P-->>A: ",
                    "endpoint " + std::to_string(e.endpoint) + " is " + to_string(e.id));
      case event_kind::endpoint_closed:
        return line("A->>P: ", "close endpoint " + std::to_string(e.endpoint));
      case event_kind::path_opened:
        return line("Note over P," + who + ": ", "path to " + to_string(e.id));
      case event_kind::path_closed:
        return line("Note over P," + who + ": ", "path to " + to_string(e.id) + " closed");
      case event_kind::send_refused:
        return line("P--xA: ", "no way to " + to_string(e.id) + ": " + e.result.message());
      case event_kind::signal_sent: return line(who + "->>P: ", "signal to " + to_string(e.id));
      case event_kind::signal_received:
        return line("P->>" + who + ": ", "signal from " + to_string(e.id));
      default: return;  // counted above
    }
  }

  /// An end whose beginning has been overwritten closes no bar.
  void end_row(const event& e) {
    int& open = open_rows_[e.instance];
    const std::string arrow = open > 0 ? "-->>-P: " : "-->>P: ";
    if (open > 0) --open;
    line(column(e.instance) + arrow, row_text(e) + ": " + e.result.message());
  }
  [[nodiscard]] static std::string row_text(const event& e) {
    std::string out(to_string(e.which));
    if (!e.id.is_nil()) out += " " + to_string(e.id);
    return out;
  }
  [[nodiscard]] static std::string mishap(event_kind kind) {
    if (kind == event_kind::row_threw) return "ended with an exception";
    if (kind == event_kind::row_overran) return "took too long and is asked to stop";
    return "does not stop";
  }

  /// What has been counted since the last line, as a few lines.
  void write_traffic() {
    for (const auto& [id, calls] : pended_)
      line(column(id) + "->>P: ", plural(calls, "call") + " held until establish_session ends");
    pended_.clear();
    for (const auto& [id, traffic] : traffic_) {
      const std::string who = column(id);
      if (const std::string out = traffic.sent_text(); !out.empty()) line("P->>" + who + ": ", out);
      if (const std::string in = traffic.received_text(); !in.empty()) line(who + "->>P: ", in);
      if (const std::string lost = traffic.dropped_text(); !lost.empty())
        line("Note over P," + who + ": ", lost);
    }
    traffic_.clear();
  }

  /// Mermaid takes `;` for the end of a statement and `#` for the begin of a character code.
  void line(const std::string& arrow, std::string_view text) {
    out_ += "  " + arrow;
    for (const char c : text) {
      if (c == ';') out_ += "#59;";
      else if (c == '#') out_ += "#35;";
      else out_ += c == '\n' ? ' ' : c;
    }
    out_ += '\n';
  }
  [[nodiscard]] static std::string column(std::uint32_t instance) {
    return instance == 0 ? "A" : "I" + std::to_string(instance);
  }
  [[nodiscard]] static std::string name_of(std::uint32_t id, std::span<const participant> names) {
    for (const participant& p : names)
      if (p.instance == id) return std::string(p.name);
    return "Provider instance " + std::to_string(id);
  }

  std::string out_;
  std::map<std::uint32_t, int> open_rows_;  // in the order of the columns
  std::map<std::uint32_t, traffic_count> traffic_;
  std::map<std::uint32_t, std::uint64_t> pended_;
};

}  // namespace detail

/// The timeline as the text of a Mermaid sequence diagram. Rows are arrows with their results;
/// changes of state, held calls and drops are notes; messages are counted.
///
/// Errors: throws `std::bad_alloc`.
[[nodiscard]] inline std::string mermaid(const timeline& events,
                                         std::span<const participant> names = {}) {
  return detail::mermaid_writer(events, names).take();
}

}  // namespace lockgate::inline v0

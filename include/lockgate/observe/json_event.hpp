// One event of the Chrome Trace Event Format, written member by member.
#pragma once

#include "lockgate/base/clock.hpp"    // for time_point
#include "lockgate/base/status.hpp"   // for status
#include "lockgate/observe/text.hpp"  // for append_integer, append_decimal, append_quoted

#include <cstdint>      // for uint64_t
#include <string>       // for string
#include <string_view>  // for string_view

namespace lockgate::inline v0::detail {

/// Where an event is shown: a group of tracks ("process") and a track of it ("thread").
struct trace_track {
  std::uint64_t group = 0;
  std::uint64_t number = 0;
};

/// Appends one JSON object to a text; it is complete once the writer is gone.
///
/// Members: ph, pid, tid, ts and name of "Trace Event Format" (Google, 2016); ts is in
/// microseconds.
class json_event {
 public:
  json_event(std::string& out, std::string_view phase, trace_track at, std::string_view name)
      : out_(out) {
    out_ += "{\"ph\":\"";
    out_ += phase;
    out_ += "\",\"pid\":";
    append_integer(out_, at.group);
    out_ += ",\"tid\":";
    append_integer(out_, at.number);
    if (!name.empty()) member("name", name);
  }
  json_event(const json_event&) = delete;
  ~json_event() { out_ += has_arguments_ ? "}}" : "}"; }

  json_event& time(time_point at) { return decimal("ts", at.time_since_epoch()); }
  json_event& length(duration time) { return decimal("dur", time); }
  json_event& member(std::string_view key, std::string_view text) {
    begin(key);
    append_quoted(out_, text);
    return *this;
  }
  json_event& member(std::string_view key, const status& outcome) {
    begin(key);
    append_quoted_outcome(out_, outcome);
    return *this;
  }
  json_event& member(std::string_view key, std::uint64_t value) {
    begin(key);
    append_integer(out_, value);
    return *this;
  }
  /// Members from here on are arguments of the event.
  json_event& arguments() {
    out_ += ",\"args\":{";
    has_arguments_ = is_first_ = true;
    return *this;
  }

 private:
  json_event& decimal(std::string_view key, duration time) {
    begin(key);
    append_decimal(out_, time, 3);
    return *this;
  }
  void begin(std::string_view key) {
    if (!is_first_) out_ += ',';
    is_first_ = false;
    append_quoted(out_, key);
    out_ += ':';
  }
  std::string& out_;
  bool has_arguments_ = false;
  bool is_first_ = false;
};

}  // namespace lockgate::inline v0::detail

// Events as single lines for a log: key=value, as logfmt has it.
#pragma once

#include "lockgate/base/address_text.hpp"       // for append_text
#include "lockgate/base/without_throwing.hpp"   // for without_throwing
#include "lockgate/observe/text.hpp"            // for append_integer, append_quoted_outcome
#include "lockgate/platform/event.hpp"          // for event
#include "lockgate/platform/observer.hpp"       // for observer
#include "lockgate/platform/session_state.hpp"  // for row

#include <cstdint>      // for uint8_t, uint64_t
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for move

namespace lockgate::inline v0 {

/// How much a line matters, in the words that logging libraries share.
enum class log_level : std::uint8_t { trace, debug, info, warning, error };

[[nodiscard]] constexpr std::string_view to_string(log_level level) noexcept {
  switch (level) {
    case log_level::trace: return "trace";
    case log_level::debug: return "debug";
    case log_level::info: return "info";
    case log_level::warning: return "warning";
    case log_level::error: return "error";
  }
  return "unknown";
}

/// Single messages are `trace`, rows and signals `debug`, the life of a session `info`; a failure
/// that the platform deals with is a `warning`, one that ends the session an `error`.
[[nodiscard]] constexpr log_level level_of(const event& e) noexcept {
  switch (e.kind) {
    case event_kind::row_threw:
    case event_kind::task_threw:
    case event_kind::row_overran:
    case event_kind::provider_stuck: return log_level::error;
    case event_kind::message_dropped:
    case event_kind::send_refused:
    case event_kind::call_refused: return log_level::warning;
    case event_kind::message_sent:
    case event_kind::message_received: return log_level::trace;
    case event_kind::row_began:
      return e.which == row::send_buffers ? log_level::trace : log_level::debug;
    case event_kind::row_ended:
      if (e.which == row::send_buffers) return !e.result.ok() ? log_level::debug : log_level::trace;
      return !e.result.ok() ? log_level::warning : log_level::debug;
    case event_kind::signal_sent:
    case event_kind::signal_received: return log_level::debug;
    case event_kind::registration_ended:
      return !e.result.ok() ? log_level::warning : log_level::info;
    default: return log_level::info;
  }
}

/// Appends an event as one line without its end: `t=12.000000001 instance=1 event=state_changed
/// from=IDLE to=ACTIVATING`. `t` is in seconds of the platform's clock; only members that mean
/// something at the event's kind are there. Payloads and the contents of signals are in no event,
/// and so in no line.
///
/// Errors: throws `std::bad_alloc`. Cost: no allocation where `out` has room.
inline void append_log_line(std::string& out, const event& e) {
  const auto word = [&out](std::string_view key, std::string_view value) {
    out += ' ';
    out += key;
    out += '=';
    out += value;
  };
  const auto number = [&](std::string_view key, std::uint64_t value) {
    word(key, {});
    detail::append_integer(out, value);
  };
  out += "t=";
  detail::append_seconds(out, e.at.time_since_epoch());
  if (e.instance != 0) number("instance", e.instance);
  word("event", to_string(e.kind));
  if (e.which != row::none) word("row", to_string(e.which));
  if (e.kind == event_kind::state_changed) {
    word("from", to_string(e.from));
    word("to", to_string(e.to));
  }
  if (e.kind == event_kind::session_ending) word("reason", to_string(e.reason));
  if (e.kind == event_kind::message_dropped) word("cause", to_string(e.cause));
  if (e.endpoint != 0) number("endpoint", e.endpoint);
  if (!e.id.is_nil()) {
    word("id", {});
    append_text(out, e.id);
  }
  if (e.which == row::send_buffers && e.result.ok()) number("messages", e.amount);
  if (e.kind == event_kind::message_sent || e.kind == event_kind::message_received)
    number("bytes", e.amount);
  if (e.result.ok()) return;
  word("error", {});
  detail::append_quoted_outcome(out, e.result);
}

/// An observer that hands each event, as one line, to `write(level, line)`: the way to any logging
/// library.
///
/// Requires: `write` throws nothing but `std::bad_alloc`.
/// Cost: no allocation in the steady state; events below `least` cost a comparison.
template <class Write>
class log_lines {
 public:
  explicit log_lines(Write write, log_level least = log_level::info)
      : write_(std::move(write)), least_(least) {
    line_.reserve(256);
  }

  void on(const event& e) noexcept {
    const log_level level = level_of(e);
    if (level < least_) return;
    const status written = detail::without_throwing([&] {
      line_.clear();
      append_log_line(line_, e);
      write_(level, std::string_view(line_));
    });
    if (!written.ok()) ++lost_;
  }
  /// Events for which there was no memory.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  Write write_;
  log_level least_;
  std::string line_;
  std::uint64_t lost_ = 0;
};

}  // namespace lockgate::inline v0

// What a platform is doing, on a terminal while it does it, or as lines in a file.
#pragma once

#include "lockgate/base/clock.hpp"             // for time_point, duration
#include "lockgate/base/without_throwing.hpp"  // for without_throwing
#include "lockgate/coro/scheduler.hpp"         // for scheduler
#include "lockgate/coro/timer.hpp"             // for timer
#include "lockgate/observe/log_line.hpp"       // for level_of
#include "lockgate/observe/output.hpp"         // for output
#include "lockgate/observe/status_board.hpp"   // for status_board
#include "lockgate/observe/text.hpp"           // for append_integer
#include "lockgate/platform/event.hpp"         // for event
#include "lockgate/platform/observer.hpp"      // for observer

#include <array>        // for array
#include <chrono>       // for milliseconds, seconds
#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t, uint64_t
#include <cstdio>       // for snprintf
#include <map>          // for map, erase_if
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for exchange

namespace lockgate::inline v0 {

/// How a view looks.
struct live_view_options {
  /// Redrawn in place, in colours; otherwise lines, for a file or a pipe.
  bool on_terminal = false;
  std::size_t columns = 80;  ///< of the terminal; longer lines are cut
  /// Rows, held calls and endpoints that have waited this long are explained.
  duration patience = std::chrono::milliseconds(300);
};

/// An observer that shows instances, their states, what waits for what, throughput and drops.
///
/// On a terminal it is a few lines, drawn anew ten times a second; elsewhere a line for each change
/// of state or mishap, and a few once a second as long as something moves or waits.
///
/// Lifetime: between `begin` and `end` a timer of the scheduler is armed, which keeps most event
///           loops from running out of work.
/// Cost: additions for each event; text ten times or once a second, without an allocation unless
///       something waits.
class live_view : timer {
 public:
  live_view(scheduler& home, output to, const live_view_options& wish = {})
      : timer([](ready_item& self) noexcept { static_cast<live_view&>(self).tick(); }), home_(home),
        to_(to), wish_(wish) {}
  live_view(const live_view&) = delete;

  /// What the view calls an instance. Errors: throws `std::bad_alloc`.
  void name_instance(std::uint32_t instance, std::string_view name) {
    board_.name_instance(instance, name);
  }
  /// The first line: what the program itself has to say of its progress.
  void set_caption(std::string_view caption) { caption_ = caption; }
  [[nodiscard]] const status_board& board() const noexcept { return board_; }

  void begin() noexcept {
    began_ = drawn_at_ = home_.now();
    home_.arm(*this, began_ + interval());
  }
  /// Shows the last state, and leaves it there.
  void end() noexcept {
    if (!is_armed()) return;
    disarm();
    show();
    lines_up_ = 0;
  }

  void on(const event& e) noexcept {
    board_.on(e);
    if (wish_.on_terminal || !is_armed()) return;
    static_cast<void>(detail::without_throwing([&] { tell(e); }));  // the board has it all the same
  }

 private:
  /// What an instance had carried when it was last drawn, and how fast it went.
  struct pace {
    std::uint64_t sent = 0, received = 0, drops = 0;
    double out = 0, in = 0;  // bytes per second
  };

  [[nodiscard]] duration interval() const noexcept {
    return wish_.on_terminal ? duration(std::chrono::milliseconds(100))
                             : duration(std::chrono::seconds(1));
  }
  void tick() noexcept {
    show();
    home_.arm(*this, home_.now() + interval());
  }
  void show() noexcept {
    static_cast<void>(detail::without_throwing([&] { draw(home_.now()); }));
  }

  void draw(time_point now) {
    const double seconds =
        std::chrono::duration<double>(now - std::exchange(drawn_at_, now)).count();
    const auto waiting = board_.waits(now, wish_.patience);
    bool moved = !waiting.empty();
    for (const auto& [id, on] : board_.instances()) moved |= update(paces_[id], on, seconds);
    if (!moved && !wish_.on_terminal) return;
    text_.clear();
    if (lines_up_ > 0) {
      text_ += "\033[";
      detail::append_integer(text_, lines_up_);
      text_ += 'A';
    }
    lines_up_ = 0;
    if (wish_.on_terminal) {
      line_ += detail::age_text(now - began_);
      line_ += "  ";
    }
    line_ += caption_;
    if (!line_.empty()) end_line(now);
    for (const auto& [id, on] : board_.instances()) {
      write_instance(id, on, now);
      end_line(now);
      if (on.drops.total() == 0) continue;
      write_drops(on.drops);
      end_line(now);
    }
    for (const std::string& sentence : waiting) write_sentence(sentence, now);
    if (wish_.on_terminal) text_ += "\033[J";  // lines of an earlier, longer picture
    to_.write(text_);
    std::erase_if(paces_, [this](const auto& p) { return !board_.instances().contains(p.first); });
  }
  /// True if something has moved since the last time.
  static bool update(pace& p, const instance_status& on, double seconds) noexcept {
    const auto rate = [seconds](double& of, std::uint64_t bytes) {
      const double latest = seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
      of = bytes > 0 && of > 0 ? 0.7 * of + 0.3 * latest : latest;
    };
    const bool moved =
        on.bytes_sent != p.sent || on.bytes_received != p.received || on.drops.total() != p.drops;
    rate(p.out, on.bytes_sent - std::exchange(p.sent, on.bytes_sent));
    rate(p.in, on.bytes_received - std::exchange(p.received, on.bytes_received));
    p.drops = on.drops.total();
    return moved;
  }

  void write_instance(std::uint32_t id, const instance_status& on, time_point now) {
    const pace& p = paces_.at(id);
    write_padded(board_.name_of(id), 10);
    if (wish_.on_terminal) line_ += colour_of(on.state);
    write_padded(to_string(on.state), 12);
    if (wish_.on_terminal) line_ += "\033[0m";
    write_padded(detail::age_text(now - on.since), 6);
    write_flow("out ", on.bytes_sent, p.out);
    write_flow(" in ", on.bytes_received, p.in);
  }
  void write_drops(const drop_counters& drops) {
    line_ += "  dropped:";
    for (int i = 0; i < drop_cause_count; ++i) {
      const auto cause = static_cast<drop_cause>(i);
      if (drops[cause] == 0) continue;
      line_ += ' ';
      detail::append_integer(line_, drops[cause]);
      line_ += ' ';
      line_ += to_string(cause);
    }
  }
  void write_flow(std::string_view direction, std::uint64_t bytes, double per_second) {
    line_ += direction;
    write_bytes(static_cast<double>(bytes));
    line_ += ' ';
    write_bytes(per_second);
    line_ += "/s";
  }
  /// Four digits at most, and a unit.
  void write_bytes(double bytes) {
    static constexpr std::array units{" B", "kB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    for (; bytes >= 999.95 && unit + 1 < units.size(); ++unit) bytes /= 1000;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%5.*f %s", unit > 0 ? 1 : 0, bytes, units[unit]);
    line_ += text.data();
  }
  void write_padded(std::string_view text, std::size_t width) {
    line_ += text;
    if (text.size() < width) line_.append(width - text.size(), ' ');
    line_ += ' ';
  }
  [[nodiscard]] static std::string_view colour_of(session_state state) noexcept {
    if (state == session_state::active) return "\033[32m";
    if (state == session_state::idle || state == session_state::created) return "\033[0m";
    if (state >= session_state::ended) return "\033[2m";
    return "\033[33m";  // on its way
  }

  /// An event that people follow, when there is no picture to see it in.
  void tell(const event& e) {
    if (e.kind == event_kind::message_dropped || level_of(e) < log_level::info) return;
    if (e.kind != event_kind::state_changed && level_of(e) < log_level::warning) return;
    text_ = detail::age_text(e.at - began_) + "  ";
    if (e.instance != 0) text_ += board_.name_of(e.instance) + ": ";
    if (e.kind == event_kind::state_changed) {
      text_ += std::string(to_string(e.from)) + " to " + std::string(to_string(e.to));
    } else {
      text_ += to_string(e.kind);
      if (e.which != row::none) text_ += ' ' + std::string(to_string(e.which));
      if (!e.id.is_nil()) text_ += ' ' + to_string(e.id);
      if (!e.result.ok()) text_ += ": " + e.result.message();
    }
    text_ += '\n';
    to_.write(text_);
  }

  /// A sentence that is wider than the terminal goes on in further lines.
  void write_sentence(std::string_view sentence, time_point now) {
    const std::size_t width = wish_.on_terminal && wish_.columns > 20 ? wish_.columns - 4 : ~0u;
    for (std::string_view indent = "  "; !sentence.empty(); indent = "    ") {
      std::size_t end = sentence.size();
      if (end > width) end = sentence.rfind(' ', width);
      if (end == sentence.npos) end = width;
      line_ += indent;
      line_ += sentence.substr(0, end);
      end_line(now);
      sentence.remove_prefix(end < sentence.size() && sentence[end] == ' ' ? end + 1 : end);
    }
  }
  /// Writes the line that has been put together. Where nothing is redrawn it tells its time.
  void end_line(time_point now) {
    if (wish_.on_terminal) {
      ++lines_up_;
      text_ += clipped(line_, wish_.columns);
      text_ += "\033[0m\033[K";
    } else {
      text_ += detail::age_text(now - began_);
      text_ += "  ";
      text_ += line_;
    }
    text_ += '\n';
    line_.clear();
  }
  /// The beginning of a text that is `columns` wide; colour sequences take no room.
  [[nodiscard]] static std::string_view clipped(std::string_view text, std::size_t columns) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\033') i = text.find('m', i);
      else if (width++ == columns) return text.substr(0, i);
    }
    return text;
  }

  scheduler& home_;
  output to_;
  live_view_options wish_;
  status_board board_;
  std::map<std::uint32_t, pace> paces_;
  std::string caption_, text_, line_;
  std::size_t lines_up_ = 0;
  time_point began_, drawn_at_;
};

static_assert(observer<live_view>);

}  // namespace lockgate::inline v0

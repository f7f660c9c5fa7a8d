// What the longer examples let people see: a live view, and files of what happened, on request.
#pragma once

#include "lockgate/observe/chrome_trace.hpp"  // for chrome_trace
#include "lockgate/observe/live_view.hpp"     // for live_view
#include "lockgate/observe/mermaid.hpp"       // for mermaid, participant
#include "lockgate/observe/pcapng.hpp"        // for pcapng
#include "lockgate/observe/prometheus.hpp"    // for prometheus_metrics
#include "lockgate/observe/timeline.hpp"      // for timeline
#include "lockgate/platform/platform.hpp"     // for platform

#include <sys/ioctl.h>  // for ioctl, winsize
#include <unistd.h>     // for isatty

#include <chrono>       // for system_clock
#include <fstream>      // for ofstream
#include <iostream>     // for cout
#include <optional>     // for optional
#include <stdexcept>    // for runtime_error
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for pair, move
#include <vector>       // for vector

/// What people want to see. A file whose name is empty is not written.
struct watch_options {
  bool view = true;              ///< on standard output, while it happens
  bool printed_diagram = false;  ///< on standard output, at the end
  std::string diagram;           ///< a Mermaid sequence diagram
  std::string trace;             ///< for the Perfetto UI
  std::string pcapng;            ///< for Wireshark
  std::string metrics;           ///< in the Prometheus text format

  /// Reads `--trace FILE` and its like. False if there are other words.
  [[nodiscard]] bool read(int count, char** words) {
    for (int i = 1; i < count; i += 2) {
      std::string* const file = file_of(words[i]);
      if (!file || i + 1 == count) return false;
      *file = words[i + 1];
    }
    return true;
  }
  static constexpr const char* usage =
      "[--diagram FILE] [--trace FILE] [--pcapng FILE] [--metrics FILE]";

 private:
  std::string* file_of(std::string_view flag) noexcept {
    if (flag == "--diagram") return &diagram;
    if (flag == "--trace") return &trace;
    if (flag == "--pcapng") return &pcapng;
    if (flag == "--metrics") return &metrics;
    return nullptr;
  }
};

/// A file, or nothing. Errors: throws `std::runtime_error`.
class optional_file {
 public:
  explicit optional_file(const std::string& path) : path_(path) {
    if (path.empty()) return;
    stream_.open(path, std::ios::binary | std::ios::trunc);
    if (!stream_) throw std::runtime_error(path + " cannot be written");
  }
  [[nodiscard]] explicit operator bool() const noexcept { return !path_.empty(); }
  [[nodiscard]] std::ostream& stream() noexcept { return stream_; }
  void finish() {
    if (path_.empty()) return;
    stream_.close();
    if (!stream_) throw std::runtime_error(path_ + " cannot be written");
  }

 private:
  std::string path_;
  std::ofstream stream_;
};

/// The observers that take events; whoever wants no packets is not shown any message.
class event_watch {
 public:
  void on(const lockgate::event& e) noexcept {
    if (timeline_) timeline_->on(e);
    if (trace_) trace_->on(e);
    if (capture_) capture_->on(e);
    if (metrics_) metrics_->on(e);
    if (view_) view_->on(e);
  }

 protected:
  std::optional<lockgate::timeline> timeline_;
  std::optional<lockgate::chrome_trace> trace_;
  std::optional<lockgate::pcapng> capture_;
  std::optional<lockgate::prometheus_metrics> metrics_;
  std::optional<lockgate::live_view> view_;
};

/// Lifetime: the scheduler outlives it, and it outlives the platform.
class watch : public event_watch {
 public:
  /// Errors: throws `std::runtime_error` for a file that cannot be written.
  watch(lockgate::scheduler& home, const watch_options& wish)
      : wish_(wish), diagram_file_(wish.diagram), trace_file_(wish.trace),
        capture_file_(wish.pcapng), metrics_file_(wish.metrics) {
    if (diagram_file_ || wish.printed_diagram)
      timeline_.emplace(1024, lockgate::timeline::traffic::counted);
    if (trace_file_) trace_.emplace(trace_file_.stream());
    if (metrics_file_) metrics_.emplace();
    if (capture_file_) {
      lockgate::pcapng_options how;
      how.since_epoch =
          std::chrono::system_clock::now().time_since_epoch() - home.now().time_since_epoch();
      capture_.emplace(capture_file_.stream(), how);
    }
    if (!wish.view) return;
    lockgate::live_view_options how;
    how.on_terminal = isatty(STDOUT_FILENO) != 0;
    if (winsize size{}; ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
      how.columns = size.ws_col;
    view_.emplace(home, std::cout, how);
  }

  /// From here on everything is seen. An instance is named before or after.
  void begin(lockgate::platform& cp) {
    if (capture_) cp.observe(*this);
    else if (timeline_ || trace_ || metrics_ || view_) cp.observe<event_watch>(*this);
    if (view_) view_->begin();
  }
  void name_instance(std::uint32_t instance, const std::string& name) {
    names_.emplace_back(instance, name);
    if (trace_) trace_->name_instance(instance, name);
    if (capture_) capture_->name_instance(instance, name);
    if (view_) view_->name_instance(instance, name);
  }
  void set_caption(std::string_view words) {
    if (view_) view_->set_caption(words);
  }
  /// Ends the view. What the program prints from here on is below it.
  void end_view() {
    if (view_) view_->end();
    std::cout.flush();
  }
  /// Writes what is written at the end. Errors: throws `std::runtime_error`.
  void finish() {
    end_view();
    if (trace_) trace_->finish();
    if (metrics_) metrics_file_.stream() << metrics_->text();
    std::vector<lockgate::participant> participants;
    for (const auto& [instance, name] : names_) participants.push_back({instance, name});
    const std::string diagram = timeline_ ? mermaid(*timeline_, participants) : std::string();
    if (diagram_file_) diagram_file_.stream() << diagram;
    if (wish_.printed_diagram) std::cout << diagram;
    for (optional_file* file : {&diagram_file_, &trace_file_, &capture_file_, &metrics_file_})
      file->finish();
  }

  void on_message(const lockgate::observed_message& m) noexcept { capture_->on_message(m); }

 private:
  watch_options wish_;
  optional_file diagram_file_, trace_file_, capture_file_, metrics_file_;
  std::vector<std::pair<std::uint32_t, std::string>> names_;
};

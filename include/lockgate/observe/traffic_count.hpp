// The messages of one instance between two other events, as a few words.
#pragma once

#include "lockgate/observe/timeline.hpp"  // for timeline
#include "lockgate/platform/event.hpp"    // for event_kind, drop_cause

#include <cstdint>  // for uint64_t
#include <map>      // for map
#include <string>   // for string

namespace lockgate::inline v0::detail {

[[nodiscard]] inline std::string plural(std::uint64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

/// Adds traffic entries up.
class traffic_count {
 public:
  void add(const timeline::entry& entry) {
    const event& e = entry.first;
    switch (e.kind) {
      case event_kind::row_began: calls_ += entry.count; break;
      case event_kind::row_ended:
        if (!e.result.ok()) refusals_[e.result.message()] += entry.count;
        break;
      case event_kind::message_sent: sent_.add(entry); break;
      case event_kind::message_received: received_.add(entry); break;
      default: drops_[e.cause] += entry.count; break;
    }
  }

  /// What went to the provider; empty when nothing did.
  [[nodiscard]] std::string sent_text() const {
    if (calls_ == 0 && sent_.messages == 0) return {};
    std::string out = "send_buffers: " + sent_.text() + " in " + plural(calls_, "call");
    for (const auto& [why, count] : refusals_)
      out += ", " + std::to_string(count) + " refused: " + why;
    return out;
  }
  [[nodiscard]] std::string received_text() const {
    return received_.messages == 0 ? std::string() : "indicate: " + received_.text();
  }
  [[nodiscard]] std::string dropped_text() const {
    std::string out;
    for (const auto& [cause, count] : drops_) {
      out += out.empty() ? "dropped: " : ", ";
      out += std::to_string(count) + " " + std::string(to_string(cause));
    }
    return out;
  }

 private:
  struct total {
    std::uint64_t messages = 0, bytes = 0;
    void add(const timeline::entry& entry) noexcept {
      messages += entry.count;
      bytes += entry.amount;
    }
    [[nodiscard]] std::string text() const {
      return plural(messages, "message") + ", " + plural(bytes, "byte");
    }
  };
  std::uint64_t calls_ = 0;
  total sent_, received_;
  std::map<std::string, std::uint64_t> refusals_;
  std::map<drop_cause, std::uint64_t> drops_;
};

}  // namespace lockgate::inline v0::detail

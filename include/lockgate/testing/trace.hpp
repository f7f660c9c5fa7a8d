// What happened in one run, event by event: to be read, hashed, and searched.
#pragma once

#include "lockgate/base/address_text.hpp"  // for to_string
#include "lockgate/platform/event.hpp"     // for event, event_kind

#include <chrono>   // for duration
#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t
#include <cstdio>   // for snprintf
#include <cstring>  // for memcpy
#include <string>   // for string, to_string
#include <vector>   // for vector

namespace lockgate::inline v0::testing {

/// The events of one or several platforms, in the order in which they happened.
///
/// Cost: one copy of 72 bytes for each event; `clear` keeps the memory.
class trace {
 public:
  struct entry {
    event what;
    std::size_t platform;
  };
  trace() { entries_.reserve(64); }
  void add(const event& e, std::size_t platform) { entries_.push_back({e, platform}); }
  void clear() noexcept { entries_.clear(); }
  [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t count(event_kind kind) const noexcept {
    std::size_t n = 0;
    for (const entry& e : entries_) n += e.what.kind == kind;
    return n;
  }

  /// 64 bits (FNV-1a) that are the same for the same run on every compiler and machine.
  [[nodiscard]] std::uint64_t hash() const noexcept {
    std::uint64_t h = 0xcbf29ce484222325u;
    const auto mix = [&h](std::uint64_t word) { h = (h ^ word) * 0x100000001b3u; };
    for (const entry& e : entries_) {
      std::uint64_t high = 0, low = 0;
      std::memcpy(&high, e.what.id.bytes().data(), 8);
      std::memcpy(&low, e.what.id.bytes().data() + 8, 8);
      mix(static_cast<std::uint64_t>(e.what.at.time_since_epoch().count()));
      mix(static_cast<std::uint64_t>(e.what.kind) << 8 | static_cast<std::uint64_t>(e.what.which));
      mix(high);
      mix(low);
      mix(e.what.endpoint);
      mix(std::uint64_t{e.what.instance} << 32 | e.what.amount);
      mix(static_cast<std::uint64_t>(e.what.from) << 24 |
          static_cast<std::uint64_t>(e.what.to) << 16 |
          static_cast<std::uint64_t>(e.what.reason) << 8 |
          static_cast<std::uint64_t>(e.what.cause));
      mix(e.platform << 1 | static_cast<std::uint64_t>(e.what.result.ok()));
    }
    return h;
  }
  /// One line for each event.
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const entry& e : entries_) {
      out += line(e);
      out += '\n';
    }
    return out;
  }
  [[nodiscard]] static std::string line(const entry& e) {
    const event& w = e.what;
    char head[64];
    std::snprintf(head, sizeof head, "%12.6f s  platform %zu  instance %u  ",
                  std::chrono::duration<double>(w.at.time_since_epoch()).count(), e.platform,
                  w.instance);
    std::string out = head + std::string(to_string(w.kind));
    switch (w.kind) {
      case event_kind::state_changed:
        out += ' ' + std::string(to_string(w.from)) + " -> " + std::string(to_string(w.to));
        break;
      case event_kind::session_ending: out += ' ' + std::string(to_string(w.reason)); break;
      case event_kind::message_dropped: out += ' ' + std::string(to_string(w.cause)); break;
      default:
        if (w.which != row::none) out += ' ' + std::string(to_string(w.which));
    }
    if (w.amount > 0) out += " amount " + std::to_string(w.amount);
    if (w.endpoint > 0) out += " endpoint " + std::to_string(w.endpoint);
    if (w.result) out += ": " + w.result.code().message();
    return out;
  }

 private:
  std::vector<entry> entries_;
};

}  // namespace lockgate::inline v0::testing

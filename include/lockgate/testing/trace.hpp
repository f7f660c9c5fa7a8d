// What happened in one run, event by event: to be read, hashed, and searched.
#pragma once

#include "lockgate/observe/timeline.hpp"  // for timeline
#include "lockgate/platform/event.hpp"    // for event, event_kind

#include <array>    // for array
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
  /// An event, and the platform that it happened in.
  struct entry {
    event what;
    std::size_t platform;
  };
  trace() { entries_.reserve(64); }
  /// Remembers an event. Errors: throws `std::bad_alloc`.
  void add(const event& e, std::size_t platform) {
    mix(e, platform);
    if (entries_.size() < limit) entries_.push_back({e, platform});
  }
  void clear() noexcept {
    entries_.clear();
    hash_ = seed;
  }
  [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t count(event_kind kind) const noexcept {
    std::size_t n = 0;
    for (const entry& e : entries_) n += e.what.kind == kind;
    return n;
  }
  /// 64 bits (FNV-1a) that are the same for the same run on every compiler and machine.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  /// The events of one platform, for searching and for diagrams. Errors: throws `std::bad_alloc`.
  [[nodiscard]] timeline of_platform(std::size_t platform) const {
    timeline out(entries_.size());
    for (const entry& e : entries_)
      if (e.platform == platform) out.on(e.what);
    return out;
  }

  /// Events that are kept; later ones count in the hash only.
  static constexpr std::size_t limit = 1 << 16;

  /// One line for each event.
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const entry& e : entries_) {
      out += line(e);
      out += '\n';
    }
    return out;
  }
  /// An entry as a line of text.
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
    if (!w.result.ok()) out += ": " + w.result.code().message();
    return out;
  }

 private:
  static constexpr std::uint64_t seed = 0xcbf29ce484222325u;
  void mix(std::uint64_t word) noexcept { hash_ = (hash_ ^ word) * 0x100000001b3u; }
  void mix(const event& e, std::size_t platform) noexcept {
    std::uint64_t high = 0, low = 0;
    std::memcpy(&high, e.id.bytes().data(), 8);
    std::memcpy(&low, e.id.bytes().data() + 8, 8);
    mix(static_cast<std::uint64_t>(e.at.time_since_epoch().count()));
    mix(high);
    mix(low);
    mix(e.endpoint);
    mix(std::uint64_t{e.instance} << 32 | e.amount);
    const std::array<std::uint64_t, 8> rest{
        static_cast<std::uint64_t>(e.kind),        static_cast<std::uint64_t>(e.which),
        static_cast<std::uint64_t>(e.from),        static_cast<std::uint64_t>(e.to),
        static_cast<std::uint64_t>(e.reason),      static_cast<std::uint64_t>(e.cause),
        static_cast<std::uint64_t>(e.result.ok()), platform};
    std::uint64_t word = 0;
    for (const std::uint64_t part : rest) word = word << 8 | part;
    mix(word);
  }

  std::vector<entry> entries_;
  std::uint64_t hash_ = seed;
};

}  // namespace lockgate::inline v0::testing

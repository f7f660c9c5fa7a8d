// What carry says: progress while it runs, and what it took in the end.
#pragma once

#include "lockgate/base/clock.hpp"    // for time_point, duration
#include "lockgate/buffer/lease.hpp"  // for copies_made

#include "allocations.hpp"  // for allocations
#include "side.hpp"         // for side

#include <array>    // for array
#include <chrono>   // for milliseconds
#include <cstdint>  // for uint64_t
#include <cstdio>   // for printf, snprintf

namespace carry {

/// How far it is: a bar, and figures, above the view.
class progress {
 public:
  progress(watch& seen, std::uint64_t total) : seen_(seen), total_(total) {}

  void show(std::uint64_t done, std::uint64_t lost, lockgate::time_point now) {
    if (shown_ != lockgate::time_point() && now - shown_ < std::chrono::milliseconds(50)) return;
    shown_ = now;
    write(done, lost);
  }
  void end(std::uint64_t lost) { write(total_, lost); }

 private:
  void write(std::uint64_t done, std::uint64_t lost) {
    const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1;
    std::array<char, 41> bar{};
    for (std::size_t i = 0; i + 1 < bar.size(); ++i)
      bar[i] = static_cast<double>(i) < 40 * share ? '#' : '.';
    std::array<char, 96> words{};
    std::snprintf(words.data(), words.size(), "[%s] %5.1f %%  %llu lost", bar.data(), 100 * share,
                  static_cast<unsigned long long>(lost));
    seen_.set_caption(words.data());
  }
  watch& seen_;
  std::uint64_t total_;
  lockgate::time_point shown_{};
};

/// Counts what one side does between its construction and the end of the file.
class measurement {
 public:
  explicit measurement(side& of)
      : side_(of), began_(of.net.home().now()), allocations_(allocations()) {}
  void end() {
    lasted_ = side_.net.home().now() - began_;
    allocations_ = allocations() - allocations_;
  }

  void print(const char* what, std::uint64_t bytes, std::uint64_t chunks) const {
    const double seconds = std::chrono::duration<double>(lasted_).count();
    std::printf("%s %.1f MB in %.3f s: %.1f MB/s\n", what, static_cast<double>(bytes) / 1e6,
                seconds, seconds > 0 ? static_cast<double>(bytes) / seconds / 1e6 : 0.0);
    const auto counted = side_.counters();
    const auto count = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf("  datagrams out %llu, in %llu; lost on purpose %llu\n", count(counted.sent),
                count(counted.received), count(side_.lost_on_purpose));
    std::printf("  copies %llu, allocations %llu (%.4f per chunk)\n",
                count(lockgate::copies_made.copies), count(allocations_),
                chunks > 0 ? static_cast<double>(allocations_) / static_cast<double>(chunks) : 0.0);
    std::printf(
        "  drops: unknown sender %llu, truncated %llu, queue full %llu, others %llu\n",
        count(counted.unknown_sender), count(counted.truncated), count(counted.queue_full),
        count(counted.dropped() - counted.unknown_sender - counted.truncated - counted.queue_full));
  }

 private:
  side& side_;
  lockgate::time_point began_;
  lockgate::duration lasted_{};
  std::uint64_t allocations_;
};

}  // namespace carry

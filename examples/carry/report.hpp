// What carry prints: progress while it runs, and what it took in the end.
#pragma once

#include "lockgate/base/clock.hpp"    // for time_point, duration
#include "lockgate/buffer/lease.hpp"  // for copies_made

#include "allocations.hpp"  // for allocations
#include "side.hpp"         // for side

#include <chrono>   // for milliseconds
#include <cstdint>  // for uint64_t
#include <cstdio>   // for printf, fflush
#include <string>   // for string

namespace carry {

/// How far it is: one line that changes on a terminal, a few lines elsewhere.
class progress {
 public:
  progress(std::uint64_t total, bool on_terminal) : total_(total), on_terminal_(on_terminal) {}

  void show(std::uint64_t done, std::uint64_t lost, lockgate::time_point now) {
    if (began_ == lockgate::time_point()) began_ = shown_ = now;
    using std::chrono::milliseconds;
    if (done < total_ && now - shown_ >= (on_terminal_ ? milliseconds(100) : milliseconds(1000)))
      print(done, lost, now);
  }
  void end(std::uint64_t lost, lockgate::time_point now) {
    print(total_, lost, now);
    if (on_terminal_) std::printf("\n");
  }

 private:
  void print(std::uint64_t done, std::uint64_t lost, lockgate::time_point now) {
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - began_).count();
    const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1;
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds / 1e6 : 0;
    if (on_terminal_) std::printf("\r\033[K[%s] ", bar(100 * share).c_str());
    std::printf("%5.1f %%  %7.1f MB/s  %llu lost%s", 100 * share, rate,
                static_cast<unsigned long long>(lost), on_terminal_ ? "" : "\n");
    std::fflush(stdout);
  }
  [[nodiscard]] static std::string bar(double percent) {
    std::string out(40, '.');
    for (std::size_t i = 0; i < out.size() && 2.5 * static_cast<double>(i) < percent; ++i)
      out[i] = '#';
    return out;
  }
  std::uint64_t total_;
  bool on_terminal_;
  lockgate::time_point began_{};
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

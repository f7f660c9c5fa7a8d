// A scheduler whose time stands still until a test moves it, and root tasks to run on it.
#pragma once

#include "lockgate/base/clock.hpp"      // for time_source
#include "lockgate/base/random.hpp"     // for random_source
#include "lockgate/coro/scheduler.hpp"  // for scheduler
#include "lockgate/coro/stop.hpp"       // for stop_state
#include "lockgate/coro/task.hpp"       // for task

#include <algorithm>  // for max
#include <cstddef>    // for byte
#include <cstdint>    // for uint64_t
#include <span>       // for span
#include <utility>    // for move

namespace support {

/// Time that only a test moves.
class manual_time final : public lockgate::time_source {
 public:
  lockgate::time_point now() noexcept override { return at; }
  lockgate::time_point at{};
};

/// The same bytes in every run (splitmix64).
class seeded_random final : public lockgate::random_source {
 public:
  explicit seeded_random(std::uint64_t seed = 1) noexcept : state_(seed) {}
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out) b = static_cast<std::byte>(step() & 0xff);
  }

 private:
  std::uint64_t step() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

/// A scheduler with its time and its random bytes.
struct world {
  manual_time time;
  seeded_random random;
  lockgate::scheduler home{time, random};

  /// Lets time pass, from one deadline to the next, and runs what becomes ready.
  void advance(lockgate::duration by) {
    const auto end = lockgate::saturating_add(time.at, by);
    home.run_ready();
    while (home.next_deadline() <= end && home.next_deadline() != lockgate::never) {
      time.at = std::max(time.at, home.next_deadline());
      home.run_ready();
    }
    time.at = end;
    home.run_ready();
  }
};

/// A task that runs as a root, with a stop state of its own.
template <class T = void>
class running : lockgate::task_completion {
 public:
  /// Runs `work` up to its first suspension. Requires: `work.valid()`.
  running(lockgate::scheduler& home, lockgate::task<T> work, bool stopped = false)
      : task_completion(
            [](task_completion& self) noexcept { ++static_cast<running&>(self).completions_; }),
        context_{&home, &stop_, this}, work_(std::move(work)) {
    if (stopped) stop_.request_stop();
    work_.start(context_, *this);
  }
  running(const running&) = delete;
  running& operator=(const running&) = delete;

  void request_stop() noexcept { stop_.request_stop(); }
  [[nodiscard]] bool done() const noexcept { return completions_ > 0; }
  [[nodiscard]] int completions() const noexcept { return completions_; }
  [[nodiscard]] bool failed() const noexcept { return static_cast<bool>(work_.exception()); }
  T take() { return work_.take(); }
  void destroy() noexcept { work_.reset(); }
  [[nodiscard]] const lockgate::task_context& context() const noexcept { return context_; }

 private:
  lockgate::stop_state stop_;
  lockgate::task_context context_;
  int completions_ = 0;
  lockgate::task<T> work_;
};

}  // namespace support

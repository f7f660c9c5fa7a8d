// Providers that take everything and do nothing, and a platform that runs a measured coroutine.
#pragma once

#include "lockgate/lockgate.hpp"  // for platform, provider rows

#include <array>      // for array
#include <cstddef>    // for byte
#include <cstdint>    // for uint64_t
#include <exception>  // for exception_ptr, rethrow_exception
#include <span>       // for span
#include <stdexcept>  // for runtime_error
#include <utility>    // for move

namespace bench {

/// Answers every row now, and counts what it was given to send.
struct sink {
  void establish_session(lockgate::instance) {}
  void terminate_session(lockgate::termination_reason) {}
  lockgate::status transition_active() { return {}; }
  lockgate::status reach_transport_id(lockgate::transport_id) { return {}; }
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing> messages) {
    taken += messages.size();
    return messages.size();
  }
  std::size_t taken = 0;
};

/// The same with all eight rows.
struct full_sink : sink {
  lockgate::status transition_dormant() { return {}; }
  lockgate::status add_transport_id(lockgate::transport_id) { return {}; }
  lockgate::status remove_transport_id(lockgate::transport_id) { return {}; }
};

/// Answers send_buffers later, with a coroutine that completes at once.
struct later_sink : sink {
  lockgate::task<lockgate::accepted> send_buffers(std::span<const lockgate::outgoing> messages) {
    taken += messages.size();
    co_return lockgate::accepted(messages.size());
  }
};

/// Fails the measurement, not silently.
inline void expect_ok(const lockgate::status& outcome) {
  if (!outcome.ok()) throw std::runtime_error("lockgate: " + outcome.message());
}

/// Random bytes at no cost, so that the kernel's generator is not what is measured.
class cheap_random final : public lockgate::random_source {
 public:
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      b = static_cast<std::byte>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_ = 1;
};

/// A scheduler and a platform on it, run by hand.
class lockgate_world {
 public:
  explicit lockgate_world(const lockgate::platform_options& options = {})
      : home_(time_, random_), platform_(home_, options), tasks_(home_) {
    tasks_.on_exception(
        [](void* me, const std::exception_ptr& failure) noexcept {
          static_cast<lockgate_world*>(me)->failure_ = failure;
        },
        this);
  }
  ~lockgate_world() { run(platform_.stop()); }

  [[nodiscard]] lockgate::platform& platform() { return platform_; }
  [[nodiscard]] lockgate::scheduler& home() { return home_; }

  /// Runs `work` to its end.
  template <class T>
  void run(lockgate::task<T> work) {
    expect_ok(tasks_.spawn(discard(std::move(work))));
    while (tasks_.size() > 0) home_.run_ready();
    if (failure_) std::rethrow_exception(failure_);
  }

  /// Some peer's id.
  [[nodiscard]] static lockgate::transport_id peer() {
    std::array<std::byte, 16> bytes{};
    bytes[0] = std::byte{0xfd};
    bytes[15] = std::byte{1};
    return lockgate::transport_id(bytes);
  }

 private:
  template <class T>
  static lockgate::task<> discard(lockgate::task<T> work) {
    co_await std::move(work);
  }

  lockgate::steady_time time_;
  cheap_random random_;
  lockgate::scheduler home_;
  lockgate::platform platform_;
  lockgate::task_group tasks_;
  std::exception_ptr failure_;
};

}  // namespace bench

// The platform of the C surface and the thread it lives on.
#pragma once

#include "lockgate/base/clock.hpp"          // for steady_time, never
#include "lockgate/base/config.hpp"         // for LOCKGATE_REQUIRE
#include "lockgate/base/system_random.hpp"  // for system_random
#include "lockgate/capi/blocking_call.hpp"  // for blocking_call
#include "lockgate/capi/platform.hpp"       // for misuse_statistics
#include "lockgate/coro/inbox.hpp"          // for posted_item
#include "lockgate/coro/scheduler.hpp"      // for scheduler, host_loop
#include "lockgate/coro/task_group.hpp"     // for task_group
#include "lockgate/platform/platform.hpp"   // for platform

#include <atomic>              // for atomic
#include <chrono>              // for steady_clock
#include <condition_variable>  // for condition_variable
#include <cstdint>             // for uint64_t
#include <mutex>               // for mutex, unique_lock, lock_guard
#include <optional>            // for optional
#include <thread>              // for thread, this_thread::get_id

namespace lockgate::inline v0::capi::detail {

/// A scheduler and the loop that drives it on a thread of its own.
class own_loop final : host_loop {
 public:
  own_loop() noexcept { home_.set_host(this); }
  [[nodiscard]] scheduler& home() noexcept { return home_; }

  /// Runs until `quit` has been called and `is_done()` is true.
  template <class Done>
  void run(Done is_done) noexcept {
    home_.release_thread();
    for (;;) {
      home_.run_ready();
      std::unique_lock hold(mutex_);
      if (quit_ && is_done()) break;
      const auto woken = [this] { return woken_; };
      const time_point deadline = home_.next_deadline();
      if (deadline == never) wake_up_.wait(hold, woken);
      else
        wake_up_.wait_until(
            hold, std::chrono::steady_clock::time_point(deadline.time_since_epoch()), woken);
      woken_ = false;
    }
    quit_ = false;
  }
  void quit() noexcept {
    const std::lock_guard hold(mutex_);
    quit_ = woken_ = true;
    wake_up_.notify_one();
  }

 private:
  void work_appeared() noexcept override {}  // only this thread could make it wait
  void wake() noexcept override {
    const std::lock_guard hold(mutex_);
    woken_ = true;
    wake_up_.notify_one();
  }

  steady_time time_;
  system_random random_;
  scheduler home_{time_, random_};
  std::mutex mutex_;
  std::condition_variable wake_up_;
  bool woken_ = false;
  bool quit_ = false;
};

/// What all of the C surface shares. It is never destroyed: a provider's thread may complete
/// something while the program ends.
class host {
 public:
  static host& get() {
    static host& only = *new host;
    return only;
  }

  // On any thread.
  [[nodiscard]] bool on_platform_thread() const noexcept {
    return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  void post(posted_item& item) noexcept { home_.load(std::memory_order_acquire)->post(item); }
  void ensure_started() {
    if (!running_.load(std::memory_order_acquire)) start({}, false);
  }
  void start(const platform_options& options, bool must_be_first) {
    const std::lock_guard hold(changing_);
    LOCKGATE_REQUIRE(!must_be_first || !running_, "capi: the platform is running already");
    if (running_) return;
    blocking_call started;
    own_thread_ = std::thread([this, options, &started] {
      begin(loop_.home(), options);
      started.finish(S_OK);
      loop_.run([this] { return tasks_->size() == 0; });
      end();
    });
    static_cast<void>(started.wait());
  }
  void stop() {
    LOCKGATE_REQUIRE(!on_platform_thread(), "capi: stop() waits for the thread it is on");
    const std::lock_guard hold(changing_);
    if (!own_thread_.joinable()) return;
    loop_.home().post([this] { static_cast<void>(tasks_->spawn(stop_platform())); });
    own_thread_.join();
  }
  std::atomic<std::uint64_t> ignored_completions{0};
  std::atomic<std::uint64_t> stale_handles{0};
  std::atomic<std::uint64_t> ignored_destroys{0};

  // On the thread that is to be, or is, the platform's.
  void begin(scheduler& home, const platform_options& options) {
    LOCKGATE_REQUIRE(!own_platform_, "capi: the platform is running already");
    own_platform_.emplace(home, options);
    begin(*own_platform_);
  }
  void begin(lockgate::platform& on) {
    LOCKGATE_REQUIRE(!running_, "capi: the platform is running already");
    thread_ = std::this_thread::get_id();
    platform_ = &on;
    tasks_.emplace(on.home());
    home_ = &on.home();
    running_.store(true, std::memory_order_release);
  }
  void end() noexcept {
    running_ = false;
    if (own_platform_) {
      scheduler& home = platform_->home();
      home.run_ready();
      own_platform_.reset();
      home.run_ready();  // messages that lay in queues go back to their providers
    }
    platform_ = nullptr;
    tasks_.reset();
    home_ = &loop_.home();
    thread_ = std::thread::id();
  }

  [[nodiscard]] lockgate::platform& platform() noexcept { return *platform_; }
  [[nodiscard]] scheduler& home() noexcept { return *home_.load(std::memory_order_relaxed); }
  status spawn(task<> work) noexcept { return tasks_->spawn(std::move(work)); }

 private:
  host() = default;
  task<> stop_platform() {
    static_cast<void>(co_await platform_->stop());
    loop_.quit();
  }

  own_loop loop_;
  std::mutex changing_;
  std::thread own_thread_;
  std::atomic<bool> running_ = false;
  std::atomic<scheduler*> home_ = &loop_.home();
  std::atomic<std::thread::id> thread_ = std::thread::id();
  std::optional<lockgate::platform> own_platform_;
  lockgate::platform* platform_ = nullptr;
  std::optional<task_group> tasks_;
};

}  // namespace lockgate::inline v0::capi::detail

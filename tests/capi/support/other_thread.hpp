// A second thread that takes turns with the first.
#pragma once

#include <condition_variable>  // for condition_variable
#include <mutex>               // for mutex, unique_lock
#include <thread>              // for thread

namespace capi_test {

/// Does things one after the other while the thread that asked waits: on another thread, and yet
/// the same in every run.
class other_thread {
 public:
  other_thread() : thread_([this] { serve(); }) {}
  other_thread(const other_thread&) = delete;
  ~other_thread() {
    ask(nullptr, nullptr);
    thread_.join();
  }

  template <class F>
  void run(F work) {
    ask([](void* f) { (*static_cast<F*>(f))(); }, &work);
  }

 private:
  using function = void (*)(void*);
  void ask(function call, void* argument) {
    std::unique_lock hold(mutex_);
    call_ = call;
    argument_ = argument;
    is_asked_ = true;
    changed_.notify_all();
    changed_.wait(hold, [this] { return !is_asked_; });
  }
  void serve() {
    std::unique_lock hold(mutex_);
    for (bool goes_on = true; goes_on;) {
      changed_.wait(hold, [this] { return is_asked_; });
      goes_on = call_ != nullptr;
      if (goes_on) call_(argument_);
      is_asked_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  function call_ = nullptr;
  void* argument_ = nullptr;
  bool is_asked_ = false;
  std::thread thread_;
};

}  // namespace capi_test

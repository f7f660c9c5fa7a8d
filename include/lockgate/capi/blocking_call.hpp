// A thread that waits until the platform's thread has answered.
#pragma once

#include "lockgate/base/intrusive_list.hpp"  // for list_link
#include "lockgate/capi/windows_types.h"     // for HRESULT

#include <condition_variable>  // for condition_variable
#include <mutex>               // for mutex, unique_lock, lock_guard

namespace lockgate::inline v0::capi::detail {

/// Lives in the waiting thread's frame. `finish` is its last use on the other side.
class blocking_call : public list_link<blocking_call> {
 public:
  void finish(HRESULT result) noexcept {
    const std::lock_guard hold(mutex_);  // held while notifying: the waiter destroys this
    result_ = result;
    finished_ = true;
    answered_.notify_one();
  }
  HRESULT wait() noexcept {
    std::unique_lock hold(mutex_);
    answered_.wait(hold, [this] { return finished_; });
    return result_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable answered_;
  bool finished_ = false;
  HRESULT result_ = S_OK;
};

}  // namespace lockgate::inline v0::capi::detail

// The signals that have arrived for one session, and the provider's tasks that wait for some.
#pragma once

#include "lockgate/base/status.hpp"        // for status
#include "lockgate/buffer/ring.hpp"        // for ring
#include "lockgate/coro/wait_list.hpp"     // for wait_list
#include "lockgate/provider/instance.hpp"  // for peer_signal, instance_call

#include <cstddef>  // for size_t
#include <utility>  // for move

namespace lockgate::inline v0::detail {

/// Arrived signals, in order. One that arrives while the instance is not active is demand (U26).
class signal_box {
 public:
  [[nodiscard]] bool empty() const noexcept { return arrived_.empty(); }
  /// False when `most` wait already, or there is no memory for one more.
  [[nodiscard]] bool put(peer_signal&& signal, std::size_t most) noexcept {
    if (arrived_.size() >= most || !arrived_.push_back(std::move(signal))) return false;
    while (!arrived_.empty() && !waiters_.empty()) {
      auto& call = static_cast<instance_call&>(waiters_.front());
      take(call);
      call.complete({});
    }
    return true;
  }
  /// Gives the oldest to a receive_signal. Requires: not `empty()`.
  void take(instance_call& call) noexcept { call.received = arrived_.pop_front(); }
  void wait(instance_call& call) noexcept { waiters_.push_back(call); }
  void refuse_waiters(status why) noexcept { waiters_.complete_all(why); }

  void set_demand(bool is_demand) noexcept { is_demand_ = is_demand; }
  [[nodiscard]] bool is_demand() const noexcept { return is_demand_; }

 private:
  ring<peer_signal> arrived_;
  wait_list waiters_;
  bool is_demand_ = false;
};

}  // namespace lockgate::inline v0::detail

// An instance without a platform: its calls wait until the test completes them.
#pragma once

#include "lockgate/coro/task_group.hpp"    // for task_group
#include "lockgate/provider/instance.hpp"  // for instance_host

#include <cstddef>  // for size_t
#include <span>     // for span
#include <utility>  // for move
#include <vector>   // for vector

namespace support {

class test_host final : public lockgate::instance_host {
 public:
  explicit test_host(lockgate::scheduler& home) noexcept : home_(home), group_(home) {}

  [[nodiscard]] lockgate::instance handle() noexcept { return lockgate::instance(*this); }

  // What the test decides.
  bool answers_now = false;
  lockgate::status answer{};
  lockgate::status indicate_answer{};
  lockgate::transport_id next_id{};

  // What the test sees.
  std::vector<lockgate::incoming> indicated;
  lockgate::intrusive_list<lockgate::waiter> pended;
  /// Completes the call that has waited longest. False when there is none.
  bool complete_one(lockgate::status outcome = {}) noexcept {
    if (pended.empty()) return false;
    auto& call = static_cast<lockgate::instance_call&>(pended.front());
    call.id = next_id;
    return call.complete(outcome);
  }

  lockgate::scheduler& home() noexcept override { return home_; }
  lockgate::stop_state& stop() noexcept override { return group_.stop(); }
  lockgate::accepted indicate(std::span<lockgate::incoming> messages) noexcept override {
    if (!indicate_answer.ok()) return indicate_answer;
    for (auto& message : messages) indicated.push_back(std::move(message));
    return messages.size();
  }
  bool answer_now(lockgate::instance_call& call, const lockgate::task_context&,
                  lockgate::status& outcome) noexcept override {
    if (!answers_now) return false;
    call.id = next_id;
    outcome = answer;
    return true;
  }
  void pend(lockgate::instance_call& call) noexcept override { pended.push_back(call); }
  lockgate::status spawn(lockgate::task<> work) noexcept override {
    return group_.spawn(std::move(work));
  }
  [[nodiscard]] lockgate::task_group& group() noexcept { return group_; }

 private:
  lockgate::scheduler& home_;
  lockgate::task_group group_;
};

}  // namespace support

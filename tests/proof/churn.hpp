// Sessions that come and go without end: the memory they leave behind is what the first ones left.
#pragma once

#include "lockgate/coro/frame_memory.hpp"  // for frame_memory
#include "lockgate/coro/sleep.hpp"         // for sleep_for
#include "lockgate/testing/trial.hpp"      // for trial
#include "proof/scripted_provider.hpp"     // for scripted_provider

#include <chrono>   // for microseconds
#include <cstdint>  // for uint64_t

namespace proof {

/// Instances that are made, registered, deregistered and destroyed, 10,000 a second.
class churn {
 public:
  explicit churn(std::uint64_t lives) : lives_(lives) {}

  void operator()(lt::trial& t) {
    record_.destroyed = 0;
    t.start(come_and_go(this, &t, &t.make_platform()));
    t.run();
    t.require(record_.destroyed == static_cast<int>(lives_), "I2", "a provider was not destroyed");
  }

 private:
  static constexpr auto interval = std::chrono::microseconds(100);

  static task<> come_and_go(churn* self, lt::trial* t, lockgate::platform* cp) {
    std::uint64_t alive = 0, allocated = 0;
    const std::uint64_t warm = self->lives_ / 10;
    for (std::uint64_t life = 0; life < self->lives_; ++life) {
      {
        auto instance = cp->create<scripted_provider>(*t, self->script_, self->record_);
        const status registered = co_await instance.register_instance();
        const status deregistered = co_await instance.deregister();
        t->require(registered.ok() && deregistered.ok(), "I8", "an instance could not come or go");
      }
      const status slept = co_await lockgate::sleep_for(interval);
      if (!slept.ok()) co_return;
      if (life == warm) {
        alive = lockgate::frame_memory().alive;
        allocated = lockgate::frame_memory().allocated;
      }
    }
    t->require(lockgate::frame_memory().alive == alive, "I6", "sessions left memory behind");
    if constexpr (LOCKGATE_ASAN == 0)  // where nothing is recycled
      t->require(lockgate::frame_memory().allocated == allocated, "I6",
                 "memory grew although as many sessions ended as began");
  }

  std::uint64_t lives_;
  script script_;
  record record_;
};

}  // namespace proof

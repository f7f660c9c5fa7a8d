// Any sequence of calls that an application and a provider can make, as the trial chooses.
#pragma once

#include "lockgate/signalling/memory_signalling.hpp"  // for memory_signalling
#include "proof/scenarios.hpp"                        // for scripted_provider and what it needs

#include <array>    // for array
#include <chrono>   // for seconds
#include <cstddef>  // for byte, size_t

namespace proof {

/// Instances and endpoints that are made, used and dropped in any order.
///
/// Handles live as long as the trial; what works on them may find them empty.
class any_calls {
 public:
  explicit any_calls(std::size_t calls) : calls_(calls) {
    rows_.establish = {act::now, act::later, act::throws, act::wait_stop, act::deregister};
    rows_.terminate = {act::now, act::later, act::later_throw};
    rows_.active = {act::now, act::later, act::fail, act::wait_stop, act::deregister};
    rows_.dormant = rows_.remove = {act::now, act::later, act::fail};
    rows_.add = rows_.reach = {act::now, act::later, act::fail, act::overrun, act::deregister};
    rows_.send = {act::now, act::later, act::fail, act::later_throw, act::deregister};
    rows_.establish_calls = rows_.establish_spawns = 1;
    rows_.task_throws = rows_.indicate_on_send = true;
  }

  void operator()(lt::trial& t) {
    seen_ = {};
    lockgate::memory_signalling& signals = t.make<lockgate::memory_signalling>();
    platform_options options;
    options.indicate_while_activating = false;
    options.send_queue_messages = 2;
    platform& cp = t.make_platform(options);
    cp.use_signalling(signals);
    std::array<provider_instance, width> instances;
    std::array<endpoint, width> ends;
    for (std::size_t i = 0; i < calls_; ++i) {
      const std::size_t at = t.choose(width);
      call(t, cp, instances[at], ends[at], at);
    }
    t.run_for(std::chrono::seconds(30));
    for (endpoint& e : ends) e.close();
    t.run_for(std::chrono::seconds(300));
    for (provider_instance& i : instances) i = provider_instance();
    t.finish();
  }

 private:
  static constexpr std::size_t width = 2;

  void call(lt::trial& t, platform& cp, provider_instance& instance, endpoint& end,
            std::size_t at) {
    switch (t.choose(14)) {
      case 0: instance = cp.create<scripted_provider>(t, rows_, seen_[at]); break;
      case 1: t.start(registers(&instance)); break;
      case 2: t.start(deregisters(&instance)); break;
      case 3: instance = provider_instance(); break;
      case 4: end = cp.open_endpoint(); break;
      case 5: end.close(); break;
      case 6: t.start(sends(&end)); break;
      case 7: t.start(forwards(&end)); break;
      case 8: t.start(receives(&end)); break;
      case 9: t.start(asks(&end)); break;
      case 10: t.actors_stop().request_stop(); break;
      case 11: t.run_for(std::chrono::seconds(t.choose(2) * 70)); break;
      case 12: static_cast<void>(t.step()); break;
      default: t.run_for(std::chrono::milliseconds(1)); break;
    }
  }

  static task<> registers(provider_instance* instance) {
    const status granted = co_await instance->register_instance();
    static_cast<void>(granted);
  }
  static task<> deregisters(provider_instance* instance) {
    const status ended = co_await instance->deregister();
    static_cast<void>(ended);
  }
  static lockgate::transport_id peer() {
    return lockgate::transport_id(std::array<std::byte, 16>{std::byte{1}});
  }
  static task<> sends(endpoint* end) {
    const std::array<std::byte, 2> bytes{};
    const chain payload(bytes);
    const status sent = co_await end->send_to(peer(), payload);
    static_cast<void>(sent);
  }
  static task<> forwards(endpoint* end) {
    static std::byte byte[1];
    lockgate::lease payload = lockgate::lease::wrap(byte, [](void*) noexcept {}, nullptr);
    static_cast<void>(end->forward(peer(), std::move(payload)));
    co_return;
  }
  static task<> receives(endpoint* end) {
    const lockgate::result<lockgate::incoming> got = co_await end->receive();
    static_cast<void>(got);
  }
  static task<> asks(endpoint* end) {
    const lockgate::result<lockgate::transport_id> id = co_await end->ready();
    static_cast<void>(id);
  }
  std::size_t calls_;
  script rows_;
  std::array<record, width> seen_;
};

}  // namespace proof

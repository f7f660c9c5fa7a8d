// The scenarios of the proof: the lifecycle catalogue (F1 to F58), each as small as it can be.
#pragma once

#include "lockgate/buffer/slab_pool.hpp"   // for slab_pool
#include "lockgate/platform/endpoint.hpp"  // for endpoint
#include "proof/edges.hpp"                 // for observed_edges
#include "proof/scripted_provider.hpp"     // for scripted_provider, script, record

#include <array>     // for array
#include <chrono>    // for seconds
#include <cstddef>   // for byte, size_t
#include <optional>  // for optional
#include <span>      // for span
#include <utility>   // for move

namespace proof {

using lockgate::chain;
using lockgate::endpoint;
using lockgate::platform;
using lockgate::platform_options;
using lockgate::provider_instance;
using lockgate::registration;
using lockgate::session_state;
using lockgate::transport_id;

/// Decides about registrations after a while, as the trial chooses.
class slow_policy final : public lockgate::access_policy {
 public:
  explicit slow_policy(lt::trial& t) : trial_(t) {}
  task<status> authorise(std::string_view, std::string_view) override { return decide(); }

 private:
  task<status> decide() {
    co_await lockgate::yield();
    if (trial_.choose(2) == 1) co_return errc::registration_refused;
    co_return status();
  }
  lt::trial& trial_;
};

/// One instance, and whoever else the scenario wants.
struct lifecycle {
  lifecycle() {}
  script rows;
  platform_options options;
  bool policy = false;       ///< registration takes a turn and may be refused
  bool again = false;        ///< registers again, at once and after the end (U20)
  int deregisterers = 0;     ///< coroutines that deregister whenever they get to run
  int outside_calls = 0;     ///< coroutines that make a provider's call from outside
  bool stopper = false;      ///< stops the platform whenever it gets to run
  bool drop_handle = false;  ///< somebody drops the handle whenever it gets to run
  int users = 0;             ///< coroutines that each send one message
  bool receiver = false;     ///< receives until the endpoint closes
  bool closer = false;       ///< closes the endpoint whenever it gets to run
  bool cancel = false;       ///< stops the scenario's coroutines whenever it gets to run
  bool second_use = false;   ///< sends once more after the instance was dormant
  bool in_order = false;     ///< ready work runs first in, first out
  bool forwards = false;     ///< messages are handed over and gathered, not awaited
  observed_edges* edges = nullptr;

  void operator()(lt::trial& t) {
    seen_ = record();
    slow_policy decider(t);
    platform& cp = t.make_platform(options);
    if (policy) cp.use_access_policy(decider);
    provider_instance instance = cp.create<scripted_provider>(t, rows, seen_);
    endpoint end;
    if (users > 0 || receiver) end = cp.open_endpoint();

    t.start(registers(&t, &instance, again));
    for (int i = 0; i < deregisterers; ++i) t.start(deregisters(&t, &instance));
    for (int i = 0; i < outside_calls; ++i) t.start(calls(&t, &instance, &seen_));
    if (stopper) t.start(stops(&t, &cp));
    if (drop_handle) t.start(drops(&instance));
    for (int i = 0; i < users; ++i) t.start(uses(&end, forwards, &seen_));
    if (receiver) t.start(receives(&t, &end, &seen_));
    if (closer) t.start(closes(&end));
    if (cancel) t.start(cancels(&t));
    // A receiver is demand for ever: it never gets quiet.
    t.run_for(while_);
    if (second_use) {
      t.start(uses(&end, forwards, &seen_));
      t.run_for(while_);
    }
    end.close();
    t.run();
    if (in_order) t.require(seen_.order_kept, "G5", "held calls were not carried out in order");
    if (again && instance.state() == session_state::deregistered) {
      t.start(is_over(&t, &instance));
      t.run();
    }
    instance = provider_instance();
    if (seen_.destroyed == 1 && edges) edges->destroyed(last_state(t.events()));
    t.finish();
    if (edges) edges->collect(t.events());
  }

 private:
  static task<> registers(lt::trial* t, provider_instance* instance, bool again) {
    const status first = co_await instance->register_instance();
    if (!first.ok()) co_return;
    t->require(instance->state() != session_state::created, "G1", "granted, but still CREATED");
    if (!again) co_return;
    const status second = co_await instance->register_instance();
    t->require(is_already_registered(*t, second), "U20", "one instance was registered twice");
  }
  /// A sweep may leave the call without memory to ask.
  static bool is_already_registered(const lt::trial& t, status answer) noexcept {
    return answer == errc::already_registered ||
           (t.was_interfered_with() && answer == errc::no_memory);
  }
  static task<> is_over(lt::trial* t, provider_instance* instance) {
    const status registered = co_await instance->register_instance();
    t->require(is_already_registered(*t, registered), "U20", "registered after deregistration");
    const status ended = co_await instance->deregister();
    t->require(ended == errc::invalid_state, "U18", "deregistered after deregistration");
  }
  static task<> deregisters(lt::trial* t, provider_instance* instance) {
    const session_state before = instance->state();
    const status ended = co_await instance->deregister();
    if (before == session_state::created)
      t->require(ended == errc::not_registered, "G17", "deregistered before registration");
    else if (before == session_state::registering)
      t->require(ended == errc::invalid_state, "G17", "deregistered during registration");
    else if (ended.ok())
      t->require(!*instance || instance->state() == session_state::deregistered, "G23",
                 "deregister completed before the instance was drained");
  }
  /// Background work of a provider's author, outside the session.
  static task<> calls(lt::trial* t, provider_instance*, record* seen) {
    if (seen->self == lockgate::instance()) co_return;
    const lockgate::result<transport_id> id = co_await seen->self.request_transport_id();
    if (!id)
      t->require(id.error() == errc::terminated || id.error() == errc::canceled ||
                     id.error() == errc::no_memory,
                 "G5", "a call was refused for another reason than the end");
  }
  static session_state last_state(const lt::trace& events) noexcept {
    session_state last = session_state::created;
    for (const auto& e : events.entries())
      if (e.what.kind == lockgate::event_kind::state_changed) last = e.what.to;
    return last;
  }
  static task<> stops(lt::trial* t, platform* cp) {
    // At once, or when an unused instance becomes dormant.
    const int idle_times = static_cast<int>(t->choose(2)) * 2;
    if (idle_times > 0) co_await lockgate::sleep_for(cp->options().idle_time * idle_times);
    const status stopped = co_await cp->stop();
    static_cast<void>(stopped);
  }
  static task<> drops(provider_instance* instance) {
    *instance = provider_instance();
    co_return;
  }
  static task<> uses(endpoint* end, bool forwards, record* seen) {
    const transport_id peer = lockgate::transport_id(std::array<std::byte, 16>{std::byte{1}});
    const int number = ++seen->begun;
    std::byte byte[1] = {static_cast<std::byte>(number)};
    if (forwards) {
      const std::span<std::byte> mine(&numbered_[static_cast<std::size_t>(number)], 1);
      mine[0] = byte[0];
      lockgate::lease payload = lockgate::lease::wrap(mine, [](void*) noexcept {}, nullptr);
      static_cast<void>(end->forward(peer, std::move(payload)));
      co_return;
    }
    const chain payload(byte);
    const status sent = co_await end->send_to(peer, payload);
    static_cast<void>(sent);
  }
  static task<> receives(lt::trial* t, endpoint* end, record* seen) {
    for (;;) {
      const lockgate::result<lockgate::incoming> got = co_await end->receive();
      if (!got) co_return;
      t->require(++seen->received <= seen->indicated + 1, "I1", "one message was received twice");
    }
  }
  static task<> closes(endpoint* end) {
    end->close();
    co_return;
  }
  static task<> cancels(lt::trial* t) {
    t->actors_stop().request_stop();
    co_return;
  }

  static constexpr lockgate::duration while_ = std::chrono::seconds(400);
  static inline std::array<std::byte, 16> numbered_{};  // the memory of forwarded messages
  record seen_;
};

}  // namespace proof

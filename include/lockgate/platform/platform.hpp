// The Connectivity Platform: instances of providers on one side, endpoints of applications on the
// other.
#pragma once

#include "lockgate/coro/scheduler.hpp"                       // for scheduler
#include "lockgate/net/datagram_socket.hpp"                  // for datagram_network
#include "lockgate/platform/detail/core.hpp"                 // for core
#include "lockgate/platform/detail/endpoint_operations.hpp"  // for endpoint
#include "lockgate/platform/observer.hpp"                    // for observer, check_observer
#include "lockgate/platform/options.hpp"                     // for platform_options
#include "lockgate/platform/provider_instance.hpp"           // for provider_instance
#include "lockgate/provider/any_provider.hpp"                // for any_provider

#include <new>      // for bad_alloc
#include <utility>  // for forward, in_place_type, move

namespace lockgate::inline v0 {

/// One platform. It and everything made from it live on its scheduler's thread; `post` on the
/// scheduler is the only door for other threads.
///
/// Requires: `stop()` has completed, or nothing is registered, when it is destroyed (G17).
/// Lifetime: the scheduler, and with it the network, outlives the platform. The handles of
///           instances and endpoints may outlive it; they are then empty.
class platform {
 public:
  explicit platform(scheduler& home, const platform_options& options = platform_options())
      : core_(home, nullptr, options) {}
  template <datagram_network N>
  explicit platform(N& net, const platform_options& options = platform_options())
      : core_(net.home(), &net.buffers(), options) {}
  platform(const platform&) = delete;
  ~platform();

  /// Makes a provider instance (CPNatfwtCreateProviderInstance). Errors in `P` are compile errors,
  /// one sentence each.
  ///
  /// Errors: throws what P's constructor throws, or `std::bad_alloc`.
  template <class P, class... Arguments>
  [[nodiscard]] provider_instance create(Arguments&&... arguments) {
    check_provider<P>();
    if constexpr (provider<P>)
      return create(any_provider(std::in_place_type<P>, std::forward<Arguments>(arguments)...));
    else return {};
  }
  /// Makes an instance of a provider whose type is erased. Requires: it is not empty.
  /// Errors: throws `std::bad_alloc`.
  [[nodiscard]] provider_instance create(any_provider provider);

  /// Opens an endpoint; it has no transport id before `ready`. Errors: throws `std::bad_alloc`.
  [[nodiscard]] endpoint open_endpoint(const endpoint_options& wish = endpoint_options()) {
    if (core_.stopping) return {};
    auto* const opened = new detail::endpoint_state(core_, wish);
    if (!opened) detail::out_of_memory("platform: no memory for an endpoint");
    return endpoint(opened);
  }

  /// Moves the messages that wait in endpoints' queues and for which `belongs(message)` is true to
  /// memory of their own, so that the memory they lie in goes back to its owner.
  ///
  /// Cost: a counted copy of each; a message for whose copy there is no memory stays where it is.
  template <class F>
  void compact_queued(F belongs) noexcept {
    for (detail::endpoint_state& e : core_.endpoints) e.received().compact(belongs);
  }

  /// Ends every session with reason platform_shutdown and closes every endpoint.
  ///
  /// Completes: when every instance is drained and every registration decided; a provider or an
  ///            access policy that never returns delays it for ever.
  [[nodiscard]] task<status> stop();

  /// Tells `o` every event from now on, and shows it every message if it takes them; there is one
  /// observer, which may fan out. Errors in `O` are compile errors, one sentence each.
  ///
  /// Lifetime: `o` outlives the platform or is replaced.
  template <class O>
  void observe(O& o) noexcept {
    check_observer<O>();
    if constexpr (observer<O>) {
      core_.hook = {&o, [](void*, const event&) noexcept {}};
      if constexpr (observes_events<O>)
        core_.hook.on = [](void* to, const event& e) noexcept { static_cast<O*>(to)->on(e); };
      if constexpr (observes_messages<O>)
        core_.hook.on_message = [](void* to, const observed_message& m) noexcept {
          static_cast<O*>(to)->on_message(m);
        };
    }
  }
  /// From now on nobody is told.
  void observe_nothing() noexcept { core_.hook = {}; }
  /// Lets the host program decide about registrations (U9).
  void use_access_policy(access_policy& policy) noexcept { core_.access = &policy; }
  /// Gives providers a way to signal each other.
  void use_signalling(signalling& by) {
    core_.signals = &by;
    by.attach(core_);
  }

  [[nodiscard]] scheduler& home() noexcept { return core_.home; }
  [[nodiscard]] const platform_options& options() const noexcept { return core_.options; }

 private:
  detail::core core_;
};

}  // namespace lockgate::inline v0

#ifndef LOCKGATE_SEPARATE_COMPILATION
#include "lockgate/platform/detail/engine.hpp"  // for what is declared above
#endif

// What all parts of one platform share: its scheduler, options, ids, sessions and endpoints.
#pragma once

#include "lockgate/base/clock.hpp"                       // for duration
#include "lockgate/base/config.hpp"                      // for LOCKGATE_REQUIRE
#include "lockgate/base/intrusive_list.hpp"              // for intrusive_list
#include "lockgate/base/intrusive_table.hpp"             // for intrusive_table
#include "lockgate/base/transport_id.hpp"                // for transport_id
#include "lockgate/base/without_throwing.hpp"            // for without_throwing
#include "lockgate/buffer/slab_pool.hpp"                 // for slab_pool
#include "lockgate/coro/scheduler.hpp"                   // for scheduler
#include "lockgate/coro/task_group.hpp"                  // for task_group
#include "lockgate/net/signalling.hpp"                   // for signalling, signal_sink
#include "lockgate/platform/detail/id_claim.hpp"         // for id_claim
#include "lockgate/platform/detail/interface_names.hpp"  // for interface_names
#include "lockgate/platform/event.hpp"                   // for event
#include "lockgate/platform/observed_message.hpp"        // for observed_message
#include "lockgate/platform/options.hpp"                 // for platform_options

#include <array>    // for array
#include <cstddef>  // for byte
#include <cstdint>  // for uint32_t, uint64_t
#include <utility>  // for pair

namespace lockgate::inline v0::detail {

class session;
class instance_state;
class endpoint_state;

/// The observer, its type erased. `on` is null when there is none, `on_message` unless it wants
/// the bytes of messages.
struct observer_hook {
  void* observer = nullptr;
  void (*on)(void*, const event&) noexcept = nullptr;
  void (*on_message)(void*, const observed_message&) noexcept = nullptr;
};

class core final : public signal_sink {
 public:
  core(scheduler& home_, slab_pool* buffers_, const platform_options& options_) noexcept
      : home(home_), buffers(buffers_), options(options_), tasks(home_) {
    LOCKGATE_REQUIRE(
        options.idle_time > duration::zero() && options.first_backoff > duration::zero(),
        "platform_options: idle_time and first_backoff are longer than zero, or nothing rests");
  }
  core(const core&) = delete;

  scheduler& home;
  slab_pool* buffers;  ///< the network's receive pool, if there is one: its pressure is relieved
  platform_options options;
  signalling* signals = nullptr;
  access_policy* access = nullptr;
  observer_hook hook;
  interface_names names;
  task_group tasks;  ///< path coroutines and signals under way
  intrusive_list<instance_state> instances;
  intrusive_list<session> sessions;  ///< of those instances that have one now: only they are asked
  intrusive_list<endpoint_state> endpoints;
  intrusive_list<endpoint_state> closed_endpoints;  ///< still in use by a path or a receiver
  intrusive_table<id_claim> ids;
  intrusive_table<id_claim>
      proposals;  ///< by endpoints that an instance seeks an id for; several may want the same
  std::uint32_t next_instance = 1;
  std::uint64_t next_endpoint = 1;
  std::size_t standing_demand = 0;  ///< outstanding ready and receive, listening endpoints (U26)
  bool stopping = false;
  std::size_t registrations_open = 0;  ///< those that the access policy has not decided yet
  wait_list session_drained;           ///< and registration decided: what stop() waits for

  /// Tells the observer; without one this is the one branch.
  template <class Fill>
  void tell(event_kind kind, std::uint32_t instance, Fill fill) noexcept {
    if (!hook.on) return;
    event e;
    e.at = home.now();
    e.kind = kind;
    e.instance = instance;
    fill(e);
    hook.on(hook.observer, e);
  }
  /// Shows the observer a message. Requires: `hook.on_message`.
  void show(observed_message message, std::uint32_t instance) noexcept {
    message.at = home.now();
    message.instance = instance;
    hook.on_message(hook.observer, message);
  }

  /// An id that nobody here has: random, in the range of unique local addresses (RFC 4193 3.1).
  [[nodiscard]] transport_id make_id() {
    for (;;) {
      std::array<std::byte, transport_id::size> bytes{};
      home.random().fill(bytes);
      bytes[0] = std::byte{0xfd};
      const transport_id id(bytes);
      if (!ids.find(id)) return id;
    }
  }
  [[nodiscard]] endpoint_state* find_endpoint(const transport_id& id) const noexcept {
    const id_claim* const claim = ids.find(id);
    return claim ? claim->endpoint : nullptr;
  }

  void add_standing_demand() noexcept {
    if (standing_demand++ == 0) demand_appeared();
  }
  void end_standing_demand() noexcept { --standing_demand; }
  void demand_appeared() noexcept;
  void wake_sessions() noexcept;
  [[nodiscard]] session* find_session(std::uint32_t id) noexcept;

  [[nodiscard]] bool has_id(const transport_id& id) const noexcept override {
    return find_endpoint(id) != nullptr || proposals.find(id) != nullptr;
  }
  void signal_arrived(signal_message message) noexcept override;
};

}  // namespace lockgate::inline v0::detail

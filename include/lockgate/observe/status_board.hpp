// What every instance and endpoint is doing right now, and why something still waits.
#pragma once

#include "lockgate/base/address_text.hpp"       // for append_text
#include "lockgate/base/clock.hpp"              // for time_point, duration
#include "lockgate/base/without_throwing.hpp"   // for without_throwing
#include "lockgate/observe/open_rows.hpp"       // for open_rows
#include "lockgate/observe/text.hpp"            // for append_integer, append_decimal
#include "lockgate/platform/event.hpp"          // for event
#include "lockgate/platform/observer.hpp"       // for observer
#include "lockgate/platform/session_state.hpp"  // for session_state, row
#include "lockgate/platform/statistics.hpp"     // for drop_counters

#include <chrono>       // for milliseconds
#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t, uint64_t
#include <map>          // for map
#include <optional>     // for optional
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for exchange, move
#include <vector>       // for vector

namespace lockgate::inline v0 {

/// An instance, as far as its events tell.
struct instance_status {
  std::string name;
  session_state state = session_state::created;
  time_point since;  ///< it is in that state
  open_rows rows;
  std::uint64_t calls_held = 0;
  time_point held_since;  ///< the oldest of them
  /// The latest transition_active, where it failed: the next one is a while off (U21).
  std::optional<event> failed_activation;
  std::optional<event> overran;  ///< the row that was asked to stop, or does not (U15)
  std::uint64_t messages_sent = 0, bytes_sent = 0;
  std::uint64_t messages_received = 0, bytes_received = 0;
  drop_counters drops;
};

/// An endpoint, as far as its events tell.
struct endpoint_status {
  time_point opened;
  std::optional<transport_id> id;  ///< once it is fixed
};

/// An observer that knows the present, where a timeline knows the past.
///
/// Guarantees: bounded by the instances and endpoints that exist, and a few instances that are
/// over. Cost: no allocation unless an instance, an endpoint or a row begins.
class status_board {
 public:
  /// What people call an instance. Errors: throws `std::bad_alloc`.
  void name_instance(std::uint32_t instance, std::string_view name) {
    instances_[instance].name = name;
  }

  void on(const event& e) noexcept {
    if (!detail::without_throwing([&] { add(e); }).ok()) ++lost_;
  }

  /// By instance and by endpoint, in the order in which they were made.
  [[nodiscard]] const std::map<std::uint32_t, instance_status>& instances() const noexcept {
    return instances_;
  }
  [[nodiscard]] const std::map<std::uint64_t, endpoint_status>& endpoints() const noexcept {
    return endpoints_;
  }
  /// Why calls are still waiting at `now`: a sentence for each row, held call and endpoint that has
  /// waited for at least `patience`. It says who holds what, and since when.
  ///
  /// Errors: throws `std::bad_alloc`.
  [[nodiscard]] std::vector<std::string> waits(time_point now, duration patience = {}) const;
  /// The name that people gave it, or its number.
  [[nodiscard]] std::string name_of(std::uint32_t instance) const;
  /// Events for which there was no memory.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

  /// Instances kept while some of them are over.
  static constexpr std::size_t most_instances = 64;

 private:
  void add(const event& e) {
    switch (e.kind) {
      case event_kind::endpoint_opened: endpoints_[e.endpoint].opened = e.at; return;
      case event_kind::endpoint_ready: endpoints_[e.endpoint].id = e.id; return;
      case event_kind::endpoint_closed: endpoints_.erase(e.endpoint); return;
      case event_kind::send_refused: return;  // the sender has been told why
      case event_kind::instance_created: forget_one(); break;
      default: break;
    }
    add(instances_[e.instance], e);
  }
  static void add(instance_status& on, const event& e) {
    switch (e.kind) {
      case event_kind::instance_created: on.since = e.at; return;
      case event_kind::state_changed:
        on.state = e.to;
        on.since = e.at;
        return;
      case event_kind::row_began: static_cast<void>(on.rows.began(e)); return;
      case event_kind::row_ended:
        static_cast<void>(on.rows.ended(e));
        if (e.which == row::transition_active) {
          on.failed_activation.reset();
          if (!e.result.ok()) on.failed_activation = e;
        }
        if (on.overran && on.overran->which == e.which) on.overran.reset();
        return;
      case event_kind::row_overran:
      case event_kind::provider_stuck: on.overran = e; return;
      case event_kind::call_pended:
        if (on.calls_held++ == 0) on.held_since = e.at;
        return;
      case event_kind::call_resumed:
      case event_kind::call_refused:
        if (on.calls_held > 0) --on.calls_held;
        return;
      case event_kind::message_sent:
        ++on.messages_sent;
        on.bytes_sent += e.amount;
        return;
      case event_kind::message_received:
        ++on.messages_received;
        on.bytes_received += e.amount;
        return;
      case event_kind::message_dropped: on.drops.add(e.cause); return;
      default: return;
    }
  }
  /// Makes room for another instance by the oldest one that is over.
  void forget_one() noexcept {
    if (instances_.size() < most_instances) return;
    for (auto at = instances_.begin(); at != instances_.end(); ++at) {
      if (at->second.state != session_state::deregistered) continue;
      instances_.erase(at);
      return;
    }
  }

  std::map<std::uint32_t, instance_status> instances_;
  std::map<std::uint64_t, endpoint_status> endpoints_;
  std::uint64_t lost_ = 0;
};

static_assert(observer<status_board>);

namespace detail {

/// "3.2 s".
[[nodiscard]] inline std::string age_text(duration age) {
  std::string out;
  append_decimal(out, age / 100'000'000 * 100'000'000, 9);
  out.resize(out.size() - 8);
  return out + " s";
}

/// What cannot go on while the row runs.
[[nodiscard]] inline std::string waits_for(const open_row& r) {
  switch (r.which) {
    case row::establish_session: return "no other row of the instance runs before it ends";
    case row::transition_active: return "sends and endpoints without an id wait for it";
    case row::transition_dormant: return "the next use of the instance waits for it";
    case row::add_transport_id: return "the endpoint's id waits for it";
    case row::remove_transport_id: return "other changes of ids wait for it";
    case row::reach_transport_id: return "messages to the peer wait for it";
    case row::send_buffers: return "later messages to the peer queue behind it";
    case row::terminate_session: return "stop() and deregister() wait for it";
    case row::none: break;
  }
  return {};
}

}  // namespace detail

inline std::string status_board::name_of(std::uint32_t instance) const {
  const auto known = instances_.find(instance);
  if (known != instances_.end() && !known->second.name.empty()) return known->second.name;
  return "instance " + std::to_string(instance);
}

inline std::vector<std::string> status_board::waits(time_point now, duration patience) const {
  std::vector<std::string> out;
  const auto is_long = [&](time_point since) { return now - since >= patience; };
  const auto age = [&](time_point since) { return detail::age_text(now - since); };
  for (const auto& [id, on] : instances_) {
    const std::string who = name_of(id) + ": ";
    for (const open_row& r : on.rows.all()) {
      if (!is_long(r.since)) continue;
      std::string line = who + std::string(to_string(r.which));
      if (!r.peer.is_nil()) line += " " + to_string(r.peer);
      line += " has run for " + age(r.since);
      if (on.overran && on.overran->which == r.which)
        line += on.overran->kind == event_kind::provider_stuck ? " and does not stop"
                                                               : " and was asked to stop";
      out.push_back(line + "; " + detail::waits_for(r));
    }
    if (on.calls_held > 0 && is_long(on.held_since))
      out.push_back(who + std::to_string(on.calls_held) +
                    (on.calls_held == 1 ? " call has" : " calls have") + " been held for up to " +
                    age(on.held_since) + ", until establish_session ends");
    if (on.state == session_state::idle && on.failed_activation)
      out.push_back(who + "transition_active failed " + age(on.failed_activation->at) + " ago (" +
                    on.failed_activation->result.message() + "); it is tried again after a while");
    if (on.state == session_state::terminating && on.rows.all().empty() && is_long(on.since))
      out.push_back(who + "TERMINATING for " + age(on.since) +
                    " with no row open; a spawned task, or a caller that holds it, has not ended");
  }
  for (const auto& [luid, e] : endpoints_) {
    if (e.id || !is_long(e.opened)) continue;
    std::string line = "endpoint " + std::to_string(luid) + " has had no id for " + age(e.opened);
    const char* join = "; ";
    for (const auto& [id, on] : instances_) {
      if (on.state < session_state::registering || on.state > session_state::deactivating) continue;
      line += std::exchange(join, ", ") + name_of(id) + " is " + std::string(to_string(on.state));
    }
    if (*join == ';') line += "; no instance is registered";
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace lockgate::inline v0

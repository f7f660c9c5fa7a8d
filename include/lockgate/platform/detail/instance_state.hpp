// A provider instance as the platform sees it: its name, its handle, its registration, its session.
#pragma once

#include "lockgate/base/intrusive_list.hpp"              // for list_link
#include "lockgate/base/without_throwing.hpp"            // for without_throwing
#include "lockgate/coro/wait_list.hpp"                   // for wait_list
#include "lockgate/platform/detail/core.hpp"             // for core
#include "lockgate/platform/detail/interface_names.hpp"  // for interface_name
#include "lockgate/platform/detail/session.hpp"          // for session
#include "lockgate/platform/options.hpp"                 // for registration
#include "lockgate/provider/any_provider.hpp"            // for any_provider

#include <cstddef>  // for size_t
#include <cstdint>  // for uint32_t, uint64_t
#include <string>   // for string
#include <utility>  // for exchange, move

namespace lockgate::inline v0::detail {

/// An instance, from its creation until nobody holds its handle and its session is over.
///
/// Guarantees: G12 - it is one session; after a failed registration it may be registered again.
class instance_state final : public list_link<instance_state> {
 public:
  instance_state(core& platform, any_provider provider) noexcept
      : platform_(platform), session_(platform, *this, std::move(provider)) {
    platform_.instances.push_back(*this);
    session_.trace().tell(event_kind::instance_created);
  }
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* p, std::size_t size) noexcept { frame_cache::release(p, size); }

  [[nodiscard]] session& its_session() noexcept { return session_; }
  [[nodiscard]] core& platform() const noexcept { return platform_; }
  [[nodiscard]] const interface_name& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t luid() const noexcept { return luid_; }
  [[nodiscard]] int priority() const noexcept { return priority_; }
  /// The name under which its signals travel; empty for a provider without one.
  [[nodiscard]] const std::string& channel() const noexcept {
    return platform_.names.owner(owner_).name;
  }
  /// Completed when the session is over.
  [[nodiscard]] wait_list& drained() noexcept { return drained_; }

  // The handle.
  /// Where the handle keeps its pointer, to be cleared should the platform go first.
  void set_handle_slot(instance_state** slot) noexcept { handle_slot_ = slot; }
  void clear_handle() noexcept {
    if (handle_slot_) *handle_slot_ = nullptr;
  }
  /// The handle is gone: the platform keeps the instance until it is drained, then deletes it.
  void abandon() noexcept {
    is_abandoned_ = true;
    handle_slot_ = nullptr;
    static_cast<void>(deregister(nullptr));  // in ENDED too: what the provider owes (G17)
    delete_if_abandoned();
  }
  void delete_if_abandoned() noexcept {
    if (is_abandoned_ && has_no_session() && !session_.is_pinned()) delete this;
  }

  // Registration.
  [[nodiscard]] status check(const registration& wish) noexcept {
    if (state() == session_state::registering) return errc::invalid_state;
    if (state() != session_state::created) return errc::already_registered;
    if (platform_.stopping) return errc::closed;
    if (wish.flags != 0) return errc::invalid_argument;
    if (!wish.access.empty() && !platform_.access) return errc::invalid_argument;
    return {};
  }
  void decision_begins() noexcept {
    ++platform_.registrations_open;
    session_.enter(session_state::registering);
  }
  /// CREATED again unless the registration was granted.
  void decision_ends() noexcept {
    if (state() == session_state::registering) session_.enter(session_state::created);
    --platform_.registrations_open;
    platform_.session_drained.complete_all();
  }
  /// Gives it owner, LUID and name, and begins its session.
  [[nodiscard]] status grant(const registration& wish) noexcept;
  /// The provider deregisters, or the handle is gone. An error where there is nothing to end.
  status deregister(const void* caller) noexcept {
    switch (state()) {
      case session_state::created: return errc::not_registered;
      case session_state::registering:
      case session_state::deregistered: return errc::invalid_state;
      case session_state::ended:
        is_deregistered_ = true;
        session_.enter(session_state::deregistered);
        return {};
      default:
        is_deregistered_ = true;
        session_.end(termination_reason::provider_request, caller);
        return {};
    }
  }
  /// No row runs or will run (G23).
  void session_over() noexcept {
    platform_.names.give_back_name(name_);
    session_.enter(is_deregistered_ ? session_state::deregistered : session_state::ended);
    drained_.complete_all();
    platform_.session_drained.complete_all();
    delete_if_abandoned();
  }

 private:
  [[nodiscard]] session_state state() const noexcept { return session_.state(); }
  [[nodiscard]] bool has_no_session() const noexcept {
    return state() == session_state::created || state() == session_state::ended ||
           state() == session_state::deregistered;
  }

  core& platform_;
  instance_state** handle_slot_ = nullptr;
  interface_name name_;
  std::uint32_t owner_ = 0;  // in the platform's interface_names
  std::uint64_t luid_ = 0;
  int priority_ = 0;
  bool is_abandoned_ = false;
  bool is_deregistered_ = false;  // the provider owes nothing more
  wait_list drained_;
  session session_;
};

inline status instance_state::grant(const registration& wish) noexcept {
  if (platform_.stopping || is_abandoned_) return errc::closed;
  const status owned = without_throwing([&] {
    owner_ = platform_.names.find_owner(wish.provider_name, &session_.provider().table());
  });
  if (!owned.ok()) return owned;
  if (wish.interface_luid != 0)
    for (session& other : platform_.sessions)
      if (other.of().luid_ == wish.interface_luid) return errc::interface_in_use;
  const status numbered = platform_.names.take_luid(wish.interface_luid, owner_, luid_);
  if (!numbered.ok()) return numbered;
  const status named =
      without_throwing([&] { name_ = platform_.names.take_name(wish.friendly_name); });
  if (!named.ok()) return named;
  if (!session_.prepare()) {
    platform_.names.give_back_name(std::exchange(name_, interface_name()));
    return errc::no_memory;
  }
  priority_ = wish.priority;
  session_.begin();
  return {};
}

}  // namespace lockgate::inline v0::detail

// How an instance is registered: its wish is checked, the host program decides, its session begins.
#pragma once

#include "lockgate/base/config.hpp"                     // for LOCKGATE_INLINE
#include "lockgate/coro/task.hpp"                       // for task
#include "lockgate/platform/detail/instance_state.hpp"  // for instance_state
#include "lockgate/platform/options.hpp"                // for registration, access_policy
#include "lockgate/platform/provider_instance.hpp"      // for provider_instance

namespace lockgate::inline v0 {

namespace detail {

/// An instance is REGISTERING while this exists, also when the registration is given up.
class pending_decision {
 public:
  explicit pending_decision(instance_state& of) noexcept : of_(of) { of_.decision_begins(); }
  pending_decision(const pending_decision&) = delete;
  ~pending_decision() { of_.decision_ends(); }

 private:
  instance_state& of_;
};

LOCKGATE_INLINE task<status> register_instance(instance_state* s, registration wish) {
  if (!s) co_return errc::invalid_state;
  const session::pin alive(s->its_session());
  status granted = s->check(wish);
  if (granted.ok()) {
    if (access_policy* const policy = s->platform().access) {
      const pending_decision deciding(*s);
      granted = co_await policy->authorise(wish.provider_name, wish.access);
      if (granted.ok()) granted = s->grant(wish);
    } else {
      granted = s->grant(wish);
    }
  }
  s->its_session().trace().tell_registration(granted);
  co_return granted;
}

}  // namespace detail

LOCKGATE_INLINE task<status> provider_instance::register_instance(const registration& wish) {
  return detail::register_instance(state_, wish);
}

}  // namespace lockgate::inline v0

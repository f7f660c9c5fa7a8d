// The handle of one provider instance: registration, deregistration, and what it has carried.
#pragma once

#include "lockgate/coro/task.hpp"                          // for task
#include "lockgate/platform/detail/endpoint_delivery.hpp"  // for the endpoint's definitions
#include "lockgate/platform/detail/path_routing.hpp"       // for the session's definitions
#include "lockgate/platform/detail/session_calls.hpp"      // for the session's definitions
#include "lockgate/platform/detail/session_endpoints.hpp"  // for the session's definitions
#include "lockgate/platform/detail/session_life.hpp"       // for the session's definitions
#include "lockgate/platform/options.hpp"                   // for registration

#include <coroutine>  // for coroutine_handle
#include <cstdint>    // for uint32_t, uint64_t
#include <string>     // for string
#include <utility>    // for exchange

namespace lockgate::inline v0 {

/// One provider instance (CPNATFWT_PROVIDER_INSTANCE): the platform owns the provider, this handle
/// owns the right to register and deregister it.
///
/// Guarantees: G12, G17 to G19 - one instance is one session; after a failed registration it may be
///             registered again.
/// Lifetime: dropping the handle deregisters; the platform keeps the provider until it is drained.
class provider_instance {
 public:
  provider_instance() noexcept = default;
  explicit provider_instance(detail::session* s) noexcept : session_(s) {
    if (session_) session_->set_handle_slot(&session_);
  }
  provider_instance(provider_instance&& other) noexcept
      : provider_instance(std::exchange(other.session_, nullptr)) {}
  provider_instance& operator=(provider_instance&& other) noexcept {
    if (this == &other) return *this;
    drop();
    session_ = std::exchange(other.session_, nullptr);
    if (session_) session_->set_handle_slot(&session_);
    return *this;
  }
  ~provider_instance() { drop(); }

  /// Registers the instance (dd441736). On success its session begins.
  ///
  /// Guarantees: G1, G2, G11 to G16.
  /// Completes: when registration is granted or refused; never waits for establish_session (U28).
  /// Errors: already_registered, invalid_argument, interface_not_owned, interface_in_use,
  ///         registration_refused or what the access policy says, closed, no_memory.
  /// Lifetime: the registration's texts are borrowed until the call completes.
  [[nodiscard]] task<status> register_instance(const registration& wish = registration());

  class deregister_operation;
  /// Ends the session with reason provider_request (dd441733, G21); in ENDED, what the provider
  /// owes.
  ///
  /// Guarantees: G23 - once it has completed, no row runs or will run.
  /// Completes: when the instance is drained; at once inside the session's own coroutines.
  /// Errors: not_registered, invalid_state.
  /// Cancellation: gives up waiting; the session ends all the same.
  [[nodiscard]] deregister_operation deregister() noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return session_ != nullptr; }
  [[nodiscard]] session_state state() const noexcept {
    return session_ ? session_->state() : session_state::deregistered;
  }
  /// The number that stands for this instance in events.
  [[nodiscard]] std::uint32_t id() const noexcept { return session_ ? session_->id() : 0; }
  /// The interface's name and LUID, once registered (G13 to G16).
  [[nodiscard]] std::string friendly_name() const {
    return session_ ? session_->name().text() : std::string();
  }
  [[nodiscard]] std::uint64_t interface_luid() const noexcept {
    return session_ ? session_->luid() : 0;
  }
  [[nodiscard]] instance_statistics statistics() const noexcept {
    return session_ ? session_->statistics() : instance_statistics();
  }
  /// The provider itself, if it is a `P`; null otherwise.
  template <provider P>
  [[nodiscard]] P* get_if() const noexcept {
    if (!session_ || &session_->provider().table() != &detail::table_of<P>::value) return nullptr;
    return static_cast<P*>(session_->provider().get());
  }

 private:
  void drop() noexcept {
    if (detail::session* s = std::exchange(session_, nullptr)) s->abandon();
  }
  detail::session* session_ = nullptr;
};

class provider_instance::deregister_operation {
 public:
  explicit deregister_operation(detail::session* s) noexcept : session_(s) {}
  class awaiter {
   public:
    awaiter(detail::session* s, const task_context& context) noexcept
        : session_(s), context_(context) {}
    bool await_ready() noexcept {
      if (!session_) {
        outcome_ = errc::not_registered;
        return true;
      }
      outcome_ = session_->deregister(context_.owner);
      return !outcome_.ok() || session_->owns(context_.owner) ||
             session_->state() == session_state::deregistered;
    }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      suspended_ = true;
      if (waiter_.suspend(coroutine, context_)) session_->drained().push_back(waiter_);
    }
    status await_resume() const noexcept { return suspended_ ? waiter_.outcome() : outcome_; }

   private:
    detail::session* session_;
    const task_context& context_;
    bool suspended_ = false;
    status outcome_;
    waiter waiter_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(session_, context); }

 private:
  detail::session* session_;
};

inline provider_instance::deregister_operation provider_instance::deregister() noexcept {
  return deregister_operation(session_);
}

namespace detail {

/// An instance is REGISTERING while this exists, also when the registration is given up.
class decision_pending {
 public:
  explicit decision_pending(session& s) noexcept : session_(s) { session_.decision_pending(); }
  decision_pending(const decision_pending&) = delete;
  ~decision_pending() { session_.decision_made(); }

 private:
  session& session_;
};

inline task<status> register_session(session* s, registration wish) {
  if (!s) co_return errc::invalid_state;
  const session::pin alive(*s);
  const status valid = s->check_registration(wish);
  if (!valid.ok()) {
    s->tell_registration(valid);
    co_return valid;
  }
  status granted;
  if (access_policy* const policy = s->platform().access) {
    const decision_pending pending(*s);
    granted = co_await policy->authorise(wish.provider_name, wish.access);
    if (granted.ok()) granted = s->grant(wish);
  } else {
    granted = s->grant(wish);
  }
  s->tell_registration(granted);
  co_return granted;
}

}  // namespace detail

inline task<status> provider_instance::register_instance(const registration& wish) {
  return detail::register_session(session_, wish);
}

}  // namespace lockgate::inline v0

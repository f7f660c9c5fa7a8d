// The handle of one provider instance: registration, deregistration, and what it has carried.
#pragma once

#include "lockgate/coro/task.hpp"                       // for task
#include "lockgate/platform/detail/instance_state.hpp"  // for instance_state
#include "lockgate/platform/options.hpp"                // for registration

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
  explicit provider_instance(detail::instance_state* s) noexcept : state_(s) {
    if (state_) state_->set_handle_slot(&state_);
  }
  provider_instance(provider_instance&& other) noexcept
      : provider_instance(std::exchange(other.state_, nullptr)) {}
  provider_instance& operator=(provider_instance&& other) noexcept {
    if (this == &other) return *this;
    drop();
    state_ = std::exchange(other.state_, nullptr);
    if (state_) state_->set_handle_slot(&state_);
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

  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  [[nodiscard]] session_state state() const noexcept {
    return state_ ? state_->its_session().state() : session_state::deregistered;
  }
  /// The number that stands for this instance in events.
  [[nodiscard]] std::uint32_t id() const noexcept {
    return state_ ? state_->its_session().id() : 0;
  }
  /// The interface's name and LUID, once registered (G13 to G16).
  [[nodiscard]] std::string friendly_name() const {
    return state_ ? state_->name().text() : std::string();
  }
  [[nodiscard]] std::uint64_t interface_luid() const noexcept {
    return state_ ? state_->luid() : 0;
  }
  [[nodiscard]] instance_statistics statistics() const noexcept {
    return state_ ? state_->its_session().trace().statistics() : instance_statistics();
  }
  /// The provider itself, if it is a `P`; null otherwise.
  template <provider P>
  [[nodiscard]] P* get_if() const noexcept {
    if (!state_ || &state_->its_session().provider().table() != &detail::table_of<P>::value)
      return nullptr;
    return static_cast<P*>(state_->its_session().provider().get());
  }

 private:
  void drop() noexcept {
    if (detail::instance_state* s = std::exchange(state_, nullptr)) s->abandon();
  }
  detail::instance_state* state_ = nullptr;
};

class provider_instance::deregister_operation {
 public:
  explicit deregister_operation(detail::instance_state* s) noexcept : state_(s) {}
  class awaiter {
   public:
    awaiter(detail::instance_state* s, const task_context& context) noexcept
        : state_(s), context_(context) {}
    bool await_ready() noexcept {
      if (!state_) {
        outcome_ = errc::not_registered;
        return true;
      }
      outcome_ = state_->deregister(context_.owner);
      return !outcome_.ok() || state_->its_session().owns(context_.owner) ||
             state_->its_session().state() == session_state::deregistered;
    }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      suspended_ = true;
      if (waiter_.suspend(coroutine, context_)) state_->drained().push_back(waiter_);
    }
    status await_resume() const noexcept { return suspended_ ? waiter_.outcome() : outcome_; }

   private:
    detail::instance_state* state_;
    const task_context& context_;
    bool suspended_ = false;
    status outcome_;
    waiter waiter_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(state_, context); }

 private:
  detail::instance_state* state_;
};

inline provider_instance::deregister_operation provider_instance::deregister() noexcept {
  return deregister_operation(state_);
}

}  // namespace lockgate::inline v0

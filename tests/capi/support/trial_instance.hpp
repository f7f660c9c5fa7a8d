// An instance of a provider in C on the platform of a trial: it pends every call, and the trial
// decides when and where each is completed.
#pragma once

#include "lockgate/capi/pended_row.hpp"  // for row_hold
#include "lockgate/capi/platform.hpp"    // for stepped_platform, find_instance
#include "lockgate/testing/trial.hpp"    // for trial
#include "other_thread.hpp"              // for other_thread
#include "provider.h"                    // for provider

#include <array>  // for array

namespace capi_test {

/// Lets what the C surface keeps for ever be made, before allocations are counted.
inline void make_slots() {
  static_cast<void>(lockgate::capi::misuse());
  const std::array<lockgate::capi::detail::row_hold, 32> calls{};
  provider p;
  provider_init(&p);
  CPNatfwtDestroyProviderInstance(p.instance);
}

class trial_instance {
 public:
  enum class completions {
    on_another_thread,  ///< S_OK, some time after the callback has returned
    chosen,             ///< before or after, here or there, once or twice, S_OK or a failure
  };
  trial_instance(lockgate::testing::trial& t, lockgate::platform& cp, other_thread& other,
                 completions how)
      : trial_(t), platform_(cp), other_(other), how_(how) {
    const lockgate::testing::allocations_pause pause;
    provider_init(&p_);
    p_.more = this;
    for (const row r : {ACTIVE, DORMANT, ADD, REMOVE, REACH, SEND}) {
      p_.says[r] = CPNATFWT_PENDING;
      p_.inside[r] = [](provider* p) { static_cast<trial_instance*>(p->more)->called(); };
    }
  }
  trial_instance(const trial_instance&) = delete;
  /// One that the trial has given up on is left alone.
  ~trial_instance() {
    if (!lockgate::capi::find_instance(p_.instance)) CPNatfwtDestroyProviderInstance(p_.instance);
  }

  lockgate::task<lockgate::status> register_instance() {
    co_return lockgate::capi::to_status(
        CPNatfwtRegisterProviderInstance(p_.instance, nullptr, nullptr, 0, nullptr));
  }
  /// Tried again without memory, as a provider would.
  lockgate::task<lockgate::status> deregister() {
    const lockgate::testing::allocations_pause pause;  // for the frame
    return deregister(p_.instance);
  }
  [[nodiscard]] lockgate::session_state state() const {
    const lockgate::provider_instance* const found = lockgate::capi::find_instance(p_.instance);
    return found ? found->state() : lockgate::session_state::deregistered;
  }
  [[nodiscard]] const provider& told() const noexcept { return p_; }

 private:
  static lockgate::task<lockgate::status> deregister(CPNATFWT_PROVIDER_INSTANCE instance) {
    HRESULT result = CPNatfwtDeregisterProviderInstance(instance);
    if (result == E_OUTOFMEMORY) result = CPNatfwtDeregisterProviderInstance(instance);
    co_return lockgate::capi::to_status(result);
  }
  /// Inside a callback, before it returns CPNATFWT_PENDING.
  void called() {
    const lockgate::testing::allocations_pause pause;
    p_.pended_count = 0;  // this object completes them
    const pended_call call = p_.last;
    if (how_ == completions::on_another_thread) return trial_.start(complete_later(call, S_OK));
    const HRESULT result = trial_.choose(4) == 3 ? E_FAIL : S_OK;
    switch (trial_.choose(5)) {
      case 0: trial_.start(complete_later(call, result)); break;
      case 1: complete(call, result); break;
      case 2: complete_there(call, result); break;
      case 3:  // the first to come counts
        trial_.start(complete_later(call, result));
        trial_.start(complete_later(call, E_FAIL));
        break;
      default: complete_there(call, result); trial_.start(complete_later(call, E_FAIL));
    }
  }
  static void complete(pended_call call, HRESULT result) { call.routine(call.context, result); }
  void complete_there(pended_call call, HRESULT result) {
    other_.run([call, result] { complete(call, result); });
  }
  lockgate::task<> complete_later(pended_call call, HRESULT result) {
    complete_there(call, result);
    co_return;
  }

  lockgate::testing::trial& trial_;
  lockgate::capi::stepped_platform platform_;
  other_thread& other_;
  completions how_;
  provider p_{};
};

}  // namespace capi_test

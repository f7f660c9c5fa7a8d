// The implementation of the C surface: compiled in the one C++ source file that defines
// LOCKGATE_CAPI_IMPLEMENTATION, or linked as lockgate::capi.
#pragma once

#ifdef LOCKGATE_CAPI_IMPLEMENTATION

#include "lockgate/base/config.hpp"        // for LOCKGATE_ASSERT
#include "lockgate/capi/c_instance.hpp"    // for instance_table
#include "lockgate/capi/cpnatfwt.h"        // for CPNatfwt*
#include "lockgate/capi/host.hpp"          // for host
#include "lockgate/capi/indication.hpp"    // for indication, blocking_indication
#include "lockgate/capi/platform.hpp"      // for what is defined here
#include "lockgate/capi/registration.hpp"  // for registration_request, deregistration_request

#include <cstdint>  // for uint32_t
#include <memory>   // for unique_ptr
#include <new>      // for nothrow
#include <utility>  // for move

namespace lockgate::inline v0::capi {

lockgate::platform& platform() {
  detail::host::get().ensure_started();
  return detail::host::get().platform();
}
void start(const platform_options& options) {
  detail::host::get().start(options, true);
}
void stop() {
  detail::host::get().stop();
}

provider_instance* find_instance(CPNATFWT_PROVIDER_INSTANCE handle) noexcept {
  detail::c_instance* const found = detail::instance_table::get().find(handle);
  return found && found->registered ? &found->registered : nullptr;
}

misuse_statistics misuse() noexcept {
  const detail::host& all = detail::host::get();
  return {all.ignored_completions.load(std::memory_order_relaxed),
          all.stale_handles.load(std::memory_order_relaxed),
          all.ignored_destroys.load(std::memory_order_relaxed)};
}

stepped_platform::stepped_platform(scheduler& home, const platform_options& options) {
  detail::host::get().begin(home, options);
}
stepped_platform::stepped_platform(lockgate::platform& on) {
  detail::host::get().begin(on);
}
stepped_platform::~stepped_platform() {
  detail::host::get().end();
}

namespace detail {

status spawn(task<> work) noexcept {
  return host::get().spawn(std::move(work));
}
bool on_platform_thread() noexcept {
  return host::get().on_platform_thread();
}

/// Runs `call`, which may fail for want of memory or of a thread.
template <class F>
HRESULT guarded(F call) noexcept {
#if LOCKGATE_HAS_EXCEPTIONS
  try {
    return call();
  } catch (...) {
    return E_OUTOFMEMORY;
  }
#else
  return call();
#endif
}

inline bool is_complete(const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE& t) noexcept {
  return t.version == 0 && (t.size == 0 || t.size == sizeof t) && t.establishSessionIndication &&
         t.terminateSessionIndication && t.transitionActive && t.transitionDormant &&
         t.addTransportId && t.removeTransportId && t.reachTransportId && t.sendBuffers;
}

}  // namespace detail

}  // namespace lockgate::inline v0::capi

extern "C" {

HRESULT WINAPI CPNatfwtCreateProviderInstance(
    const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE* dispatchTable,
    PVOID providerInstanceUserContext, CPNATFWT_PROVIDER_INSTANCE* providerInstance) {
  namespace capi = lockgate::capi::detail;
  if (!dispatchTable || !providerInstance || !capi::is_complete(*dispatchTable))
    return E_INVALIDARG;
  void* const made =
      capi::instance_table::get().create(*dispatchTable, providerInstanceUserContext);
  if (!made) return E_OUTOFMEMORY;
  *providerInstance = made;
  return S_OK;
}

HRESULT WINAPI CPNatfwtRegisterProviderInstance(CPNATFWT_PROVIDER_INSTANCE providerInstance,
                                                WCHAR* interfaceFriendlyName,
                                                IF_LUID* interfaceLuid, ULONG flags, WCHAR* sddl) {
  namespace capi = lockgate::capi::detail;
  using capi::handle_phase;
  capi::c_instance* const of = capi::instance_table::get().find(providerInstance);
  if (!of) return E_HANDLE;
  if (sddl && *sddl == 0) return E_INVALIDARG;
  const std::uint32_t generation = capi::slot_handle(providerInstance).generation();
  if (!of->gate.move(generation, handle_phase::created, handle_phase::registering))
    return CPNATFWT_E_STATE;
  capi::registration_request request(*of);
  return capi::guarded([&] {
    request.read(interfaceFriendlyName, interfaceLuid, flags, sddl);
    const lockgate::status granted = capi::on_platform_thread()
                                         ? request.carry_out_now()
                                         : lockgate::capi::run([&] { return request.carry_out(); });
    if (granted.ok() && interfaceLuid) interfaceLuid->Value = request.luid();
    return lockgate::capi::to_hresult(granted);
  });
}

HRESULT WINAPI CPNatfwtDeregisterProviderInstance(CPNATFWT_PROVIDER_INSTANCE providerInstance) {
  namespace capi = lockgate::capi::detail;
  capi::c_instance* const of = capi::instance_table::get().find(providerInstance);
  if (!of) return E_HANDLE;
  if (of->gate.look().phase() != capi::handle_phase::registered) return CPNATFWT_E_STATE;
  if (capi::on_platform_thread()) return lockgate::capi::to_hresult(of->deregister(nullptr));
  return capi::guarded([&] {
    capi::host::get().ensure_started();
    const std::uint32_t generation = capi::slot_handle(providerInstance).generation();
    return capi::deregistration_request(*of, generation).post_and_wait();
  });
}

VOID WINAPI CPNatfwtDestroyProviderInstance(CPNATFWT_PROVIDER_INSTANCE providerInstance) {
  namespace capi = lockgate::capi::detail;
  capi::instance_table& all = capi::instance_table::get();
  if (all.find(providerInstance)) {
    if (all.destroy(providerInstance)) return;
    LOCKGATE_ASSERT(!all.is_registered(providerInstance),
                    "G17: an instance is destroyed while registered: deregister it first");
    if (!capi::on_platform_thread()) {
      CPNatfwtDeregisterProviderInstance(providerInstance);
      if (all.destroy(providerInstance)) return;
    }
  }
  capi::host::get().ignored_destroys.fetch_add(1, std::memory_order_relaxed);
}

HRESULT WINAPI CPNatfwtIndicateReceivedBuffers(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, CPNATFWT_TRANSPORT_ID* localTransportId,
    CPNATFWT_TRANSPORT_ID* remoteTransportId, CPNATFWT_BUFFER* bufferChain, PVOID completionContext,
    CPNATFWT_PROVIDER_COMPLETION_ROUTINE completionRoutine) {
  namespace capi = lockgate::capi::detail;
  capi::c_instance* const of = capi::instance_table::get().find(providerInstance);
  if (!of) return E_HANDLE;
  const capi::indicated what(localTransportId, remoteTransportId, bufferChain);
  if (!of->gate.look().is_active()) return CPNATFWT_E_STATE;
  if (!what.is_valid()) return E_INVALIDARG;
  const std::uint32_t generation = capi::slot_handle(providerInstance).generation();
  const bool here = capi::on_platform_thread();

  if (completionRoutine) {
    std::unique_ptr<capi::indication> message(
        new (std::nothrow) capi::indication(*of, what, completionContext, completionRoutine));
    if (!message) return E_OUTOFMEMORY;
    if (!of->gate.enter(generation)) return CPNATFWT_E_STATE;
    // An activation that was completed inside its callback counts once the callback has returned.
    if (here && !of->answering_activation) return message.release()->hand_up_now();
    message.release()->hand_over();
    return lockgate::capi::pending;
  }
  lockgate::incoming copy = capi::copy_of(what);
  if (copy.size() == 0) return E_OUTOFMEMORY;
  if (!of->gate.enter(generation)) return CPNATFWT_E_STATE;
  if (!here) return capi::blocking_indication(*of, std::move(copy)).hand_over_and_wait();
  const lockgate::status delivered = of->native.indicate(std::move(copy));
  of->leave();
  return lockgate::capi::to_hresult(delivered);
}

}  // extern "C"

#endif

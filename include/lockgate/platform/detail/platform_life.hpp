// How a platform makes instances, and how it ends.
#pragma once

#include "lockgate/base/config.hpp"        // for LOCKGATE_INLINE, LOCKGATE_REQUIRE
#include "lockgate/platform/platform.hpp"  // for platform

#include <utility>  // for move

namespace lockgate::inline v0 {

LOCKGATE_INLINE provider_instance platform::create(any_provider provider) {
  LOCKGATE_REQUIRE(provider, "platform: create() of an empty any_provider");
  auto* const made = new detail::instance_state(core_, std::move(provider));
  if (!made) detail::out_of_memory("platform: no memory for an instance");
  return provider_instance(made);
}

LOCKGATE_INLINE task<status> platform::stop() {
  core_.stopping = true;
  for (detail::session& s : core_.sessions) s.end(termination_reason::platform_shutdown);
  while (!core_.endpoints.empty()) {
    detail::endpoint_state& e = core_.endpoints.front();
    if (e.handle) e.handle->state_ = nullptr;
    e.close();
  }
  while (!core_.sessions.empty()) {
    const status waited = co_await core_.session_drained.wait();
    if (!waited.ok()) co_return waited;
  }
  while (core_.registrations_open > 0) {
    const status waited = co_await core_.session_drained.wait();
    if (!waited.ok()) co_return waited;
  }
  core_.tasks.request_stop();  // signals under way
  co_return co_await core_.tasks.join();
}

LOCKGATE_INLINE platform::~platform() {
  LOCKGATE_REQUIRE(
      core_.sessions.empty() && core_.registrations_open == 0,
      "G17: a platform is destroyed while an instance is registered: await stop() first");
  while (!core_.endpoints.empty()) {
    detail::endpoint_state& e = core_.endpoints.front();
    if (e.handle) e.handle->state_ = nullptr;
    e.close();
  }
  while (!core_.closed_endpoints.empty()) core_.closed_endpoints.front().forget_platform();
  while (!core_.instances.empty()) {
    detail::instance_state& each = core_.instances.pop_front();
    each.clear_handle();
    delete &each;
  }
  if (core_.signals) core_.signals->detach(core_);
}

}  // namespace lockgate::inline v0

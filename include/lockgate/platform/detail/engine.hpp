// What sessions, paths and endpoints do: the part of the platform that need not be compiled in
// every unit.
#pragma once

#include "lockgate/platform/detail/batch_sending.hpp"      // for endpoint
#include "lockgate/platform/detail/endpoint_delivery.hpp"  // for endpoint_state
#include "lockgate/platform/detail/outbox_sending.hpp"     // for outbox
#include "lockgate/platform/detail/path_routing.hpp"       // for path
#include "lockgate/platform/detail/path_sending.hpp"       // for path, send_row
#include "lockgate/platform/detail/platform_life.hpp"      // for platform
#include "lockgate/platform/detail/registration.hpp"       // for provider_instance
#include "lockgate/platform/detail/session_calls.hpp"      // for session, core
#include "lockgate/platform/detail/session_end.hpp"        // for session
#include "lockgate/platform/detail/session_endpoints.hpp"  // for session
#include "lockgate/platform/detail/session_life.hpp"       // for session

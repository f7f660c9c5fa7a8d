// All that the author of a provider includes.
#pragma once

#include "lockgate/base/address_text.hpp"        // for to_string
#include "lockgate/coro/deadline.hpp"            // for with_deadline, with_timeout
#include "lockgate/coro/foreign.hpp"             // for cancellable, uninterruptible
#include "lockgate/coro/sleep.hpp"               // for sleep_for, sleep_until, yield
#include "lockgate/coro/task.hpp"                // for task
#include "lockgate/coro/wait_list.hpp"           // for wait_list
#include "lockgate/provider/any_provider.hpp"    // for any_provider
#include "lockgate/provider/check_provider.hpp"  // for check_provider
#include "lockgate/provider/hand_up.hpp"         // for hand_up, hand_up_counters
#include "lockgate/provider/instance.hpp"        // for instance
#include "lockgate/provider/message.hpp"         // for outgoing, incoming
#include "lockgate/provider/rows.hpp"            // for provider

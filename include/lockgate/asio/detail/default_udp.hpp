// Which way UDP takes on this system. Define LOCKGATE_PORTABLE_UDP to take the portable one on
// Linux.
#pragma once

#if defined(__linux__) && !defined(LOCKGATE_PORTABLE_UDP)
#include "lockgate/asio/detail/linux_udp.hpp"  // for linux_udp
#else
#include "lockgate/asio/detail/portable_udp.hpp"  // for portable_udp
#endif

namespace lockgate::inline v0::detail {

#if defined(__linux__) && !defined(LOCKGATE_PORTABLE_UDP)
using default_udp = linux_udp<>;
#else
using default_udp = portable_udp<>;
#endif

}  // namespace lockgate::inline v0::detail

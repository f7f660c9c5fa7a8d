// Which way UDP takes on this system. Define LOCKGATE_PORTABLE_UDP to take the portable one on
// Linux.
#pragma once

#include "lockgate/asio/detail/portable_udp.hpp"  // for portable_udp

namespace lockgate::inline v0::detail {

using default_udp = portable_udp<>;

}  // namespace lockgate::inline v0::detail

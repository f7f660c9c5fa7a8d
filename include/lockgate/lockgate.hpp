// The core in one include: no Asio, no OS header, no dependency.
#pragma once

#include "lockgate/base/version.hpp"       // for version
#include "lockgate/platform/platform.hpp"  // for platform, endpoint, provider_instance
#include "lockgate/provider.hpp"           // for all that providers need

// The engine, for the one unit that compiles it where a program defines
// LOCKGATE_SEPARATE_COMPILATION.
#pragma once

#include "lockgate/lockgate.hpp"                // for the declarations
#include "lockgate/platform/detail/engine.hpp"  // for the definitions

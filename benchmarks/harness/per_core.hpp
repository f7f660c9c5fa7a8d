// Turns contenders of `per_core` into rows: the same work on one core, and as much again on each.
#pragma once

#include "data_path.hpp"  // for effort

namespace bench {

/// Registers the rows `per_core/<size>/<one|all>/<contender>`. Each core echoes a burst of
/// datagrams from peers of its own. A row's time is from the first core's begin to the last one's
/// end, for each datagram of all cores together.
void register_per_core(const effort& each);

}  // namespace bench

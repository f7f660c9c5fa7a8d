// Gives the program one core to itself, as far as the system permits.
#pragma once

#include <sched.h>  // for sched_setaffinity, sched_setscheduler

#include <string>  // for string, to_string

namespace bench {

/// Pins the program to the last core it may use and asks for real-time scheduling there, since the
/// first core usually serves the interrupts. Returns what was granted, in words.
inline std::string take_core() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  int last = -1;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(static_cast<std::size_t>(core), &allowed)) last = core;

  std::string granted = "not pinned";
  if (last >= 0) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<std::size_t>(last), &only);
    if (::sched_setaffinity(0, sizeof only, &only) == 0)
      granted = "pinned to core " + std::to_string(last);
  }
  const sched_param lowest{.sched_priority = ::sched_get_priority_min(SCHED_FIFO)};
  const bool real_time = ::sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
  return granted + (real_time ? ", SCHED_FIFO" : ", SCHED_OTHER (SCHED_FIFO not permitted)");
}

}  // namespace bench

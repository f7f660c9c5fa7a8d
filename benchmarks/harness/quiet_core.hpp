// Gives the program one core to itself, as far as the system permits.
#pragma once

#include <sched.h>  // for sched_setaffinity, sched_setscheduler

#include <string>  // for string, to_string
#include <vector>  // for vector

namespace bench {

/// The cores that the program may use, as they were when this was first called.
inline const std::vector<std::size_t>& own_cores() {
  static const std::vector<std::size_t> cores = [] {
    std::vector<std::size_t> all;
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
      for (std::size_t core = 0; core < CPU_SETSIZE; ++core)
        if (CPU_ISSET(core, &allowed)) all.push_back(core);
    return all;
  }();
  return cores;
}

/// Pins the calling thread to one core. False when that was not granted.
inline bool pin_to(std::size_t core) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  return ::sched_setaffinity(0, sizeof only, &only) == 0;
}

/// Pins the program to the last core it may use and asks for real-time scheduling there, since the
/// first core usually serves the interrupts. Returns what was granted, in words.
inline std::string take_core() {
  std::string granted = "not pinned";
  if (!own_cores().empty() && pin_to(own_cores().back()))
    granted = "pinned to core " + std::to_string(own_cores().back());
  const sched_param lowest{.sched_priority = ::sched_get_priority_min(SCHED_FIFO)};
  const bool real_time = ::sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
  return granted + (real_time ? ", SCHED_FIFO" : ", SCHED_OTHER (SCHED_FIFO not permitted)");
}

}  // namespace bench

// How the examples deal with failures: say what failed, and end.
#pragma once

#include "lockgate/base/status.hpp"  // for status

#include <cstdlib>   // for exit
#include <iostream>  // for cerr

inline void check(const lockgate::status& outcome, const char* what) {
  if (outcome.ok()) return;
  std::cerr << what << ": " << outcome.message() << '\n';
  std::exit(1);
}

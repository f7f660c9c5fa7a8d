// How the examples deal with failures: say what failed, and end.
#pragma once

#include "lockgate/base/status.hpp"  // for status

#include <cstdio>   // for fprintf
#include <cstdlib>  // for exit

inline void check(const lockgate::status& outcome, const char* what) {
  if (outcome.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, outcome.message().c_str());
  std::exit(1);
}

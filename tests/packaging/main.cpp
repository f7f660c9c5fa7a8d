// A consumer of the core alone.
#include "lockgate/lockgate.hpp"

#include <cstdio>  // for puts

int main() {
  std::puts(lockgate::version.data());
  return 0;
}

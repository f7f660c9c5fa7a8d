// The library lockgate::capi: the C surface, for programs without a C++ source file of their own.
#define LOCKGATE_CAPI_IMPLEMENTATION
#include "lockgate/capi/implementation.hpp"  // for everything

// The counting operator new of this test program.
#include "lockgate/testing/replace_operator_new.hpp"  // for operator new

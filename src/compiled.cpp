// What lockgate::compiled adds to a program: the engine, compiled in this unit for all others.
#include "lockgate/source.hpp"  // for everything

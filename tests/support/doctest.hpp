// doctest, and what it needs to print the values that the tests compare.
#pragma once

#include <doctest/doctest.h>

#include <ostream>  // for operator<< of std::error_code, which a status converts to

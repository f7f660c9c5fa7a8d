// Files that say what an output must look like.
#pragma once

#include "support/doctest.hpp"  // for REQUIRE_MESSAGE

#include <fstream>   // for ifstream
#include <iterator>  // for istreambuf_iterator
#include <string>    // for string

namespace support {

/// The file `name`, seen from tests/, where CTest runs the tests.
[[nodiscard]] inline std::string golden(const std::string& name) {
  std::ifstream file(name);
  REQUIRE_MESSAGE(file.good(), "no golden file " << name << " here: run in the folder tests/");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace support

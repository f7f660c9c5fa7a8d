// Files that say what an output must look like.
#pragma once

#include "support/doctest.hpp"  // for REQUIRE_MESSAGE

#include <filesystem>  // for path
#include <fstream>     // for ifstream
#include <iterator>    // for istreambuf_iterator
#include <string>      // for string

namespace support {

/// The file `name` in the folder golden/ beside the test `source`.
[[nodiscard]] inline std::string golden(const char* source, const char* name) {
  std::ifstream file(std::filesystem::path(source).parent_path() / "golden" / name);
  REQUIRE_MESSAGE(file.good(), "no golden file " << name);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace support

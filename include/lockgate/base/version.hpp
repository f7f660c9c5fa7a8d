// The library's version. This file is its single source: CMake, Conan and the packages read it
// here.
#pragma once

#include <string_view>  // for string_view

#define LOCKGATE_VERSION_MAJOR 0
#define LOCKGATE_VERSION_MINOR 1
#define LOCKGATE_VERSION_PATCH 0

#define LOCKGATE_DETAIL_TEXT(x) #x
#define LOCKGATE_DETAIL_DOTTED(a, b, c) \
  LOCKGATE_DETAIL_TEXT(a) "." LOCKGATE_DETAIL_TEXT(b) "." LOCKGATE_DETAIL_TEXT(c)

namespace lockgate::inline v0 {

/// The version as text, "major.minor.patch".
inline constexpr std::string_view version =
    LOCKGATE_DETAIL_DOTTED(LOCKGATE_VERSION_MAJOR, LOCKGATE_VERSION_MINOR, LOCKGATE_VERSION_PATCH);

}  // namespace lockgate::inline v0

#undef LOCKGATE_DETAIL_DOTTED
#undef LOCKGATE_DETAIL_TEXT

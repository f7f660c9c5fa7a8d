// Converts texts between UTF-16, as the C surface has them, and the library's UTF-8.
#pragma once

#include "lockgate/capi/windows_types.h"  // for WCHAR

#include <cstddef>  // for size_t
#include <cstdint>  // for uint32_t
#include <string>   // for string

namespace lockgate::inline v0::capi::detail {

/// The UTF-8 form of a terminated UTF-16 text, of which at most `limit` units are read; a surrogate
/// without its partner becomes U+FFFD. Errors: throws `std::bad_alloc`.
[[nodiscard]] inline std::string to_utf8(const WCHAR* text, std::size_t limit) {
  std::string out;
  const auto add = [&out](std::uint32_t lead, std::uint32_t point, int continuations) {
    out += static_cast<char>(lead | (point >> (6 * continuations)));
    while (continuations-- > 0)
      out += static_cast<char>(0x80 | ((point >> (6 * continuations)) & 0x3f));
  };
  for (std::size_t i = 0; i < limit && text[i] != 0; ++i) {
    std::uint32_t point = text[i];
    if (point >= 0xd800 && point < 0xe000) {
      const std::uint32_t low = point < 0xdc00 && i + 1 < limit ? text[i + 1] : 0u;
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        ++i;
      } else {
        point = 0xfffd;
      }
    }
    if (point < 0x80) add(0, point, 0);
    else if (point < 0x800) add(0xc0, point, 1);
    else if (point < 0x10000) add(0xe0, point, 2);
    else add(0xf0, point, 3);
  }
  return out;
}

}  // namespace lockgate::inline v0::capi::detail

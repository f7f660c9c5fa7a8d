// Bytes from hex text, for tests.
#pragma once

#include <cstddef>      // for byte
#include <string>       // for string
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace lockgate_test {

/// The bytes that hex digits spell; anything else between them is ignored.
inline std::vector<std::byte> hex(std::string_view text) {
  std::vector<std::byte> out;
  int high = -1;
  for (const char c : text) {
    const auto digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) continue;
    if (high < 0) {
      high = static_cast<int>(digit);
      continue;
    }
    out.push_back(static_cast<std::byte>(high * 16 + static_cast<int>(digit)));
    high = -1;
  }
  return out;
}

}  // namespace lockgate_test

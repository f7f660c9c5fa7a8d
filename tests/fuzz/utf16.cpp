// Fuzz target: texts of the C surface. Whatever comes in, what comes out is UTF-8 that says the
// same.
#include "lockgate/capi/utf16.hpp"
#include "fuzz/input.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

using fuzz::require;

namespace {

/// The code points of well-formed UTF-8 (RFC 3629 section 4).
std::vector<std::uint32_t> points_of(const std::string& text) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const int more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    std::uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);
    require(more == 0 || (lead >= 0xc2 && lead <= 0xf4));
    for (int k = 0; k < more; ++k) {
      require(i < text.size() && (text[i] & 0xc0) == 0x80);
      point = point << 6 | (static_cast<unsigned char>(text[i++]) & 0x3f);
    }
    constexpr std::uint32_t least[] = {1, 0x80, 0x800, 0x10000};
    require(point >= least[more] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff));
    out.push_back(point);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<WCHAR> units(size / 2);
  if (!units.empty()) std::memcpy(units.data(), data, units.size() * 2);
  const std::string text = lockgate::capi::detail::to_utf8(units.data(), units.size());
  std::size_t at = 0;
  for (const std::uint32_t point : points_of(text)) {
    const std::uint32_t unit = units[at++];
    if (point >= 0x10000) {
      require(unit == 0xd800 + ((point - 0x10000) >> 10));
      require(units[at++] == 0xdc00 + ((point - 0x10000) & 0x3ff));
    } else {
      require(unit == point || (point == 0xfffd && unit >= 0xd800 && unit < 0xe000));
    }
  }
  require(at == units.size() || units[at] == 0);
  return 0;
}

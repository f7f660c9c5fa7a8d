// The numbers, times and outcomes of events as text, appended without an allocation of their own.
#pragma once

#include "lockgate/base/address_text.hpp"  // for append_text
#include "lockgate/base/clock.hpp"         // for duration
#include "lockgate/base/error.hpp"         // for message_of
#include "lockgate/base/status.hpp"        // for status

#include <array>        // for array
#include <charconv>     // for to_chars
#include <concepts>     // for integral
#include <cstdint>      // for uint64_t, int64_t
#include <string>       // for string
#include <string_view>  // for string_view

namespace lockgate::inline v0::detail {

template <std::integral N>
void append_integer(std::string& out, N value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

/// A time as a decimal number of units of `10^places` nanoseconds: 1500 with 3 places is 1.500.
inline void append_decimal(std::string& out, duration time, int places) {
  const bool is_negative = time < duration::zero();
  const auto count = static_cast<std::uint64_t>(is_negative ? -time.count() : time.count());
  std::uint64_t unit = 1;
  for (int i = 0; i < places; ++i) unit *= 10;
  if (is_negative) out += '-';
  append_integer(out, count / unit);
  out += '.';
  for (std::uint64_t digit = unit / 10; digit > 0; digit /= 10)
    out += static_cast<char>('0' + count / digit % 10);
}
inline void append_seconds(std::string& out, duration time) {
  append_decimal(out, time, 9);
}

/// `text` between quotes, as JSON (RFC 8259 7) and logfmt have it.
inline void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20) {
      out += "\\u00";
      out += hex[code >> 4];
      out += hex[code & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

/// What the outcome says to people, between quotes. Cost: an allocation only for a foreign
/// category.
inline void append_quoted_outcome(std::string& out, const status& outcome) {
  if (outcome == outcome.own()) append_quoted(out, message_of(outcome.own()));
  else append_quoted(out, outcome.message());
}

}  // namespace lockgate::inline v0::detail

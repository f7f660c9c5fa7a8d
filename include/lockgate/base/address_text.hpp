// Addresses and transport ids as people write them (RFC 5952), in both directions.
#pragma once

#include "lockgate/base/address.hpp"       // for ip_address, socket_address
#include "lockgate/base/result.hpp"        // for result
#include "lockgate/base/transport_id.hpp"  // for transport_id

#include <array>        // for array
#include <charconv>     // for to_chars, from_chars
#include <cstdint>      // for uint16_t
#include <cstring>      // for memcpy
#include <optional>     // for optional
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for exchange

namespace lockgate::inline v0 {

namespace detail {

inline void append_number(std::string& out, unsigned value, int base) {
  std::array<char, 12> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

/// A whole unsigned number of at most `limit`, or nothing.
inline std::optional<unsigned> parse_number(std::string_view text, unsigned limit, int base = 10) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value > limit) return {};
  return value;
}

inline std::optional<ip_address> parse_v4(std::string_view text) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const auto dot = i < 3 ? text.find('.') : text.size();
    if (dot == text.npos || dot > 3) return {};
    const auto octet = parse_number(text.substr(0, dot), 255);
    if (!octet || (dot > 1 && text.front() == '0')) return {};  // elsewhere 010 may mean 8
    value = value << 8 | *octet;
    text.remove_prefix(i < 3 ? dot + 1 : dot);
  }
  return ip_address::v4(value);
}

/// The 16-bit groups of one side of `::`; an IPv4 tail counts as two, and ends the whole address.
inline bool parse_groups(std::string_view text, bool is_end, std::array<std::uint16_t, 8>& groups,
                         std::size_t& count) {
  count = 0;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const auto word = text.substr(0, colon);
    if (word.find('.') != word.npos) {
      const auto tail = parse_v4(word);
      if (!tail || !is_end || colon != text.npos || count > 6) return false;
      groups[count++] = static_cast<std::uint16_t>(tail->to_v4() >> 16);
      groups[count++] = static_cast<std::uint16_t>(tail->to_v4() & 0xffff);
      return true;
    }
    const auto group = word.size() <= 4 ? parse_number(word, 0xffff, 16) : std::nullopt;
    if (!group || count == 8) return false;
    groups[count++] = static_cast<std::uint16_t>(*group);
    if (colon == text.npos) return true;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;  // a single colon at the end
  }
  return true;
}

inline std::optional<ip_address> parse_v6(std::string_view text) {
  std::array<std::uint16_t, 8> head{}, tail{};
  std::size_t heads = 0, tails = 0;
  const auto gap = text.find("::");
  if (!parse_groups(text.substr(0, gap), gap == text.npos, head, heads)) return {};
  if (gap == text.npos
          ? heads != 8
          : !parse_groups(text.substr(gap + 2), true, tail, tails) || heads + tails > 7)
    return {};
  for (std::size_t i = 0; i < tails; ++i) head[8 - tails + i] = tail[i];
  std::array<std::byte, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[2 * i] = static_cast<std::byte>(head[i] >> 8);
    bytes[2 * i + 1] = static_cast<std::byte>(head[i] & 0xff);
  }
  return ip_address(bytes);
}

}  // namespace detail

/// Appends the address as RFC 5952 spells it. Cost: no allocation where `out` has room.
inline void append_text(std::string& out, const ip_address& address) {
  if (address.is_v4()) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      detail::append_number(out, address.to_v4() >> shift & 0xff, 10);
      if (shift > 0) out += '.';
    }
    return;
  }
  const auto group = [&](std::size_t i) {
    return std::to_integer<unsigned>(address.bytes()[2 * i]) << 8 |
           std::to_integer<unsigned>(address.bytes()[2 * i + 1]);
  };
  std::size_t gap = 8, longest = 1;  // RFC 5952 4.2: the longest run of zero groups, at least two
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t run = 0;
    while (i + run < 8 && group(i + run) == 0) ++run;
    if (run > longest) gap = i, longest = run;
    if (run > 0) i += run - 1;
  }
  bool needs_colon = false;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == gap) {
      out += "::";
      i += longest - 1;
      needs_colon = false;
      continue;
    }
    if (std::exchange(needs_colon, true)) out += ':';
    detail::append_number(out, group(i), 16);
  }
}
/// The same for an id.
inline void append_text(std::string& out, const transport_id& id) {
  std::array<std::byte, 16> bytes{};
  std::memcpy(bytes.data(), id.bytes().data(), bytes.size());
  append_text(out, ip_address(bytes));
}

[[nodiscard]] inline std::string to_string(const ip_address& address) {
  std::string out;
  append_text(out, address);
  return out;
}

[[nodiscard]] inline std::string to_string(const transport_id& id) {
  std::string out;
  append_text(out, id);
  return out;
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`, `[fe80::1%2]:80`.
[[nodiscard]] inline std::string to_string(const socket_address& address) {
  std::string out = to_string(address.ip);
  if (!address.ip.is_v4()) {
    out.insert(0, 1, '[');
    if (address.scope != 0) {
      out += '%';
      detail::append_number(out, address.scope, 10);
    }
    out += ']';
  }
  out += ':';
  detail::append_number(out, address.port, 10);
  return out;
}

/// The address that `text` spells, without port. Errors: `errc::malformed`.
[[nodiscard]] inline result<ip_address> parse_ip_address(std::string_view text) {
  const auto address =
      text.find(':') == text.npos ? detail::parse_v4(text) : detail::parse_v6(text);
  if (!address) return errc::malformed;
  return *address;
}

/// The address and port that `text` spells, in the forms that `to_string` writes.
/// Errors: `errc::malformed`.
[[nodiscard]] inline result<socket_address> parse_socket_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return errc::malformed;
  const auto port = detail::parse_number(text.substr(colon + 1), 65535);
  auto host = text.substr(0, colon);
  if (!port || host.empty()) return errc::malformed;
  socket_address out;
  out.port = static_cast<std::uint16_t>(*port);
  if (host.front() == '[') {
    if (host.back() != ']') return errc::malformed;
    host = host.substr(1, host.size() - 2);
    if (const auto percent = host.find('%'); percent != host.npos) {
      const auto scope = detail::parse_number(host.substr(percent + 1), 0xffffffff);
      if (!scope) return errc::malformed;
      out.scope = *scope;
      host = host.substr(0, percent);
    }
    if (host.find(':') == host.npos) return errc::malformed;
  } else if (host.find(':') != host.npos) {
    return errc::malformed;  // an IPv6 address needs brackets before its port
  }
  auto ip = parse_ip_address(host);
  if (!ip) return ip.error();
  out.ip = *ip;
  return out;
}

}  // namespace lockgate::inline v0

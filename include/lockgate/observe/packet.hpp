// An IPv6 and a UDP header for a message that has none, so that packet tools can read it.
#pragma once

#include "lockgate/base/transport_id.hpp"          // for transport_id
#include "lockgate/buffer/chain.hpp"               // for bytes_view
#include "lockgate/platform/observed_message.hpp"  // for observed_message

#include <algorithm>  // for min
#include <cstddef>    // for size_t, byte
#include <cstdint>    // for uint16_t, uint32_t
#include <string>     // for string

namespace lockgate::inline v0::detail {

/// IPv6 (RFC 8200 3) and UDP (RFC 768).
inline constexpr std::size_t packet_header_size = 40 + 8;

/// The ones' complement sum of 16-bit words (RFC 1071), over pieces that may end within a word.
class internet_checksum {
 public:
  void add(bytes_view bytes) noexcept {
    for (const std::byte b : bytes) {
      sum_ += std::to_integer<std::uint32_t>(b) << (is_odd_ ? 0 : 8);
      sum_ = (sum_ & 0xffff) + (sum_ >> 16);
      is_odd_ = !is_odd_;
    }
  }
  void add(std::uint16_t word) noexcept { sum_ += word; }
  /// As UDP writes it: a sum of zero is sent as its other form, 0xffff (RFC 8200 8.1).
  [[nodiscard]] std::uint16_t value() const noexcept {
    std::uint32_t sum = sum_;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff ? 0xffff : static_cast<std::uint16_t>(~sum);
  }

 private:
  std::uint32_t sum_ = 0;
  bool is_odd_ = false;
};

/// Appends a packet with the headers and at most `snap_length` bytes of the payload; the number of
/// bytes appended. Both ports are 49152, the first of those that mean nothing (RFC 6335 6). A
/// checksum is right where the whole payload is kept; a length beyond UDP's 65535 is cut to that.
inline std::size_t append_packet(std::string& out, const observed_message& m,
                                 std::size_t snap_length) {
  const std::size_t begin = out.size();
  const auto put = [&out](std::uint32_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
      out += static_cast<char>(value >> shift & 0xff);
  };
  const auto put_bytes = [&out](bytes_view bytes) {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  constexpr std::uint16_t port = 49152, udp = 17;
  const bool is_sent = m.way == observed_message::direction::sent;
  const bytes_view source = (is_sent ? m.local : m.remote).bytes();
  const bytes_view destination = (is_sent ? m.remote : m.local).bytes();
  const auto length = static_cast<std::uint16_t>(std::min<std::size_t>(8 + m.size, 65535));
  internet_checksum sum;
  sum.add(source);  // with the pseudo-header of RFC 8200 8.1
  sum.add(destination);
  for (const std::uint16_t word : {length, udp, port, port, length}) sum.add(word);
  m.for_each_part([&sum](bytes_view part) { sum.add(part); });

  put(6u << 28, 4);  // version 6, no traffic class, no flow
  put(length, 2);
  put(udp, 1);
  put(64, 1);  // hop limit
  put_bytes(source);
  put_bytes(destination);
  put(port, 2);
  put(port, 2);
  put(length, 2);
  put(sum.value(), 2);
  std::size_t room = snap_length;
  m.for_each_part([&](bytes_view part) {
    const bytes_view kept = part.first(std::min(room, part.size()));
    put_bytes(kept);
    room -= kept.size();
  });
  return out.size() - begin;
}

}  // namespace lockgate::inline v0::detail

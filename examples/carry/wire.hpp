// What the two sides of carry say to each other. All numbers are big-endian.
//
//   offer   sender:   how long the file is, how long a chunk is, and the file's SHA-256
//   chunk   sender:   one piece of the file, its number, and when it was sent
//   ack     receiver: which chunks have arrived, and the time that the latest one carried
//   done    receiver: everything is there; whether the SHA-256 is right
//   bye     sender:   no more questions
#pragma once

#include "lockgate/base/cursor.hpp"  // for cursor

#include <array>    // for array
#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint8_t, uint16_t, uint32_t, uint64_t
#include <span>     // for span

namespace carry {

using bytes_view = std::span<const std::byte>;
using digest = std::array<std::byte, 32>;

enum class kind : std::uint8_t { offer = 1, chunk, ack, done, bye };

/// Bytes before the payload of a chunk: kind, number, time.
inline constexpr std::size_t chunk_header_size = 1 + 4 + 8;
using chunk_header = std::array<std::byte, chunk_header_size>;

/// Chunks that an ack can speak of beyond the first one that is missing.
inline constexpr std::uint32_t ack_span = 8192;

struct offer {
  std::uint64_t size = 0;
  std::uint16_t chunk_size = 0;
  digest sha256{};
};
struct chunk {
  std::uint32_t number = 0;
  std::uint64_t sent_at = 0;  ///< nanoseconds of the sender's clock
  bytes_view payload;
};
struct ack {
  std::uint32_t next = 0;  ///< all chunks before this one have arrived
  std::uint64_t echo = 0;  ///< the `sent_at` of the latest chunk
  bytes_view later;        ///< bit i, lowest first: chunk next + 1 + i has arrived
};

inline void put(std::byte*& at, std::uint64_t value, int width) noexcept {
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
    *at++ = static_cast<std::byte>(value >> shift & 0xff);
}

inline void write(chunk_header& out, std::uint32_t number, std::uint64_t sent_at) noexcept {
  std::byte* at = out.data();
  put(at, static_cast<std::uint8_t>(kind::chunk), 1);
  put(at, number, 4);
  put(at, sent_at, 8);
}
[[nodiscard]] inline std::array<std::byte, 43> write(const offer& o) noexcept {
  std::array<std::byte, 43> out{};
  std::byte* at = out.data();
  put(at, static_cast<std::uint8_t>(kind::offer), 1);
  put(at, o.size, 8);
  put(at, o.chunk_size, 2);
  for (const std::byte b : o.sha256) *at++ = b;
  return out;
}
/// An ack begins with 13 bytes; `later` follows.
[[nodiscard]] inline std::array<std::byte, 13> write(const ack& a) noexcept {
  std::array<std::byte, 13> out{};
  std::byte* at = out.data();
  put(at, static_cast<std::uint8_t>(kind::ack), 1);
  put(at, a.next, 4);
  put(at, a.echo, 8);
  return out;
}
[[nodiscard]] inline std::array<std::byte, 2> write_done(bool right) noexcept {
  return {static_cast<std::byte>(kind::done), std::byte{right}};
}
[[nodiscard]] inline std::array<std::byte, 1> write_bye() noexcept {
  return {static_cast<std::byte>(kind::bye)};
}

/// A message, if its bytes make sense: which of the members counts is said by `what`.
struct message {
  bool valid = false;
  kind what = kind::bye;
  carry::offer offer;
  carry::chunk chunk;
  carry::ack ack;
  bool right = false;
};

[[nodiscard]] inline message read(bytes_view bytes) noexcept {
  lockgate::cursor from(bytes);
  message out;
  out.what = static_cast<kind>(from.u8());
  switch (out.what) {
    case kind::offer:
      out.offer.size = from.u64();
      out.offer.chunk_size = from.u16();
      for (std::byte& b : out.offer.sha256) b = static_cast<std::byte>(from.u8());
      out.valid = from.ok() && from.remaining() == 0 && out.offer.chunk_size > 0;
      break;
    case kind::chunk:
      out.chunk.number = from.u32();
      out.chunk.sent_at = from.u64();
      out.chunk.payload = from.rest();
      out.valid = from.ok();
      break;
    case kind::ack:
      out.ack.next = from.u32();
      out.ack.echo = from.u64();
      out.ack.later = from.rest();
      out.valid = from.ok() && out.ack.later.size() <= ack_span / 8;
      break;
    case kind::done:
      out.right = from.u8() != 0;
      out.valid = from.ok() && from.remaining() == 0;
      break;
    case kind::bye: out.valid = from.ok() && from.remaining() == 0; break;
    default: break;
  }
  return out;
}

}  // namespace carry

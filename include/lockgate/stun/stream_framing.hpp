// Finds the messages in a TCP or TLS stream of STUN and ChannelData (RFC 8656 section 12.5).
#pragma once

#include "lockgate/base/cursor.hpp"        // for cursor
#include "lockgate/base/result.hpp"        // for result
#include "lockgate/stun/channel_data.hpp"  // for is_channel, channel_header_size
#include "lockgate/stun/types.hpp"         // for header_size, padding_of, magic_cookie

#include <cstddef>  // for byte, size_t
#include <span>     // for span

namespace lockgate::inline v0::stun {

/// The largest message of a stream: a buffer of this size always makes progress.
inline constexpr std::size_t max_frame_size = header_size + 0xfffc;

/// The first message of a stream's received bytes.
struct stream_frame {
  std::size_t size = 0;      ///< of the message, without padding; 0 if more bytes are needed
  std::size_t consumed = 0;  ///< bytes to drop from the front afterwards, padding included
};

/// Looks at the start of `received` for a whole message.
///
/// Errors: `errc::malformed` if no message starts like this; the stream cannot be resynchronised
///         and must be closed.
[[nodiscard]] constexpr result<stream_frame> next_frame(
    std::span<const std::byte> received) noexcept {
  cursor in(received);
  const auto type = in.u16();
  const std::size_t length = in.u16();
  if (!in.ok()) return stream_frame{};
  stream_frame frame;
  if (type <= 0x3fff) {  // two zero bits: STUN
    if (length % 4 != 0 || (in.remaining() >= 4 && in.u32() != magic_cookie))
      return errc::malformed;
    frame.size = frame.consumed = header_size + length;
  } else if (is_channel(type)) {
    frame.size = channel_header_size + length;
    frame.consumed = frame.size + padding_of(length);
  } else {
    return errc::malformed;
  }
  return frame.consumed <= received.size() ? frame : stream_frame{};
}

}  // namespace lockgate::inline v0::stun

// Fuzz target: ChannelData as a datagram, and the input as a stream of frames.
#include "lockgate/stun/channel_data.hpp"
#include "fuzz/input.hpp"
#include "lockgate/stun/demultiplex.hpp"
#include "lockgate/stun/message.hpp"
#include "lockgate/stun/stream_framing.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace stun = lockgate::stun;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));

  if (const auto m = stun::parse_channel_data(input)) {
    require(stun::demultiplex(input, true) == stun::packet_kind::turn_channel);
    require(!stun::message_view::parse(input));  // one datagram cannot be both
    require(m->payload.data() == input.data() + stun::channel_header_size);
    require(stun::channel_header_size + m->payload.size() <= size);
    std::array<std::byte, stun::channel_header_size> header{};
    stun::write_channel_header(header, m->channel, static_cast<std::uint16_t>(m->payload.size()));
    require(std::ranges::equal(header, input.first(header.size())));
  }

  auto rest = input;
  std::size_t consumed = 0;
  for (;;) {
    const auto frame = stun::next_frame(rest);
    if (!frame || frame->size == 0) break;
    require(frame->size <= frame->consumed && frame->consumed <= rest.size() &&
            frame->consumed - frame->size < 4);
    // A frame is the same however little of the stream behind it has arrived.
    const auto alone = stun::next_frame(rest.first(frame->consumed));
    require(alone && alone->size == frame->size && alone->consumed == frame->consumed);
    const auto early = stun::next_frame(rest.first(frame->consumed - 1));
    require(early && early->size == 0);
    if (stun::demultiplex(rest, true) == stun::packet_kind::turn_channel)
      require(stun::parse_channel_data(rest.first(frame->size)).has_value());
    consumed += frame->consumed;
    rest = rest.subspan(frame->consumed);
  }
  require(consumed + rest.size() == size);
  return 0;
}

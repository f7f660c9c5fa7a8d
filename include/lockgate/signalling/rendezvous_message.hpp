// The messages of the rendezvous: STUN's format, signed with a key that all sides share.
#pragma once

#include "lockgate/base/result.hpp"        // for result
#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/net/signalling.hpp"     // for signal_message
#include "lockgate/stun/channel_data.hpp"  // for is_channel
#include "lockgate/stun/encoder.hpp"       // for encoder
#include "lockgate/stun/integrity.hpp"     // for has_valid_integrity_sha256
#include "lockgate/stun/message.hpp"       // for message_view

#include <algorithm>      // for copy_n
#include <array>          // for array
#include <cstddef>        // for byte, size_t
#include <cstdint>        // for uint16_t, uint32_t, uint64_t
#include <span>           // for span
#include <string>         // for string
#include <unordered_map>  // for unordered_map
#include <vector>         // for vector

namespace lockgate::inline v0 {

/// A registration of an id (request, answered by a success), or a signal (indication).
///
/// The transaction id is a random number of the sender's, and a count of its messages: whoever gets
/// a message with a count that is not higher than the last drops it, so that nothing recorded can
/// be played back while the sender is remembered.
struct rendezvous_message {
  rendezvous_message() = default;
  stun::message_class kind = stun::message_class::indication;
  std::uint64_t sender = 0;
  std::uint32_t count = 0;
  signal_message signal;  ///< a registration has only `from`

  static constexpr std::size_t longest = 1200;  // bytes; passes every path unfragmented
  static constexpr std::size_t longest_blob = 768;
  static constexpr std::size_t longest_channel = 255;
};

namespace detail {

inline constexpr auto rendezvous_method = static_cast<stun::method>(0x0f0);  // not assigned by IANA
// Comprehension-optional, not assigned by IANA.
inline constexpr auto rendezvous_to = static_cast<stun::attribute_type>(0xc0f0);
inline constexpr auto rendezvous_from = static_cast<stun::attribute_type>(0xc0f1);
inline constexpr auto rendezvous_channel = static_cast<stun::attribute_type>(0xc0f2);
inline constexpr auto rendezvous_blob = static_cast<stun::attribute_type>(0xc0f3);

[[nodiscard]] inline bool read_id(const stun::message_view& message, stun::attribute_type type,
                                  transport_id& out) noexcept {
  const auto a = message.find(type);
  if (!a || a->value.size() != transport_id::size) return false;
  std::array<std::byte, transport_id::size> bytes{};
  std::copy_n(a->value.begin(), bytes.size(), bytes.begin());
  out = transport_id(bytes);
  return true;
}

}  // namespace detail

/// Errors: `errc::message_too_large`.
template <stun::keyed_hmac<32> H>
[[nodiscard]] result<std::vector<std::byte>> encode(const rendezvous_message& m, H& hmac) {
  const bool is_signal = m.kind == stun::message_class::indication;
  if (m.signal.blob.size() > m.longest_blob || m.signal.channel.size() > m.longest_channel)
    return errc::message_too_large;
  stun::transaction_id id{};
  for (std::size_t i = 0; i < 8; ++i) id[i] = static_cast<std::byte>(m.sender >> (56 - 8 * i));
  for (std::size_t i = 0; i < 4; ++i) id[8 + i] = static_cast<std::byte>(m.count >> (24 - 8 * i));
  std::vector<std::byte> bytes(m.longest);
  stun::encoder out(bytes, m.kind, detail::rendezvous_method, id);
  out.bytes(detail::rendezvous_from, m.signal.from.bytes());
  if (is_signal) {
    out.bytes(detail::rendezvous_to, m.signal.to.bytes());
    out.text(detail::rendezvous_channel, m.signal.channel);
    out.bytes(detail::rendezvous_blob, m.signal.blob);
  }
  out.integrity_sha256(hmac);
  if (!out.ok()) return errc::message_too_large;
  bytes.resize(out.size());
  return bytes;
}

/// Errors: `errc::malformed` also for a message that this key has not signed.
template <stun::keyed_hmac<32> H>
[[nodiscard]] result<rendezvous_message> decode(std::span<const std::byte> bytes, H& hmac) {
  const auto message = stun::message_view::parse(bytes);
  if (!message || message->method() != detail::rendezvous_method ||
      !stun::has_valid_integrity_sha256(*message, hmac))
    return errc::malformed;
  rendezvous_message out;
  out.kind = message->kind();
  cursor id(message->id());
  out.sender = id.u64();
  out.count = id.u32();
  if (!detail::read_id(*message, detail::rendezvous_from, out.signal.from)) return errc::malformed;
  if (out.kind != stun::message_class::indication) return out;
  const auto channel = message->find(detail::rendezvous_channel);
  const auto blob = message->find(detail::rendezvous_blob);
  if (!detail::read_id(*message, detail::rendezvous_to, out.signal.to) || !channel || !blob)
    return errc::malformed;
  out.signal.channel = stun::text_of(channel->value);
  out.signal.blob.assign(blob->value.begin(), blob->value.end());
  return out;
}

/// Tells new messages from repeated ones.
class rendezvous_replay_guard {
 public:
  /// False if the sender has got that far before.
  [[nodiscard]] bool is_new(const rendezvous_message& m) {
    const auto known = last_.find(m.sender);
    if (known != last_.end()) {
      if (m.count <= known->second) return false;
      known->second = m.count;
      return true;
    }
    if (m.count == 0) return false;                   // a sender's first message has the number 1
    if (last_.size() >= most_senders) last_.clear();  // bounded; a flood needs the key
    last_.emplace(m.sender, m.count);
    return true;
  }
  /// True for the message of its sender that was new last.
  [[nodiscard]] bool is_latest(const rendezvous_message& m) const noexcept {
    const auto at = last_.find(m.sender);
    return at != last_.end() && at->second == m.count;
  }

 private:
  static constexpr std::size_t most_senders = 65536;
  std::unordered_map<std::uint64_t, std::uint32_t> last_;
};

}  // namespace lockgate::inline v0

// Writes a STUN message into memory of the caller (RFC 8489 sections 5 and 14).
#pragma once

#include "lockgate/base/address.hpp"      // for socket_address
#include "lockgate/base/result.hpp"       // for result
#include "lockgate/stun/attributes.hpp"   // for detail::xor_mask
#include "lockgate/stun/crypto.hpp"       // for keyed_hmac
#include "lockgate/stun/fingerprint.hpp"  // for crc32
#include "lockgate/stun/types.hpp"        // for attribute_type, message_class, method

#include <algorithm>    // for copy, fill_n
#include <array>        // for array
#include <cstddef>      // for byte, size_t
#include <cstdint>      // for uint8_t, uint16_t, uint32_t
#include <span>         // for span
#include <string_view>  // for string_view

namespace lockgate::inline v0::stun {

/// Appends attributes to a message that begins at the start of a span.
///
/// Guarantees: padding bytes are zero; the header's length is right after every call.
/// Errors:     what does not fit makes the encoder fail for good; `finish` reports it.
/// Lifetime:   writes into the span it was given, which outlives it.
class encoder {
 public:
  encoder(std::span<std::byte> out, message_class kind, method m, const transaction_id& id) noexcept
      : out_(out) {
    const auto header = grow(header_size);
    if (header.empty()) return;
    store(header, 0, message_type(kind, m), 2);
    store(header, 4, magic_cookie, 4);
    std::copy(id.begin(), id.end(), header.begin() + 8);
    set_length(0);
  }

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// The whole message. Errors: `errc::message_too_large` if anything did not fit.
  [[nodiscard]] result<std::span<const std::byte>> finish() const noexcept {
    if (!ok_) return errc::message_too_large;
    return std::span<const std::byte>(out_.first(size_));
  }

  /// Appends an attribute with these bytes, padded.
  void bytes(attribute_type type, std::span<const std::byte> value) noexcept {
    const auto to = append(type, value.size());
    if (ok_) std::copy(value.begin(), value.end(), to.begin());
  }
  /// Appends an attribute that is a text.
  void text(attribute_type type, std::string_view value) noexcept { bytes(type, bytes_of(value)); }
  /// Appends an attribute without a value.
  void flag(attribute_type type) noexcept { bytes(type, {}); }
  /// Appends an attribute that is a number of four bytes.
  void u32(attribute_type type, std::uint32_t value) noexcept {
    if (const auto to = append(type, 4); ok_) store(to, 0, value, 4);
  }
  /// The header of a last attribute whose value and padding the caller sends from elsewhere,
  /// directly behind these bytes.
  void detached(attribute_type type, std::uint16_t length) noexcept {
    const auto to = grow(4);
    const std::size_t body = size_ - header_size + length + padding_of(length);
    if (!ok_ || body > 0xfffc) return fail();
    store(to, 0, static_cast<std::uint16_t>(type), 2);
    store(to, 2, length, 2);
    set_length(body);
  }
  /// CHANNEL-NUMBER.
  void channel(std::uint16_t number) noexcept {
    u32(attribute_type::channel_number, std::uint32_t{number} << 16);
  }
  /// REQUESTED-TRANSPORT, REQUESTED- or ADDITIONAL-ADDRESS-FAMILY: one byte and three reserved.
  void u8(attribute_type type, std::uint8_t value) noexcept {
    u32(type, std::uint32_t{value} << 24);
  }
  /// Appends an address as it is (RFC 8489 section 14.1).
  void address(attribute_type type, const socket_address& value) noexcept {
    put_address(type, value, {});
  }
  /// Appends an address that NAT boxes do not recognise (RFC 8489 section 14.2).
  void xor_address(attribute_type type, const socket_address& value) noexcept {
    if (!ok_) return;
    transaction_id id{};
    std::copy_n(out_.begin() + 8, id.size(), id.begin());
    put_address(type, value, detail::xor_mask(id));
  }
  /// Appends an ERROR-CODE (RFC 8489 section 14.8).
  void error(error_code code, std::string_view phrase) noexcept {
    const auto to = append(attribute_type::error_code, 4 + phrase.size());
    if (!ok_) return;
    const unsigned number = static_cast<unsigned>(code);
    store(to, 0, number / 100 << 8 | number % 100, 4);
    std::copy_n(bytes_of(phrase).begin(), phrase.size(), to.begin() + 4);
  }
  /// Appends an UNKNOWN-ATTRIBUTES (RFC 8489 section 14.13).
  void unknown_attributes(std::span<const attribute_type> types) noexcept {
    const auto to = append(attribute_type::unknown_attributes, 2 * types.size());
    if (!ok_) return;
    std::size_t at = 0;
    for (const attribute_type type : types)
      store(to, at, static_cast<std::uint16_t>(type), 2), at += 2;
  }

  /// MESSAGE-INTEGRITY over everything so far.
  template <keyed_hmac<20> H>
  void integrity(H& hmac) noexcept {
    sign<20>(attribute_type::message_integrity, hmac, 20);
  }
  /// MESSAGE-INTEGRITY-SHA256, cut to `size` bytes where the usage allows that.
  /// Requires: `size` is a multiple of 4 from 16 to 32.
  template <keyed_hmac<32> H>
  void integrity_sha256(H& hmac, std::size_t size = 32) noexcept {
    sign<32>(attribute_type::message_integrity_sha256, hmac, size);
  }
  /// FINGERPRINT. Requires: nothing is appended behind it.
  void fingerprint() noexcept {
    if (const auto to = append(attribute_type::fingerprint, 4); ok_)
      store(to, 0, crc32(out_.first(size_ - 8)) ^ fingerprint_xor, 4);
  }
  /// Gives up on the message: for a caller that has nothing valid to append.
  void fail() noexcept { ok_ = false; }

 private:
  static void store(std::span<std::byte> to, std::size_t at, std::uint32_t value,
                    std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i)
      to[at + i] = static_cast<std::byte>(value >> (8 * (count - 1 - i)));
  }
  void set_length(std::size_t body) noexcept {
    store(out_, 2, static_cast<std::uint32_t>(body), 2);
  }
  std::span<std::byte> grow(std::size_t count) noexcept {
    if (!ok_ || count > out_.size() - size_ || size_ + count > header_size + 0xfffc) {
      ok_ = false;
      return {};
    }
    size_ += count;
    return out_.subspan(size_ - count, count);
  }
  std::span<std::byte> append(attribute_type type, std::size_t length) noexcept {
    const auto to = length > 0xffff ? grow(out_.size() + 1) : grow(4 + length + padding_of(length));
    if (!ok_) return {};
    store(to, 0, static_cast<std::uint16_t>(type), 2);
    store(to, 2, static_cast<std::uint32_t>(length), 2);
    std::fill_n(to.begin() + 4 + static_cast<std::ptrdiff_t>(length), padding_of(length),
                std::byte{0});
    set_length(size_ - header_size);
    return to.subspan(4, length);
  }
  void put_address(attribute_type type, const socket_address& value,
                   const std::array<std::byte, 16>& mask) noexcept {
    const bool v4 = value.ip.is_v4();
    const auto to = append(type, v4 ? 8 : 20);
    if (!ok_) return;
    to[0] = std::byte{0};
    to[1] = static_cast<std::byte>(v4 ? address_family::v4 : address_family::v6);
    store(to, 2, value.port, 2);
    const auto ip = std::span(value.ip.bytes()).subspan(v4 ? 12 : 0);
    std::copy(ip.begin(), ip.end(), to.begin() + 4);
    to[2] ^= mask[0];
    to[3] ^= mask[1];
    for (std::size_t i = 0; i < ip.size(); ++i) to[4 + i] ^= mask[i];
  }
  template <std::size_t Size, class H>
  void sign(attribute_type type, H& hmac, std::size_t size) noexcept {
    const std::size_t covered = size_;
    const auto to = append(type, size);
    std::array<std::byte, Size> code{};
    if (ok_ && hmac.sign({out_.first(covered)}, code)) std::copy_n(code.begin(), size, to.begin());
    else ok_ = false;
  }

  std::span<std::byte> out_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace lockgate::inline v0::stun

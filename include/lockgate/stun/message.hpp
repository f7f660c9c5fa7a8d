// Reads a STUN message (RFC 8489 section 5): a view over received bytes, checked once, never
// copied.
#pragma once

#include "lockgate/base/cursor.hpp"  // for cursor
#include "lockgate/base/result.hpp"  // for result
#include "lockgate/stun/types.hpp"   // for attribute_type, message_class, method, transaction_id

#include <algorithm>  // for copy
#include <cstddef>    // for byte, size_t, ptrdiff_t
#include <iterator>   // for default_sentinel_t
#include <optional>   // for optional
#include <span>       // for span

namespace lockgate::inline v0::stun {

/// One attribute of a message; `value` excludes the padding.
struct attribute {
  attribute_type type{};
  std::span<const std::byte> value;
  std::size_t offset = 0;  ///< of the attribute's header, from the start of the message
};

/// A range over the attributes of a checked message.
class attribute_range {
 public:
  /// Whether to show the attributes that RFC 8489 section 14.5 tells receivers to ignore.
  enum class scope : bool { visible, everything };

  class iterator {
   public:
    using value_type = attribute;
    using difference_type = std::ptrdiff_t;

    constexpr iterator(std::span<const std::byte> body, scope shown) noexcept
        : rest_(body), end_(header_size + body.size()), shown_(shown) {
      advance();
    }
    constexpr const attribute& operator*() const noexcept { return current_; }
    constexpr const attribute* operator->() const noexcept { return &current_; }
    constexpr iterator& operator++() noexcept { return advance(), *this; }
    constexpr void operator++(int) noexcept { advance(); }
    constexpr bool operator==(std::default_sentinel_t) const noexcept { return done_; }
    /// False once an attribute reached beyond the message.
    [[nodiscard]] constexpr bool ok() const noexcept { return rest_.ok(); }

   private:
    constexpr void advance() noexcept {
      do {
        done_ = rest_.remaining() == 0;
        if (done_) return;
        current_.offset = end_ - rest_.remaining();
        current_.type = static_cast<attribute_type>(rest_.u16());
        const std::size_t length = rest_.u16();
        current_.value = rest_.take(length);
        rest_.skip(padding_of(length));
        if (!rest_.ok()) {
          done_ = true;
          return;
        }
      } while (shown_ == scope::visible && is_hidden(current_.type));
    }
    /// After MESSAGE-INTEGRITY only MESSAGE-INTEGRITY-SHA256 and FINGERPRINT count, after
    /// MESSAGE-INTEGRITY-SHA256 only FINGERPRINT: the others are not covered by the code.
    constexpr bool is_hidden(attribute_type type) noexcept {
      if (type == attribute_type::fingerprint) return false;
      if (type == attribute_type::message_integrity_sha256) {
        const bool repeated = after_sha256_;
        after_sha256_ = true;
        return repeated;
      }
      if (after_sha1_ || after_sha256_) return true;
      after_sha1_ = type == attribute_type::message_integrity;
      return false;
    }

    cursor rest_;
    std::size_t end_;
    attribute current_;
    scope shown_;
    bool done_ = false;
    bool after_sha1_ = false;
    bool after_sha256_ = false;
  };

  constexpr attribute_range(std::span<const std::byte> body, scope shown) noexcept
      : body_(body), shown_(shown) {}
  [[nodiscard]] constexpr iterator begin() const noexcept { return {body_, shown_}; }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::span<const std::byte> body_;
  scope shown_;
};

/// A well-formed STUN message within received bytes.
///
/// Lifetime: views the bytes it was parsed from.
class message_view {
 public:
  /// The message that fills `datagram` from its first byte to its last.
  ///
  /// Errors: `errc::malformed` for a wrong cookie, a length that is no multiple of 4 or not that of
  ///         the datagram, an attribute that reaches beyond the message, or one behind FINGERPRINT.
  /// Cost:   one pass over the attributes, no allocation.
  [[nodiscard]] static constexpr result<message_view> parse(
      std::span<const std::byte> datagram) noexcept {
    cursor header(datagram);
    message_view view;
    view.type_ = header.u16();
    const std::size_t length = header.u16();
    const bool cookie = header.u32() == magic_cookie;
    const auto id = header.take(view.id_.size());
    if (!header.ok() || !cookie || view.type_ > 0x3fff || length % 4 != 0 ||
        length != header.remaining())
      return errc::malformed;
    std::copy(id.begin(), id.end(), view.id_.begin());
    view.bytes_ = datagram;

    auto at = view.everything().begin();
    bool last = false;
    for (; at != std::default_sentinel; ++at) {
      if (last) return errc::malformed;
      last = at->type == attribute_type::fingerprint;
    }
    if (!at.ok()) return errc::malformed;
    return view;
  }

  [[nodiscard]] constexpr message_class kind() const noexcept { return class_of(type_); }
  [[nodiscard]] constexpr stun::method method() const noexcept { return method_of(type_); }
  [[nodiscard]] constexpr const transaction_id& id() const noexcept { return id_; }
  [[nodiscard]] constexpr std::span<const std::byte> bytes() const noexcept { return bytes_; }

  /// The attributes that count.
  [[nodiscard]] constexpr attribute_range attributes() const noexcept {
    return {bytes_.subspan(header_size), attribute_range::scope::visible};
  }
  /// All attributes, with those behind the integrity code.
  [[nodiscard]] constexpr attribute_range everything() const noexcept {
    return {bytes_.subspan(header_size), attribute_range::scope::everything};
  }
  /// The first attribute of this type: the one that counts among duplicates.
  [[nodiscard]] constexpr std::optional<attribute> find(attribute_type type) const noexcept {
    for (const attribute& a : attributes())
      if (a.type == type) return a;
    return {};
  }

 private:
  constexpr message_view() noexcept = default;

  std::span<const std::byte> bytes_;
  transaction_id id_{};
  std::uint16_t type_ = 0;
};

/// Writes the comprehension-required attributes of `message` that this library does not know into
/// `out`, as far as they fit, and returns how many it wrote (RFC 8489 sections 6.3.1 to 6.3.4: a
/// request with one is answered 420, an indication dropped, a response fails its transaction).
[[nodiscard]] constexpr std::size_t unknown_required_attributes(
    const message_view& message, std::span<attribute_type> out) noexcept {
  std::size_t count = 0;
  for (const attribute& a : message.attributes())
    if (count < out.size() && is_comprehension_required(a.type) && !is_known_required(a.type))
      out[count++] = a.type;
  return count;
}
/// Whether there is an attribute that must be understood, and is not (RFC 8489 section 6.3).
[[nodiscard]] constexpr bool has_unknown_required_attribute(const message_view& message) noexcept {
  attribute_type first{};
  return unknown_required_attributes(message, std::span(&first, 1)) != 0;
}

}  // namespace lockgate::inline v0::stun

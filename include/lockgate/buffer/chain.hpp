// One outgoing message: a list of byte ranges, borrowed from whoever sends it.
#pragma once

#include <cstddef>  // for byte, size_t
#include <cstring>  // for memcpy
#include <span>     // for span

namespace lockgate::inline v0 {

/// Bytes to read, borrowed.
using bytes_view = std::span<const std::byte>;

/// A message as its parts in order (CPNATFWT_BUFFER, dd441737). It owns nothing.
///
/// Guarantees: G37 - the payload is the concatenation of the parts; empty parts are allowed.
/// Lifetime: borrows the bytes, and with more than one part the list of parts too.
class chain {
 public:
  constexpr chain() noexcept = default;
  constexpr chain(bytes_view only) noexcept : first_(only) {}
  /// Requires: `parts` is not empty.
  constexpr explicit chain(std::span<const bytes_view> parts) noexcept
      : first_(parts.front()), rest_(parts.subspan(1)) {}
  /// `head` and then everything of `rest_parts`: how a provider prepends a header without copying.
  constexpr chain(bytes_view head, std::span<const bytes_view> rest_parts) noexcept
      : first_(head), rest_(rest_parts) {}

  /// Bytes in all parts together.
  [[nodiscard]] constexpr std::size_t size() const noexcept {
    std::size_t total = first_.size();
    for (const bytes_view part : rest_) total += part.size();
    return total;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] constexpr std::size_t part_count() const noexcept { return 1 + rest_.size(); }
  /// One of the parts. Requires: `index < part_count()`.
  [[nodiscard]] constexpr bytes_view part(std::size_t index) const noexcept {
    return index == 0 ? first_ : rest_[index - 1];
  }

  /// Copies the whole message to `out`. Requires: room for `size()` bytes.
  void copy_to(std::byte* out) const noexcept {
    for (std::size_t i = 0; i < part_count(); ++i) {
      const bytes_view p = part(i);
      if (!p.empty()) std::memcpy(out, p.data(), p.size());
      out += p.size();
    }
  }

 private:
  bytes_view first_;
  std::span<const bytes_view> rest_;
};

}  // namespace lockgate::inline v0

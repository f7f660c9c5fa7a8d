// The friendly names and LUIDs of the interfaces that instances stand for (dd441736).
#pragma once

#include "lockgate/base/status.hpp"        // for status
#include "lockgate/coro/frame_memory.hpp"  // for recycling_allocator

#include <array>        // for array
#include <charconv>     // for to_chars
#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t, uint64_t
#include <functional>   // for less
#include <set>          // for set
#include <string>       // for basic_string, string
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace lockgate::inline v0::detail {

using interface_name = std::basic_string<char, std::char_traits<char>, recycling_allocator<char>>;

/// The leading part of a UTF-8 text that needs at most `limit` UTF-16 code units.
[[nodiscard]] inline std::string_view cut_utf16(std::string_view text, std::size_t limit) noexcept {
  std::size_t units = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    units += length == 4 ? 2 : 1;
    if (units > limit || at + length > text.size()) break;
    at += length;
  }
  return text.substr(0, at);
}

/// Who owns interfaces across sessions: a provider by name, or by type where it has none (U1).
struct interface_owner {
  std::string name;
  const void* type = nullptr;
  std::uint64_t luids_given = 0;
};

/// The names in use on one platform, and which LUIDs were given to whom.
class interface_names {
 public:
  /// Wide characters of a name without the terminator (CPNATFWT_MAX_INTERFACE_NAME_LENGTH, U10).
  static constexpr std::size_t longest_name = 255;

  /// A name made from the wish: the default one, cut, and made unique as need be (G13..G15).
  /// Errors: throws `std::bad_alloc`.
  [[nodiscard]] interface_name take_name(std::string_view wish) {
    if (wish.empty())
      return take_numbered("Microsoft Connectivity Platform Adapter #", "", next_adapter_);
    const interface_name name(cut_utf16(wish, longest_name));
    if (names_.insert(name).second) return name;
    std::uint64_t number = 2;
    return take_numbered(name, " ", number);
  }
  void give_back_name(const interface_name& name) noexcept { names_.erase(name); }

  /// The owner that a registration names, remembered for the platform's lifetime.
  /// Errors: throws `std::bad_alloc`.
  [[nodiscard]] std::uint32_t find_owner(std::string_view name, const void* type) {
    if (!name.empty()) type = nullptr;
    for (std::size_t i = 0; i < owners_.size(); ++i)
      if (owners_[i].name == name && owners_[i].type == type) return static_cast<std::uint32_t>(i);
    owners_.push_back({std::string(name), type, 0});
    return static_cast<std::uint32_t>(owners_.size() - 1);
  }
  [[nodiscard]] const interface_owner& owner(std::uint32_t index) const noexcept {
    return owners_[index];
  }

  /// The LUID to use: a new one for 0, otherwise one that this owner was given before (G16). A LUID
  /// says itself whose it is, so that nothing need be kept for every interface that ever was.
  [[nodiscard]] status take_luid(std::uint64_t wish, std::uint32_t owner_index,
                                 std::uint64_t& out) noexcept {
    interface_owner& of = owners_[owner_index];
    const std::uint64_t prefix = (std::uint64_t{owner_index} + 1) << serial_bits;
    if (wish == 0) {
      out = prefix | ++of.luids_given;
      return {};
    }
    const std::uint64_t serial = wish ^ prefix;
    if (serial == 0 || serial > of.luids_given) return errc::interface_not_owned;
    out = wish;
    return {};
  }

 private:
  static constexpr int serial_bits = 40;

  interface_name take_numbered(std::string_view stem, std::string_view gap, std::uint64_t& number) {
    for (;; ++number) {
      std::array<char, 20> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
      const std::string_view suffix(digits.data(), static_cast<std::size_t>(end - digits.data()));
      interface_name name(cut_utf16(stem, longest_name - gap.size() - suffix.size()));
      name.append(gap).append(suffix);
      if (names_.insert(name).second) return name;
    }
  }

  std::set<interface_name, std::less<>, recycling_allocator<interface_name>> names_;
  std::vector<interface_owner> owners_;
  std::uint64_t next_adapter_ = 1;
};

}  // namespace lockgate::inline v0::detail

// The friendly names and LUIDs of the interfaces that instances stand for (dd441736).
#pragma once

#include "lockgate/base/status.hpp"        // for status
#include "lockgate/coro/frame_memory.hpp"  // for recycling_allocator

#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t, uint64_t
#include <functional>   // for less
#include <set>          // for set
#include <string>       // for string, to_string
#include <string_view>  // for string_view
#include <utility>      // for move
#include <vector>       // for vector

namespace lockgate::inline v0::detail {

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

/// The name of an interface: the default one with its number, or one that somebody chose.
class interface_name {
 public:
  static constexpr std::string_view default_stem = "Microsoft Connectivity Platform Adapter #";

  interface_name() noexcept = default;
  explicit interface_name(std::uint64_t default_number) noexcept : number_(default_number) {}
  explicit interface_name(std::string chosen) noexcept : chosen_(std::move(chosen)) {}

  [[nodiscard]] bool is_chosen() const noexcept { return !chosen_.empty(); }
  [[nodiscard]] const std::string& chosen() const noexcept { return chosen_; }
  /// The name as people see it; a default name is only written when somebody asks.
  [[nodiscard]] std::string text() const {
    if (is_chosen() || number_ == 0) return chosen_;
    return std::string(default_stem) + std::to_string(number_);
  }

 private:
  std::uint64_t number_ = 0;
  std::string chosen_;
};

/// The names in use on one platform, and which LUIDs were given to whom.
class interface_names {
 public:
  /// Wide characters of a name without the terminator (CPNATFWT_MAX_INTERFACE_NAME_LENGTH, U10).
  static constexpr std::size_t longest_name = 255;

  /// A name made from the wish: the default one, cut, and made unique as need be (G13..G15). A name
  /// that begins like a default one always gets a suffix, so that the two kinds never clash.
  /// Errors: throws `std::bad_alloc`.
  [[nodiscard]] interface_name take_name(std::string_view wish) {
    std::string name(cut_utf16(wish, longest_name));
    if (name.empty()) return interface_name(next_default_++);
    for (std::uint64_t number = 2;
         name.starts_with(interface_name::default_stem) || !chosen_.insert(name).second; ++number) {
      const std::string suffix = ' ' + std::to_string(number);
      name = cut_utf16(wish, longest_name - suffix.size());
      name += suffix;
      if (chosen_.insert(name).second) break;
    }
    return interface_name(std::move(name));
  }
  void give_back_name(const interface_name& name) noexcept {
    if (name.is_chosen()) chosen_.erase(name.chosen());
  }

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

  std::set<std::string, std::less<>, recycling_allocator<std::string>> chosen_;
  std::vector<interface_owner> owners_;
  std::uint64_t next_default_ = 1;
};

}  // namespace lockgate::inline v0::detail

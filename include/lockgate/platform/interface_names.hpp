// The friendly names and LUIDs of the interfaces that instances stand for (dd441736).
#pragma once

#include "lockgate/base/status.hpp"       // for status
#include "lockgate/platform/options.hpp"  // for registration

#include <cstddef>        // for size_t
#include <cstdint>        // for uint64_t
#include <set>            // for set
#include <string>         // for string, to_string
#include <string_view>    // for string_view
#include <unordered_map>  // for unordered_map
#include <utility>        // for move

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

/// Names in use and LUIDs ever given out on one platform.
class interface_names {
 public:
  /// Wide characters of a name without the terminator (CPNATFWT_MAX_INTERFACE_NAME_LENGTH, U10).
  static constexpr std::size_t longest_name = 255;

  /// A name made from the wish: the default one, cut, and made unique as need be (G13..G15).
  [[nodiscard]] std::string take_name(std::string_view wish) {
    if (wish.empty())
      return take_numbered("Microsoft Connectivity Platform Adapter #", next_adapter_);
    const std::string name(cut_utf16(wish, longest_name));
    if (names_.insert(name).second) return name;
    std::uint64_t number = 2;
    return take_numbered(name + ' ', number);
  }
  void give_back_name(const std::string& name) noexcept { names_.erase(name); }

  /// The LUID to use: a new one for 0, otherwise one that `owner` was given before and that is not
  /// in use (G16).
  [[nodiscard]] status take_luid(std::uint64_t wish, const std::string& owner, std::uint64_t& out) {
    if (wish == 0) {
      out = next_luid_++;
      luids_.emplace(out, luid{owner, true});
      return {};
    }
    const auto known = luids_.find(wish);
    if (known == luids_.end() || known->second.owner != owner) return errc::interface_not_owned;
    if (known->second.in_use) return errc::interface_in_use;
    known->second.in_use = true;
    out = wish;
    return {};
  }
  void give_back_luid(std::uint64_t value) noexcept {
    if (const auto known = luids_.find(value); known != luids_.end()) known->second.in_use = false;
  }

 private:
  struct luid {
    std::string owner;
    bool in_use;
  };
  std::string take_numbered(const std::string& stem, std::uint64_t& number) {
    for (;; ++number) {
      const std::string suffix = std::to_string(number);
      const auto room = longest_name - suffix.size() - (stem.back() == ' ' ? 1 : 0);
      std::string name(cut_utf16(stem.substr(0, stem.size() - (stem.back() == ' ')), room));
      if (stem.back() == ' ') name += ' ';
      name += suffix;
      if (names_.insert(name).second) return name;
    }
  }

  std::set<std::string> names_;
  std::unordered_map<std::uint64_t, luid> luids_;
  std::uint64_t next_adapter_ = 1;
  std::uint64_t next_luid_ = 1;
};

}  // namespace lockgate::inline v0::detail

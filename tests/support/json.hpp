// Whether a text is one JSON value (RFC 8259), and nothing more.
#pragma once

#include <algorithm>    // for min
#include <cstddef>      // for size_t
#include <string_view>  // for string_view

namespace support {

class json_reader {
 public:
  explicit json_reader(std::string_view text) noexcept : rest_(text) {}
  [[nodiscard]] bool is_one_value() {
    const bool good = value();
    space();
    return good && rest_.empty();
  }

 private:
  bool value() {
    space();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '{': return list('}', [this] { return string() && take(':') && value(); });
      case '[': return list(']', [this] { return value(); });
      case '"': return string();
      default: return number();
    }
  }
  template <class Item>
  bool list(char last, Item item) {
    rest_.remove_prefix(1);
    if (take(last)) return true;
    while (item()) {
      if (take(last)) return true;
      if (!take(',')) return false;
    }
    return false;
  }
  bool string() {
    if (!take('"')) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      if (static_cast<unsigned char>(rest_.front()) < 0x20) return false;
      const std::size_t size = rest_.front() != '\\' ? 1 : rest_.substr(1, 1) == "u" ? 6 : 2;
      if (rest_.size() < size) return false;
      rest_.remove_prefix(size);
    }
    return take('"');
  }
  bool number() {
    if (!rest_.empty() && rest_.front() == '-') rest_.remove_prefix(1);
    return digits() && (rest_.empty() || rest_.front() != '.' || (take('.') && digits()));
  }
  bool digits() {
    const std::size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(count);
    return count > 0;
  }
  bool take(char c) {
    space();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
  std::string_view rest_;
};

}  // namespace support

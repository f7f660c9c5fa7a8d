// A value that counts how often it is made and destroyed.
#pragma once

namespace support {

/// Constructions and destructions of all `counted` objects so far.
struct counted_totals {
  int made = 0;
  int destroyed = 0;
  [[nodiscard]] int alive() const noexcept { return made - destroyed; }
};

class counted {
 public:
  explicit counted(counted_totals& totals) noexcept : totals_(&totals) { ++totals_->made; }
  counted(const counted& other) noexcept : totals_(other.totals_) { ++totals_->made; }
  counted& operator=(const counted&) = delete;
  ~counted() { ++totals_->destroyed; }

 private:
  counted_totals* totals_;
};

}  // namespace support

// A queue in one block of memory that grows by doubling and is reused for ever.
#pragma once

#include "lockgate/base/config.hpp"  // for LOCKGATE_ASSERT

#include <cstddef>  // for size_t
#include <new>      // for nothrow
#include <utility>  // for exchange, move

namespace lockgate::inline v0 {

/// First in, first out. Cost: no allocation once it has been as full as it gets.
template <class T>
class ring {
 public:
  ring() noexcept = default;
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() { delete[] items_; }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& front() noexcept { return items_[first_]; }
  /// The item that `index` items came before. Requires: `index < size()`.
  [[nodiscard]] T& operator[](std::size_t index) noexcept {
    return items_[(first_ + index) & (capacity_ - 1)];
  }
  [[nodiscard]] T& back() noexcept { return items_[(first_ + size_ - 1) & (capacity_ - 1)]; }

  /// False, and nothing has changed, when there is no memory to grow.
  [[nodiscard]] bool push_back(T&& item) noexcept {
    if (size_ == capacity_ && !grow()) return false;
    items_[(first_ + size_) & (capacity_ - 1)] = std::move(item);
    ++size_;
    return true;
  }
  T pop_front() noexcept {
    LOCKGATE_ASSERT(size_ > 0, "ring: pop_front of an empty ring");
    T item = std::move(items_[first_]);
    first_ = (first_ + 1) & (capacity_ - 1);
    --size_;
    return item;
  }

 private:
  bool grow() noexcept {
    const std::size_t larger = capacity_ == 0 ? 8 : capacity_ * 2;
    T* const items = new (std::nothrow) T[larger];
    if (!items) return false;
    for (std::size_t i = 0; i < size_; ++i)
      items[i] = std::move(items_[(first_ + i) & (capacity_ - 1)]);
    delete[] std::exchange(items_, items);
    capacity_ = larger;
    first_ = 0;
    return true;
  }

  T* items_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace lockgate::inline v0

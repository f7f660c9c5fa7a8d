// Slots that are never freed, named by pointer-sized handles with a generation: looking a stale
// handle up finds a slot whose generation has moved on, and never freed memory.
#pragma once

#include <array>    // for array
#include <atomic>   // for atomic
#include <climits>  // for CHAR_BIT
#include <cstddef>  // for size_t
#include <cstdint>  // for uintptr_t, uint32_t
#include <new>      // for nothrow

namespace lockgate::inline v0::capi::detail {

/// The upper half of a pointer-sized value is the generation, the lower half the slot's number.
class slot_handle {
 public:
  static constexpr unsigned half = sizeof(void*) * CHAR_BIT / 2;
  static constexpr std::uintptr_t mask = (std::uintptr_t{1} << half) - 1;

  explicit slot_handle(void* value) noexcept : bits_(reinterpret_cast<std::uintptr_t>(value)) {}
  slot_handle(std::size_t index, std::uint32_t generation) noexcept
      : bits_((generation & mask) << half | (index & mask)) {}

  [[nodiscard]] void* value() const noexcept {
    return reinterpret_cast<void*>(bits_);  // NOLINT(performance-no-int-to-ptr): never dereferenced
  }
  [[nodiscard]] std::size_t index() const noexcept { return bits_ & mask; }
  [[nodiscard]] std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> half);
  }
  static constexpr auto last_generation = static_cast<std::uint32_t>(mask);

  /// The generation after this one. Never 0: a null pointer is no handle.
  [[nodiscard]] static std::uint32_t next(std::uint32_t generation) noexcept {
    const auto following = static_cast<std::uint32_t>((generation + 1) & mask);
    return following == 0 ? 1 : following;
  }

 private:
  std::uintptr_t bits_;
};

/// A growing array of `Slot`s that are made with their number and stay where they are.
///
/// Lifetime: the table and its slots live as long as the program. Cost: finding one is two loads,
/// from any thread.
template <class Slot>
class slot_table {
 public:
  slot_table() noexcept = default;
  slot_table(const slot_table&) = delete;

  /// The slot of this number, or null.
  [[nodiscard]] Slot* find(std::size_t index) const noexcept {
    if (index >= capacity) return nullptr;
    const chunk* const in = chunks_[index / chunk_size].load(std::memory_order_acquire);
    return in ? (*in)[index % chunk_size].load(std::memory_order_acquire) : nullptr;
  }
  /// One more slot; null without memory or at the limit. Requires: one caller at a time.
  [[nodiscard]] Slot* add() noexcept {
    if (size_ == capacity) return nullptr;
    std::atomic<chunk*>& place = chunks_[size_ / chunk_size];
    chunk* in = place.load(std::memory_order_relaxed);
    if (!in) {
      in = new (std::nothrow) chunk();
      if (!in) return nullptr;
      place.store(in, std::memory_order_release);
    }
    auto* const made = new (std::nothrow) Slot(size_);
    if (!made) return nullptr;
    (*in)[size_++ % chunk_size].store(made, std::memory_order_release);
    return made;
  }

 private:
  static constexpr std::size_t chunk_size = 256, capacity = 65536;
  using chunk = std::array<std::atomic<Slot*>, chunk_size>;

  std::array<std::atomic<chunk*>, capacity / chunk_size> chunks_{};
  std::size_t size_ = 0;
};

}  // namespace lockgate::inline v0::capi::detail

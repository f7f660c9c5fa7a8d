// Memory for coroutine frames: recycled by size, so that a steady state allocates nothing.
#pragma once

#include "lockgate/base/config.hpp"     // for LOCKGATE_ASAN
#include "lockgate/base/exception.hpp"  // for out_of_memory

#include <array>    // for array
#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t
#include <new>      // for operator new, nothrow
#include <utility>  // for exchange

namespace lockgate::inline v0 {

/// What this thread's coroutine frames have cost so far.
struct frame_statistics {
  std::uint64_t allocated = 0;  ///< frames that came from operator new
  std::uint64_t recycled = 0;   ///< frames that came from the free lists
  std::uint64_t alive = 0;      ///< frames that exist now
};

namespace detail {

/// Free lists of one thread, one for each multiple of 64 bytes up to 4 KiB; larger frames and
/// builds with AddressSanitizer (which should see every use after free) go to operator new.
class frame_cache {
 public:
  static void* allocate(std::size_t size) noexcept {
    ++statistics.alive;
    const std::size_t list = list_of(size);
    if (recycles(list) && free_[list]) {
      ++statistics.recycled;
      node* taken = free_[list];
      free_[list] = taken->next;
      return taken;
    }
    static thread_local const closer at_thread_exit;
    static_cast<void>(at_thread_exit);
    void* memory = ::operator new(recycles(list) ? (list + 1) * step : size, std::nothrow);
    if (memory) ++statistics.allocated;
    else --statistics.alive;
    return memory;
  }
  static void release(void* memory, std::size_t size) noexcept {
    --statistics.alive;
    const std::size_t list = list_of(size);
    if (!recycles(list) || closed_) return ::operator delete(memory);
    free_[list] = new (memory) node{free_[list]};
  }
  /// Gives the recycled frames back to operator delete.
  static void release_spare() noexcept {
    for (node*& list : free_)
      while (list) ::operator delete(std::exchange(list, list->next));
  }
  static inline constinit thread_local frame_statistics statistics{};

 private:
  struct node {
    node* next;
  };
  /// Gives the lists back; frames that die even later go straight to operator delete.
  struct closer {
    closer() noexcept {}
    ~closer() {
      closed_ = true;
      release_spare();
    }
  };
  static constexpr std::size_t step = 64, lists = 64;
  static constexpr std::size_t list_of(std::size_t size) noexcept { return (size - 1) / step; }
  static constexpr bool recycles(std::size_t list) noexcept {
    return LOCKGATE_ASAN == 0 && list < lists;
  }
  static inline constinit thread_local std::array<node*, lists> free_{};
  static inline constinit thread_local bool closed_ = false;
};

}  // namespace detail

/// Gives standard containers memory from the free lists of frames: no allocation once warm.
/// Requires: the container stays on its thread.
template <class T>
struct recycling_allocator {
  using value_type = T;
  recycling_allocator() noexcept = default;
  template <class U>
  recycling_allocator(const recycling_allocator<U>&) noexcept {}
  T* allocate(std::size_t count) {
    void* memory = detail::frame_cache::allocate(count * sizeof(T));
    if (!memory) detail::out_of_memory("recycling_allocator: no memory");
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    detail::frame_cache::release(memory, count * sizeof(T));
  }
  template <class U>
  bool operator==(const recycling_allocator<U>&) const noexcept {
    return true;
  }
};

/// This thread's figures. Cost: reads three counters.
[[nodiscard]] inline frame_statistics frame_memory() noexcept {
  return detail::frame_cache::statistics;
}

/// Gives this thread's spare frames back to the system, after a peak or before counting.
inline void release_spare_frames() noexcept {
  detail::frame_cache::release_spare();
}

}  // namespace lockgate::inline v0

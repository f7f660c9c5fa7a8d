// Counting allocations, and making one of them fail.
#pragma once

#include <cstddef>  // for size_t
#include <cstdint>  // for int64_t, uint64_t
#include <cstdlib>  // for malloc, free

namespace lockgate::inline v0::testing {

/// What this thread's operator new has done and is to do. It counts only in a program with a
/// replaced operator new: include "lockgate/testing/replace_operator_new.hpp" in one source file,
/// or call `allocate` and `release` from a replacement of your own.
struct allocations {
  std::int64_t live = 0;       ///< blocks that exist now
  std::uint64_t attempts = 0;  ///< allocations asked for while `watching`
  std::uint64_t fail_at = 0;   ///< the attempt that fails, counted from 1; 0: none
  std::uint64_t failed = 0;    ///< allocations made to fail
  bool watching = false;       ///< attempts count, and may fail

  /// Memory, or null: for `operator new`.
  static void* allocate(std::size_t size) noexcept;
  /// Gives memory back: for `operator delete`.
  static void release(void* memory) noexcept;
};
/// This thread's counters.
inline constinit thread_local allocations this_thread_allocations{};

[[gnu::noinline]] inline void* allocations::allocate(std::size_t size) noexcept {
  allocations& here = this_thread_allocations;
  if (here.watching && ++here.attempts == here.fail_at) {
    ++here.failed;
    return nullptr;
  }
  void* memory = std::malloc(size > 0 ? size : 1);
  if (memory) ++here.live;
  return memory;
}
[[gnu::noinline]] inline void allocations::release(void* memory) noexcept {
  if (!memory) return;
  --this_thread_allocations.live;
  std::free(memory);
}

/// While one exists, allocations neither count as attempts nor fail: for a test's own bookkeeping.
class allocations_pause {
 public:
  allocations_pause() noexcept : was_(this_thread_allocations.watching) {
    this_thread_allocations.watching = false;
  }
  allocations_pause(const allocations_pause&) = delete;
  ~allocations_pause() { this_thread_allocations.watching = was_; }

 private:
  bool was_;
};

}  // namespace lockgate::inline v0::testing

// Counts the program's allocations. In a file of its own, so that nothing of it is inlined.
#include "allocations.hpp"

#include <atomic>   // for atomic
#include <cstdlib>  // for malloc, free
#include <new>      // for bad_alloc, nothrow_t

namespace {
constinit std::atomic<std::uint64_t> made = 0;
}

std::uint64_t carry::allocations() noexcept {
  return made;
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  made.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size > 0 ? size : 1);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

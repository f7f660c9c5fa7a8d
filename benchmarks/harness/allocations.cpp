// See allocations.hpp. The linker replaces each reference to `malloc` by `__wrap_malloc` (and so
// on, see CMakeLists.txt); operator new is replaced because the library's would not be seen by
// that.
#include "allocations.hpp"

#include <malloc.h>  // for malloc_usable_size

#include <cstddef>  // for size_t
#include <cstdlib>  // for malloc, aligned_alloc, free
#include <new>      // for operator new, align_val_t, bad_alloc

namespace {

constinit thread_local std::uint64_t count = 0;
constinit thread_local std::uint64_t live = 0;

void* present(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  live += ::malloc_usable_size(memory);
  return memory;
}

void give_back(void* memory) noexcept {
  live -= ::malloc_usable_size(memory);  // 0 for a null pointer
  std::free(memory);
}

}  // namespace

std::uint64_t bench::allocations() noexcept {
  return count;
}

std::uint64_t bench::live_bytes() noexcept {
  return live;
}

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t number, std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
int __real_posix_memalign(void** memory, std::size_t alignment, std::size_t size);

void* __wrap_malloc(std::size_t size) {
  ++count;
  return __real_malloc(size);
}

void* __wrap_calloc(std::size_t number, std::size_t size) {
  ++count;
  return __real_calloc(number, size);
}

void* __wrap_realloc(void* memory, std::size_t size) {
  ++count;
  return __real_realloc(memory, size);
}

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  ++count;
  return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  ++count;
  return __real_posix_memalign(memory, alignment, size);
}
}

// The array and nothrow forms of the standard library end up in these two.
void* operator new(std::size_t size) {
  return present(std::malloc(size));
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return present(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}

void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  give_back(memory);
}

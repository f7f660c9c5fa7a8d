// Replaces the program's operator new by one that counts and can fail. Include it in exactly one
// source file of a test program.
#pragma once

#include "lockgate/testing/allocations.hpp"  // for allocations

#include <cstddef>  // for size_t
#include <new>      // for bad_alloc, nothrow_t

// Over-aligned allocations keep the standard library's own functions.

void* operator new(std::size_t size) {
  if (void* memory = lockgate::testing::allocations::allocate(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return lockgate::testing::allocations::allocate(size);
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return lockgate::testing::allocations::allocate(size);
}
void operator delete(void* memory) noexcept {
  lockgate::testing::allocations::release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  lockgate::testing::allocations::release(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  lockgate::testing::allocations::release(memory);
}
void operator delete[](void* memory) noexcept {
  lockgate::testing::allocations::release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  lockgate::testing::allocations::release(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  lockgate::testing::allocations::release(memory);
}

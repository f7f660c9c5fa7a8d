// The global operator new of every test program. Memory comes from malloc, so that
// AddressSanitizer still sees every block; over-aligned blocks are left to the implementation.
#include "support/allocation.hpp"

#include "lockgate/testing/allocations.hpp"  // for allocations: what the testing kit counts

#include <atomic>  // for atomic
#include <new>     // for bad_alloc, nothrow_t

namespace {

constinit thread_local std::uint64_t made = 0;
constinit thread_local std::uint64_t until_failure = 0;  // 0: none is to fail
constinit std::atomic<std::int64_t> alive = 0;

void* allocate(std::size_t size) noexcept {
  ++made;
  if (until_failure > 0 && --until_failure == 0) return nullptr;
  void* memory = lockgate::testing::allocations::allocate(size);
  if (memory) alive.fetch_add(1, std::memory_order_relaxed);
  return memory;
}
void release(void* memory) noexcept {
  if (memory) alive.fetch_sub(1, std::memory_order_relaxed);
  lockgate::testing::allocations::release(memory);
}

}  // namespace

namespace support {

std::uint64_t allocations_made() noexcept {
  return made;
}
std::int64_t blocks_alive() noexcept {
  return alive.load(std::memory_order_relaxed);
}
failing_allocation::failing_allocation(std::uint64_t nth) noexcept {
  until_failure = nth;
}
failing_allocation::~failing_allocation() {
  until_failure = 0;
}
bool failing_allocation::happened() const noexcept {
  return until_failure == 0;
}

}  // namespace support

void* operator new(std::size_t size) {
  if (void* memory = allocate(size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete[](void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  release(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  release(memory);
}

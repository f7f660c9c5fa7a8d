// Memory for one kind of Asio handler, kept where its owner is: waiting again and again allocates
// nothing.
#pragma once

#include <array>    // for array
#include <cstddef>  // for byte, size_t, max_align_t
#include <new>      // for operator new

namespace lockgate::inline v0::detail {

/// Two blocks, so that a wait may be begun while the aborted one before it is still queued; what
/// does not fit comes from operator new.
class handler_memory {
 public:
  handler_memory() noexcept = default;
  handler_memory(const handler_memory&) = delete;

  [[nodiscard]] void* allocate(std::size_t size) {
    for (block& b : blocks_)
      if (!b.used && size <= b.bytes.size()) {
        b.used = true;
        return b.bytes.data();
      }
    return ::operator new(size);
  }
  void deallocate(void* memory) noexcept {
    for (block& b : blocks_)
      if (memory == b.bytes.data()) {
        b.used = false;
        return;
      }
    ::operator delete(memory);
  }

 private:
  struct block {
    alignas(std::max_align_t) std::array<std::byte, 256> bytes;
    bool used = false;
  };
  std::array<block, 2> blocks_;
};

/// The standard's face of a `handler_memory`. Lifetime: the memory's owner outlives the handler.
template <class T>
class handler_allocator {
 public:
  using value_type = T;
  explicit handler_allocator(handler_memory& memory) noexcept : memory_(&memory) {}
  template <class U>
  handler_allocator(const handler_allocator<U>& other) noexcept : memory_(other.memory_) {}

  [[nodiscard]] T* allocate(std::size_t count) const {
    return static_cast<T*>(memory_->allocate(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) const noexcept { memory_->deallocate(memory); }
  template <class U>
  friend bool operator==(const handler_allocator& a, const handler_allocator<U>& b) noexcept {
    return a.memory_ == b.memory_;
  }

 private:
  template <class U>
  friend class handler_allocator;
  handler_memory* memory_;
};

/// A handler `function(owner, args...)` that keeps `owner` alive and lives in its memory.
template <class Owner, class Function>
class owned_handler {
 public:
  using allocator_type = handler_allocator<void>;
  owned_handler(Owner owner, handler_memory& memory, Function function) noexcept
      : owner_(static_cast<Owner&&>(owner)), memory_(&memory), function_(function) {}
  [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(*memory_); }
  template <class... Args>
  void operator()(const Args&... args) {
    function_(*owner_, args...);
  }

 private:
  Owner owner_;
  handler_memory* memory_;
  Function function_;
};

}  // namespace lockgate::inline v0::detail

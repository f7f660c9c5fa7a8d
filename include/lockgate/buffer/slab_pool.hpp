// Memory to receive into: slabs of one size, recycled last in, first out.
#pragma once

#include "lockgate/base/config.hpp"   // for LOCKGATE_ASAN, LOCKGATE_CHECKED
#include "lockgate/base/status.hpp"   // for status
#include "lockgate/buffer/lease.hpp"  // for lease, lease_owner

#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint64_t, uintptr_t
#include <cstdio>   // for fprintf
#include <cstring>  // for memset, memcpy
#include <new>      // for operator new, nothrow
#include <span>     // for span
#include <utility>  // for exchange

#if LOCKGATE_ASAN
#include <sanitizer/asan_interface.h>  // for __asan_poison_memory_region
#endif

namespace lockgate::inline v0 {

/// What a pool has done. Cost: plain counters, read at any time.
struct slab_statistics {
  std::uint64_t allocated = 0;  ///< slabs that came from operator new
  std::uint64_t acquired = 0;   ///< slabs handed out
  std::uint64_t exhausted = 0;  ///< times none was to be had
  std::size_t outstanding = 0;  ///< slabs that leases point into now
};

/// A pool of slabs of one size, up to a stated number.
///
/// Guarantees: a slab is back in the pool once the last lease on it has ended. Checked builds fill
///             returned memory with 0xDD; with AddressSanitizer touching it is reported.
/// Lifetime: leases may outlive the pool; their memory is then freed one by one. The number of such
///           slabs is reported when the pool is destroyed.
/// Cost: 2 ns for a slab in a steady state, no allocation; a slab is allocated when first needed,
///       or ahead by `reserve`.
class slab_pool {
 public:
  /// Is told how many slabs were still out when a pool was destroyed; prints a line by default.
  using leak_function = void (*)(std::size_t outstanding) noexcept;
  static inline leak_function report_leak = [](std::size_t outstanding) noexcept {
    std::fprintf(stderr, "lockgate: a slab pool was destroyed while %zu slabs were leased\n",
                 outstanding);
  };

  slab_pool(std::size_t slab_size, std::size_t slab_limit) noexcept
      : core_(new(std::nothrow) core{slab_size, slab_limit}) {}
  slab_pool(const slab_pool&) = delete;
  ~slab_pool() {
    if (core_) core_->close();
  }

  /// Allocates slabs ahead until `count` exist, but no more than the limit, so that a later burst
  /// allocates none. Errors: no_memory.
  status reserve(std::size_t count) noexcept {
    return core_ && core_->reserve(count) ? status() : status(errc::no_memory);
  }

  /// A lease on a whole slab, for its `memory()` to be filled and the lease to be cut to size.
  class filling {
   public:
    [[nodiscard]] std::span<std::byte> memory() const noexcept { return memory_; }
    [[nodiscard]] bool has_memory() const noexcept { return whole_.has_memory(); }
    /// A lease on some of the bytes; any number may be made.
    [[nodiscard]] lease cut(std::size_t offset, std::size_t count) const noexcept {
      return whole_.share(offset, count);
    }
    /// True when no lease but this one is on the slab: it can be filled again.
    [[nodiscard]] bool is_unshared() const noexcept { return whole_.owner()->leases() == 1; }

   private:
    friend class slab_pool;
    lease whole_;
    std::span<std::byte> memory_;
  };
  /// An empty slab. Without memory when the pool is exhausted, which is counted.
  [[nodiscard]] filling acquire() noexcept {
    filling out;
    if (slab* taken = core_ ? core_->take() : nullptr) {
      out.memory_ = {taken->memory, core_->slab_size};
      out.whole_ = lease(*taken, out.memory_);
    }
    return out;
  }
  /// A lease on a copy of `bytes`, counted in `copies_made`. Without memory when exhausted.
  [[nodiscard]] lease copy(std::span<const std::byte> bytes) noexcept {
    if (!core_ || bytes.size() > core_->slab_size) return {};
    filling to = acquire();
    if (!to.has_memory()) return {};
    if (!bytes.empty()) std::memcpy(to.memory().data(), bytes.data(), bytes.size());
    ++copies_made.copies;
    copies_made.bytes += bytes.size();
    return to.cut(0, bytes.size());
  }

  [[nodiscard]] std::size_t slab_size() const noexcept { return core_ ? core_->slab_size : 0; }
  [[nodiscard]] std::size_t slab_limit() const noexcept { return core_ ? core_->slab_limit : 0; }
  /// Slabs that `acquire` would give, one after the other.
  [[nodiscard]] std::size_t available() const noexcept {
    return core_ ? core_->slab_limit - core_->statistics.outstanding : 0;
  }
  /// More than half of the slabs are out.
  [[nodiscard]] bool is_under_pressure() const noexcept {
    return core_ && core_->statistics.outstanding * 2 > core_->slab_limit;
  }
  [[nodiscard]] slab_statistics statistics() const noexcept {
    return core_ ? core_->statistics : slab_statistics{};
  }

 private:
  struct core;
  /// Its memory follows it, from the next cache line on: the system copies faster to and from
  /// there, so that an echo of trains takes a tenth less.
  struct slab final : lease_owner {
    static constexpr std::size_t line = 64;
    slab(core& pool_, std::size_t size) noexcept
        : lease_owner([](lease_owner& self) noexcept { give_back(static_cast<slab&>(self)); },
                      size),
          pool(&pool_) {
      memory += (line - reinterpret_cast<std::uintptr_t>(memory) % line) % line;
    }
    static void give_back(slab& self) noexcept { self.pool->take_back(self); }
    static std::size_t bytes_for(std::size_t size) noexcept { return sizeof(slab) + line + size; }
    core* pool;
    slab* next = nullptr;
    std::byte* memory = reinterpret_cast<std::byte*>(this + 1);
  };

  /// Lives until the pool is destroyed and the last slab is back.
  struct core {
    std::size_t slab_size;
    std::size_t slab_limit;
    slab_statistics statistics{};
    slab* free = nullptr;
    bool closed = false;

    slab* take() noexcept {
      if (!free) free = make();
      if (!free) {
        ++statistics.exhausted;
        return nullptr;
      }
      slab* taken = std::exchange(free, free->next);
      ++statistics.acquired;
      ++statistics.outstanding;
#if LOCKGATE_ASAN
      __asan_unpoison_memory_region(taken->memory, slab_size);
#endif
      return taken;
    }
    bool reserve(std::size_t count) noexcept {
      while (statistics.allocated < count && statistics.allocated < slab_limit) {
        slab* made = make();
        if (!made) return false;
        ++statistics.outstanding;
        take_back(*made);
      }
      return true;
    }
    slab* make() noexcept {
      if (statistics.allocated == slab_limit) return nullptr;
      void* memory = ::operator new(slab::bytes_for(slab_size), std::nothrow);
      if (!memory) return nullptr;
      ++statistics.allocated;
      return new (memory) slab(*this, slab_size);
    }
    void take_back(slab& returned) noexcept {
#if LOCKGATE_CHECKED
      std::memset(returned.memory, 0xDD, slab_size < 4096 ? slab_size : 4096);
#endif
#if LOCKGATE_ASAN
      __asan_poison_memory_region(returned.memory, slab_size);
#endif
      --statistics.outstanding;
      returned.next = std::exchange(free, &returned);
      if (closed) free_all();
    }
    void close() noexcept {
      closed = true;
      if (statistics.outstanding > 0) report_leak(statistics.outstanding);
      free_all();
    }
    void free_all() noexcept {
      while (slab* unused = free) {
        free = unused->next;
#if LOCKGATE_ASAN
        __asan_unpoison_memory_region(unused->memory, slab_size);
#endif
        unused->~slab();
        ::operator delete(unused);
      }
      if (statistics.outstanding == 0) delete this;
    }
  };

  core* core_;
};

}  // namespace lockgate::inline v0

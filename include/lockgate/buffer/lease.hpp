// Received bytes and the right to read them: the memory goes home when the last lease on it ends.
#pragma once

#include "lockgate/base/config.hpp"  // for LOCKGATE_ASSERT

#include <cstddef>  // for byte, size_t
#include <cstdint>  // for uint32_t, uint64_t
#include <new>      // for nothrow
#include <span>     // for span
#include <utility>  // for exchange

namespace lockgate::inline v0 {

/// What this thread has copied of received bytes; zero in a steady state.
struct copy_statistics {
  std::uint64_t copies = 0;  ///< messages or leases copied
  std::uint64_t bytes = 0;   ///< bytes copied
};
/// This thread's counters, to be read and reset at any time.
inline constinit thread_local copy_statistics copies_made{};

/// Memory that leases point into, and its way home.
///
/// Derive it to bring memory of your own: `release` is called when the last lease has ended.
/// Lifetime: belongs to one thread; the count is not atomic.
class lease_owner {
 public:
  /// What is called when the last lease has ended.
  using release_function = void (*)(lease_owner&) noexcept;
  lease_owner(release_function release, std::size_t pinned_bytes) noexcept
      : release_(release), pinned_(pinned_bytes) {}
  lease_owner(const lease_owner&) = delete;

  /// Bytes that stay occupied as long as one lease lives.
  [[nodiscard]] std::size_t pinned() const noexcept { return pinned_; }
  [[nodiscard]] std::uint32_t leases() const noexcept { return leases_; }
  /// Tells owners of one kind from others.
  [[nodiscard]] bool is_released_by(release_function release) const noexcept {
    return release_ == release;
  }

 private:
  friend class lease;
  release_function release_;
  std::size_t pinned_;
  std::uint32_t leases_ = 0;
};

/// The owner of a byte range of received memory: move-only, 24 bytes, no allocation.
class lease {
 public:
  lease() noexcept = default;
  lease(lease_owner& owner, std::span<std::byte> bytes) noexcept : owner_(&owner), bytes_(bytes) {
    ++owner.leases_;
  }
  lease(lease&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
  [[gnu::always_inline]] lease& operator=(lease&& other) noexcept {
    lease_owner* const owner = std::exchange(other.owner_, nullptr);
    const std::span<std::byte> bytes = std::exchange(other.bytes_, {});
    lease_owner* const before = std::exchange(owner_, owner);
    bytes_ = bytes;
    end(before);
    return *this;
  }
  [[gnu::always_inline]] ~lease() { end(owner_); }

  /// Wraps memory of somebody else; `release(context)` is called when the last lease has ended.
  /// Errors: empty when there is no memory for the owner; then `release` is not called.
  [[nodiscard]] static lease wrap(std::span<std::byte> bytes, void (*release)(void*) noexcept,
                                  void* context) noexcept {
    struct wrapped final : lease_owner {
      wrapped(std::size_t size, void (*r)(void*) noexcept, void* c) noexcept
          : lease_owner(
                [](lease_owner& self) noexcept {
                  auto* mine = static_cast<wrapped*>(&self);
                  mine->release_memory(mine->context);
                  delete mine;
                },
                size),
            release_memory(r), context(c) {}
      void (*release_memory)(void*) noexcept;
      void* context;
    };
    auto* owner = new (std::nothrow) wrapped(bytes.size(), release, context);
    return owner ? lease(*owner, bytes) : lease();
  }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool has_memory() const noexcept { return owner_ != nullptr; }
  [[nodiscard]] const lease_owner* owner() const noexcept { return owner_; }
  /// Bytes that this lease keeps occupied, perhaps together with others.
  [[nodiscard]] std::size_t pinned() const noexcept { return owner_ ? owner_->pinned() : 0; }

  /// Another lease on a part of the same bytes. Requires: the part lies within `bytes()`.
  [[nodiscard]] lease share(std::size_t offset, std::size_t count) const noexcept {
    LOCKGATE_REQUIRE(offset <= size() && count <= size() - offset, "lease: share beyond the range");
    return owner_ ? lease(*owner_, bytes_.subspan(offset, count)) : lease();
  }
  /// Gives up the first `count` bytes, as when a header has been read. Requires: `count <= size()`.
  void drop_front(std::size_t count) noexcept {
    LOCKGATE_REQUIRE(count <= size(), "lease: drop_front beyond the range");
    bytes_ = bytes_.subspan(count);
  }
  /// Gives up all but the first `count` bytes. Requires: `count <= size()`.
  void truncate(std::size_t count) noexcept {
    LOCKGATE_REQUIRE(count <= size(), "lease: truncate beyond the range");
    bytes_ = bytes_.first(count);
  }
  [[gnu::always_inline]] void reset() noexcept {
    bytes_ = {};
    end(std::exchange(owner_, nullptr));
  }

 private:
  [[gnu::always_inline]] static void end(lease_owner* owner) noexcept {
    if (owner && --owner->leases_ == 0) owner->release_(*owner);
  }

  lease_owner* owner_ = nullptr;
  std::span<std::byte> bytes_;
};

}  // namespace lockgate::inline v0

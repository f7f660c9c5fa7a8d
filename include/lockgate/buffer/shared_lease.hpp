// A lease that may travel to other threads; its memory still goes home on its own thread.
#pragma once

#include "lockgate/buffer/lease.hpp"  // for lease

#include <cstddef>  // for byte
#include <new>      // for nothrow
#include <span>     // for span
#include <utility>  // for exchange, move, swap

namespace lockgate::inline v0 {

/// The way home for memory that left its thread: `carry(context, run, item)` must see to it that
/// `run(item)` is called on the home thread; callable on any thread.
struct way_home {
  void (*carry)(void* context, void (*run)(void*) noexcept, void* item) noexcept = nullptr;
  void* context = nullptr;
};

/// A lease that any one thread at a time may hold and end.
///
/// Lifetime: the home thread's scheduler outlives it.
class shared_lease {
 public:
  shared_lease() noexcept = default;
  /// Takes `local` over. Without memory for the parcel the result is empty and `local` unchanged.
  shared_lease(lease&& local, way_home home) noexcept {
    parcel_ = new (std::nothrow) parcel{{}, home};
    if (parcel_) parcel_->contents = std::move(local);
  }
  shared_lease(shared_lease&& other) noexcept : parcel_(std::exchange(other.parcel_, nullptr)) {}
  shared_lease& operator=(shared_lease&& other) noexcept {
    shared_lease taken(std::move(other));
    std::swap(parcel_, taken.parcel_);
    return *this;
  }
  ~shared_lease() {
    if (parcel_) parcel_->home.carry(parcel_->home.context, open, parcel_);
  }
  [[nodiscard]] bool has_memory() const noexcept { return parcel_ != nullptr; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return parcel_ ? parcel_->contents.bytes() : std::span<const std::byte>();
  }

 private:
  struct parcel {
    lease contents;
    way_home home;
  };
  static void open(void* item) noexcept { delete static_cast<parcel*>(item); }

  parcel* parcel_ = nullptr;
};

}  // namespace lockgate::inline v0

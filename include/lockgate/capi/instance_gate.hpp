// What every thread may know about an instance, in one atomic word: its generation, how far its
// handle has come, whether it is active, and how many indications are inside.
#pragma once

#include <atomic>   // for atomic
#include <cstdint>  // for uint32_t, uint64_t

namespace lockgate::inline v0::capi::detail {

/// How far an instance's handle has come. What its session does, the session knows.
enum class handle_phase : std::uint8_t { unused, created, registering, registered, deregistered };

/// The gate that indications of other threads pass, and whose passing can be awaited.
///
/// Guarantees: nothing passes once the gate has closed for good, so that when the last one inside
///             has left, the instance is done with (G6, G23).
class instance_gate {
 public:
  class view {
   public:
    explicit constexpr view(std::uint64_t bits) noexcept : bits_(bits) {}
    [[nodiscard]] std::uint32_t generation() const noexcept {
      return static_cast<std::uint32_t>(bits_ >> 32);
    }
    [[nodiscard]] handle_phase phase() const noexcept {
      return static_cast<handle_phase>(bits_ & phase_mask);
    }
    [[nodiscard]] bool is_active() const noexcept { return (bits_ & active) != 0; }
    [[nodiscard]] bool has_ended() const noexcept { return (bits_ & ended) != 0; }
    [[nodiscard]] bool is_empty() const noexcept { return (bits_ & inside_mask) == 0; }

   private:
    friend class instance_gate;
    std::uint64_t bits_;
  };

  [[nodiscard]] view look() const noexcept { return view(word_.load(std::memory_order_acquire)); }

  /// Moves the handle on. False when it is another one, or not in `from`.
  bool move(std::uint32_t generation, handle_phase from, handle_phase to) noexcept {
    return change([=](view now, std::uint64_t& next) {
      if (now.generation() != generation || now.phase() != from) return false;
      next = (now.bits_ & ~phase_mask) | static_cast<std::uint64_t>(to);
      return true;
    });
  }
  /// Begins a handle: created, closed, empty. Requires: nobody knows it yet.
  void begin(std::uint32_t generation) noexcept {
    word_.store(std::uint64_t{generation} << 32 | static_cast<std::uint64_t>(handle_phase::created),
                std::memory_order_release);
  }

  /// Closes the gate. What it returns opens it, until the next time it is closed: a completion
  /// that comes after its activation has failed opens nothing.
  std::uint64_t close() noexcept {
    std::uint64_t made = 0;
    change([&made](view now, std::uint64_t& next) {
      made = (now.bits_ + one_ticket) & ticket_mask;
      next = (now.bits_ & ~(active | ticket_mask)) | made;
      return true;
    });
    return made;
  }
  void open(std::uint64_t ticket) noexcept {
    change([ticket](view now, std::uint64_t& next) {
      next = now.bits_ | active;
      return (now.bits_ & ticket_mask) == ticket && !now.has_ended();
    });
  }
  /// Closes the gate for good.
  void end() noexcept {
    change([](view now, std::uint64_t& next) {
      next = (now.bits_ & ~active) | ended;
      return true;
    });
  }

  /// Passes the gate. False when the handle is another one, or the gate is closed.
  bool enter(std::uint32_t generation) noexcept {
    return change([=](view now, std::uint64_t& next) {
      next = now.bits_ + one_inside;
      return now.generation() == generation && now.is_active() &&
             (now.bits_ & inside_mask) != inside_mask;
    });
  }
  /// True when nobody is inside any more.
  bool leave() noexcept {
    return view(word_.fetch_sub(one_inside, std::memory_order_acq_rel) - one_inside).is_empty();
  }

 private:
  static constexpr std::uint64_t phase_mask = 0x07, active = 0x08, ended = 0x10;
  static constexpr std::uint64_t one_ticket = 0x20, ticket_mask = 0xfe0;
  static constexpr std::uint64_t one_inside = 0x1000, inside_mask = 0xfffff000;

  template <class Step>
  bool change(Step step) noexcept {
    std::uint64_t now = word_.load(std::memory_order_acquire);
    for (;;) {
      std::uint64_t next = 0;
      if (!step(view(now), next)) return false;
      if (word_.compare_exchange_weak(now, next, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
        return true;
    }
  }

  std::atomic<std::uint64_t> word_{0};
};

}  // namespace lockgate::inline v0::capi::detail

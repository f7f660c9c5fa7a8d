// Timers: intrusive nodes in a pairing heap, so that arming and disarming never allocate.
#pragma once

#include "lockgate/base/clock.hpp"       // for time_point
#include "lockgate/coro/ready_item.hpp"  // for ready_item

#include <cstdint>  // for uint64_t
#include <utility>  // for exchange, swap

namespace lockgate::inline v0 {

/// A ready item that a scheduler queues once its time has come.
///
/// Guarantees: timers due together fire in the order in which they were armed.
/// Lifetime: destroying an armed timer disarms it.
/// Cost: no allocation; arming O(1), disarming O(log n) amortised.
class timer : public ready_item {
 public:
  explicit timer(function on_expiry) noexcept : ready_item(on_expiry) {}
  ~timer() { disarm(); }

  [[nodiscard]] bool is_armed() const noexcept { return heap_ != nullptr; }
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  /// Takes the timer out of the heap, and its expiry out of the ready queue.
  inline void disarm() noexcept;

 private:
  friend class timer_queue;
  time_point deadline_ = never;
  std::uint64_t sequence_ = 0;
  class timer_queue* heap_ = nullptr;
  timer* child_ = nullptr;
  timer* next_ = nullptr;
  timer* previous_ = nullptr;  // the elder sibling, or the parent of a first child
};

/// All armed timers of a scheduler, the earliest first.
class timer_queue {
 public:
  timer_queue() noexcept = default;
  timer_queue(const timer_queue&) = delete;
  timer_queue& operator=(const timer_queue&) = delete;
  ~timer_queue() {
    while (root_) remove(*root_);
  }

  /// Puts `t` in at `deadline`; an armed timer is moved.
  void arm(timer& t, time_point deadline) noexcept {
    t.disarm();
    t.deadline_ = deadline;
    t.sequence_ = next_sequence_++;
    t.heap_ = this;
    root_ = meld(root_, &t);
  }
  /// Takes `t` out. Requires: it is armed here.
  void remove(timer& t) noexcept {
    if (&t != root_) {
      (t.previous_->child_ == &t ? t.previous_->child_ : t.previous_->next_) = t.next_;
      if (t.next_) t.next_->previous_ = t.previous_;
      root_ = meld(root_, merge_pairs(t.child_));
    } else {
      root_ = merge_pairs(t.child_);
    }
    t.heap_ = nullptr;
    t.child_ = t.next_ = t.previous_ = nullptr;
  }
  [[nodiscard]] timer* earliest() const noexcept { return root_; }

 private:
  static bool before(const timer& a, const timer& b) noexcept {
    return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.sequence_ < b.sequence_;
  }
  static timer* meld(timer* a, timer* b) noexcept {
    if (!a || !b) return a ? a : b;
    if (before(*b, *a)) std::swap(a, b);
    b->next_ = a->child_;
    if (b->next_) b->next_->previous_ = b;
    b->previous_ = a;
    a->child_ = b;
    a->next_ = a->previous_ = nullptr;
    return a;
  }
  /// Melds siblings two by two, then the pairs from the last to the first.
  static timer* merge_pairs(timer* first) noexcept {
    timer* pairs = nullptr;
    while (first) {
      timer* a = first;
      timer* b = std::exchange(a->next_, nullptr);
      first = b ? std::exchange(b->next_, nullptr) : nullptr;
      a = meld(a, b);
      a->next_ = pairs;
      pairs = a;
    }
    timer* root = nullptr;
    while (pairs) {
      timer* rest = std::exchange(pairs->next_, nullptr);
      root = meld(root, pairs);
      pairs = rest;
    }
    if (root) root->previous_ = nullptr;
    return root;
  }

  timer* root_ = nullptr;
  std::uint64_t next_sequence_ = 0;
};

inline void timer::disarm() noexcept {
  unlink();
  if (heap_) heap_->remove(*this);
}

}  // namespace lockgate::inline v0

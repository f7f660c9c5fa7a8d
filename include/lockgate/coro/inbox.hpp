// The one door for other threads: a lock-free stack of work, emptied by the scheduler in order.
#pragma once

#include <atomic>   // for atomic
#include <utility>  // for move

namespace lockgate::inline v0 {

/// Work handed over from another thread; `run` is called once on the scheduler's thread, or
/// `discard` when the scheduler is destroyed first. Either may delete the item.
class posted_item {
 public:
  /// What is called: to run the item on the scheduler's thread, or to discard it.
  using function = void (*)(posted_item&) noexcept;
  posted_item(function run, function discard) noexcept : run_(run), discard_(discard) {}
  posted_item(const posted_item&) = delete;
  posted_item& operator=(const posted_item&) = delete;

 private:
  friend class inbox;
  function run_;
  function discard_;
  posted_item* next_ = nullptr;
};

/// A queue with many producers and one consumer.
///
/// Guarantees: items of one producer keep their order.
/// Cost: one atomic exchange loop per item, none when nothing was posted.
class inbox {
 public:
  inbox() noexcept = default;
  inbox(const inbox&) = delete;
  inbox& operator=(const inbox&) = delete;
  ~inbox() {
    for_each_in_order([](posted_item& item) { item.discard_(item); });
  }

  /// Callable on any thread. True when the inbox was empty: the consumer may need waking.
  bool push(posted_item& item) noexcept {
    posted_item* head = head_.load(std::memory_order_relaxed);
    do item.next_ = head;
    while (!head_.compare_exchange_weak(head, &item, std::memory_order_release,
                                        std::memory_order_relaxed));
    return head == nullptr;
  }
  [[nodiscard]] bool empty() const noexcept {
    return head_.load(std::memory_order_relaxed) == nullptr;
  }
  /// Runs what was posted, in order. Requires: called on the scheduler's thread.
  void run_all() noexcept {
    for_each_in_order([](posted_item& item) { item.run_(item); });
  }

 private:
  template <class F>
  void for_each_in_order(F visit) noexcept {
    posted_item* newest = head_.exchange(nullptr, std::memory_order_acquire);
    posted_item* oldest = nullptr;
    while (newest) {
      posted_item* next = newest->next_;
      newest->next_ = oldest;
      oldest = newest;
      newest = next;
    }
    while (oldest) {
      posted_item& item = *oldest;
      oldest = oldest->next_;
      visit(item);
    }
  }

  std::atomic<posted_item*> head_ = nullptr;
};

}  // namespace lockgate::inline v0

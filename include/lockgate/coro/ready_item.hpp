// What the scheduler's ready queue holds: an intrusive item with one function.
#pragma once

#include "lockgate/base/intrusive_list.hpp"  // for list_link

namespace lockgate::inline v0 {

/// Something to run on a later step of the scheduler. Inherit it, or use `resumption`.
///
/// Lifetime: destroying a scheduled item takes it off the queue.
/// Cost: no allocation; an item is in the queue at most once.
class ready_item : public list_link<ready_item> {
 public:
  /// What is called in the item's turn.
  using function = void (*)(ready_item&) noexcept;
  explicit ready_item(function run) noexcept : run_(run) {}
  [[nodiscard]] bool is_scheduled() const noexcept { return is_linked(); }

 private:
  friend class scheduler;
  function run_;
};

}  // namespace lockgate::inline v0

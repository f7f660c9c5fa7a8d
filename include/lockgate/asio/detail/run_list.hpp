// The tasks that Asio code has started on a network, and that end with it.
#pragma once

#include "lockgate/base/intrusive_list.hpp"  // for intrusive_list, list_link

namespace lockgate::inline v0::detail {

/// A started task. `destroy` frees it, uncompleted.
class run_item : public list_link<run_item> {
 public:
  using function = void (*)(run_item&) noexcept;
  explicit run_item(function destroy) noexcept : destroy_(destroy) {}

 private:
  friend class run_list;
  function destroy_;
};

/// Owns its items.
class run_list {
 public:
  run_list() noexcept = default;
  run_list(const run_list&) = delete;
  ~run_list() {
    while (!items_.empty()) {
      run_item& item = items_.pop_front();
      item.destroy_(item);
    }
  }
  void push_back(run_item& item) noexcept { items_.push_back(item); }

 private:
  intrusive_list<run_item> items_;
};

}  // namespace lockgate::inline v0::detail

// Asking a coroutine to stop: in place, on one thread, without allocation.
#pragma once

#include "lockgate/base/intrusive_list.hpp"  // for intrusive_list

namespace lockgate::inline v0 {

/// Something to do when a stop is requested. Inherit it, then add it to a `stop_state`.
///
/// Lifetime: destroying it, or `unlink()`, takes it back; it is never called afterwards.
class stop_callback : public list_link<stop_callback> {
 public:
  /// What is called when the stop is requested.
  using function = void (*)(stop_callback&) noexcept;
  explicit stop_callback(function on_stop) noexcept : on_stop_(on_stop) {}

 private:
  friend class stop_state;
  function on_stop_;
};

/// Whether some work has been asked to stop, and who wants to know.
///
/// Cost: no allocation, no atomic; a callback costs two pointer writes to add or to take back.
class stop_state {
 public:
  [[nodiscard]] bool stop_requested() const noexcept { return requested_; }
  /// Calls every callback once. Asking again does nothing.
  void request_stop() noexcept {
    requested_ = true;
    while (!callbacks_.empty()) {
      stop_callback& callback = callbacks_.pop_front();
      callback.on_stop_(callback);
    }
  }
  /// Requires: no stop was requested yet.
  void add(stop_callback& callback) noexcept {
    LOCKGATE_ASSERT(!requested_, "stop_state: ask stop_requested() before adding a callback");
    callbacks_.push_back(callback);
  }
  /// Makes a state that has been used fit for the next piece of work.
  void reset() noexcept { requested_ = false; }

 private:
  bool requested_ = false;
  intrusive_list<stop_callback> callbacks_;
};

/// A stop state of its own that also stops when an outer one does.
class linked_stop_state : public stop_state, private stop_callback {
 public:
  explicit linked_stop_state(stop_state& outer) noexcept
      : stop_callback([](stop_callback& self) noexcept {
          static_cast<linked_stop_state&>(self).request_stop();
        }) {
    if (outer.stop_requested()) request_stop();
    else outer.add(*this);
  }
};

}  // namespace lockgate::inline v0

// Several observers where the platform takes one.
#pragma once

#include "lockgate/platform/event.hpp"  // for event, observer

#include <tuple>  // for tuple, apply

namespace lockgate::inline v0 {

/// Tells every event to each of its observers, in the order given.
///
/// Lifetime: the observers outlive it.
template <observer... Observers>
class fan_out {
 public:
  explicit fan_out(Observers&... observers) noexcept : observers_(&observers...) {}

  void on(const event& e) noexcept {
    std::apply([&](Observers*... each) { (each->on(e), ...); }, observers_);
  }

 private:
  std::tuple<Observers*...> observers_;
};

}  // namespace lockgate::inline v0

// Several observers where the platform takes one.
#pragma once

#include "lockgate/platform/event.hpp"             // for event
#include "lockgate/platform/observed_message.hpp"  // for observed_message
#include "lockgate/platform/observer.hpp"          // for observer, observes_events

#include <tuple>        // for tuple, apply
#include <type_traits>  // for conditional_t

namespace lockgate::inline v0 {

namespace detail {

/// Tells events to those that take events, and shows messages to those that take messages.
template <class... Observers>
class event_fan_out {
 public:
  explicit event_fan_out(Observers&... observers) noexcept : observers_(&observers...) {}

  void on(const event& e) noexcept {
    const auto tell = [&e]<class O>(O* each) {
      if constexpr (observes_events<O>) each->on(e);
    };
    std::apply([&](Observers*... each) { (tell(each), ...); }, observers_);
  }

 protected:
  std::tuple<Observers*...> observers_;
};

template <class... Observers>
class message_fan_out : public event_fan_out<Observers...> {
 public:
  using event_fan_out<Observers...>::event_fan_out;

  void on_message(const observed_message& m) noexcept {
    const auto show = [&m]<class O>(O* each) {
      if constexpr (observes_messages<O>) each->on_message(m);
    };
    std::apply([&](Observers*... each) { (show(each), ...); }, this->observers_);
  }
};

template <class... Observers>
using fan_out_base = std::conditional_t<(observes_messages<Observers> || ...),
                                        message_fan_out<Observers...>, event_fan_out<Observers...>>;

}  // namespace detail

/// Tells everything to each of its observers, in the order given. It takes messages only if one of
/// them does.
///
/// Lifetime: the observers outlive it.
template <observer... Observers>
class fan_out : public detail::fan_out_base<Observers...> {
 public:
  explicit fan_out(Observers&... observers) noexcept
      : detail::fan_out_base<Observers...>(observers...) {}
};

}  // namespace lockgate::inline v0

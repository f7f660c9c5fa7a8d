// Events made by hand, for observers that are tested without a platform.
#pragma once

#include "lockgate/platform/event.hpp"  // for event

#include <chrono>   // for milliseconds
#include <cstdint>  // for uint32_t

namespace support {

/// Tells an observer events, at times in milliseconds.
template <class Observer>
class teller {
 public:
  explicit teller(Observer& to, std::uint32_t instance = 1) : to_(to), instance_(instance) {}

  template <class Fill>
  void operator()(int at, lockgate::event_kind kind, Fill fill) {
    lockgate::event e;
    e.at = lockgate::time_point(std::chrono::milliseconds(at));
    e.kind = kind;
    e.instance = instance_;
    fill(e);
    to_.on(e);
  }
  void operator()(int at, lockgate::event_kind kind) {
    (*this)(at, kind, [](lockgate::event&) {});
  }
  void state(int at, lockgate::session_state from, lockgate::session_state to) {
    (*this)(at, lockgate::event_kind::state_changed, [&](lockgate::event& e) {
      e.from = from;
      e.to = to;
    });
  }
  void began(int at, lockgate::row which, lockgate::transport_id peer = {}) {
    (*this)(at, lockgate::event_kind::row_began, [&](lockgate::event& e) {
      e.which = which;
      e.id = peer;
    });
  }
  void ended(int at, lockgate::row which, lockgate::status result = {},
             lockgate::transport_id peer = {}) {
    (*this)(at, lockgate::event_kind::row_ended, [&](lockgate::event& e) {
      e.which = which;
      e.id = peer;
      e.result = result;
    });
  }
  void message(int at, lockgate::event_kind kind, std::uint32_t bytes) {
    (*this)(at, kind, [&](lockgate::event& e) { e.amount = bytes; });
  }
  void drop(int at, lockgate::drop_cause cause) {
    (*this)(at, lockgate::event_kind::message_dropped,
            [&](lockgate::event& e) { e.cause = cause; });
  }

 private:
  Observer& to_;
  std::uint32_t instance_;
};

}  // namespace support

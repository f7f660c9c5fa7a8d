// The events of a platform in memory: what happened, in order, for tests and for diagrams.
#pragma once

#include "lockgate/base/clock.hpp"              // for time_point
#include "lockgate/platform/event.hpp"          // for event
#include "lockgate/platform/observer.hpp"       // for observer
#include "lockgate/platform/session_state.hpp"  // for row, session_state, drop_cause

#include <cstddef>           // for size_t
#include <cstdint>           // for uint64_t, uint32_t
#include <initializer_list>  // for initializer_list
#include <vector>            // for vector

namespace lockgate::inline v0 {

/// True for the events that every single message causes, when nothing goes wrong with it.
[[nodiscard]] constexpr bool is_traffic(const event& e) noexcept {
  switch (e.kind) {
    case event_kind::row_began:
    case event_kind::row_ended: return e.which == row::send_buffers;
    case event_kind::message_sent:
    case event_kind::message_received:
    case event_kind::message_dropped: return true;
    default: return false;
  }
}

/// What an event of a timeline should look like: its kind, and whatever else is asked for.
class step {
 public:
  constexpr step(event_kind kind) noexcept : kind_(kind) {}
  /// The event in which `which` begins or ends.
  [[nodiscard]] static constexpr step began(row which) noexcept {
    return step(event_kind::row_began).with(which);
  }
  /// The event in which `which` ends.
  [[nodiscard]] static constexpr step ended(row which) noexcept {
    return step(event_kind::row_ended).with(which);
  }
  /// The event in which an instance comes to `state`.
  [[nodiscard]] static constexpr step entered(session_state state) noexcept {
    step s(event_kind::state_changed);
    s.state_ = state;
    s.has_state_ = true;
    return s;
  }
  /// The same step of one instance.
  [[nodiscard]] constexpr step of(std::uint32_t instance) const noexcept {
    step s = *this;
    s.instance_ = instance;
    return s;
  }

  /// Whether an event looks like this.
  [[nodiscard]] constexpr bool matches(const event& e) const noexcept {
    return e.kind == kind_ && (which_ == row::none || e.which == which_) &&
           (!has_state_ || e.to == state_) && (instance_ == 0 || e.instance == instance_);
  }

 private:
  [[nodiscard]] constexpr step with(row which) const noexcept {
    step s = *this;
    s.which_ = which;
    return s;
  }
  event_kind kind_;
  row which_ = row::none;
  bool has_state_ = false;
  session_state state_ = session_state::created;
  std::uint32_t instance_ = 0;
};

/// An observer that remembers the latest events.
///
/// Guarantees: bounded; what was overwritten is counted. With `traffic::counted`, like events of
///             messages that follow each other with nothing else between become one entry, so that
///             a long run leaves room for what matters.
/// Cost: no allocation after construction.
class timeline {
 public:
  /// Whether each message has an entry of its own.
  enum class traffic { listed, counted };
  /// One event, or several alike.
  struct entry {
    event first;
    std::uint64_t count = 1;
    std::uint64_t amount = 0;  ///< of all of them together
  };

  /// Errors: throws `std::bad_alloc`.
  explicit timeline(std::size_t capacity = 4096, traffic messages = traffic::listed)
      : entries_(capacity > 0 ? capacity : 1), traffic_(messages) {}

  void on(const event& e) noexcept {
    if (traffic_ == traffic::counted && is_traffic(e)) {
      if (entry* const like = find_like(e)) {
        ++like->count;
        like->amount += e.amount;
        return;
      }
    }
    if (size_ == entries_.size()) {
      overwritten_ += at(0).count;
      first_ = (first_ + 1) % entries_.size();
      --size_;
    }
    at(size_++) = entry{e, 1, e.amount};
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// The entries from the oldest that is left. Requires: `index < size()`.
  [[nodiscard]] const entry& operator[](std::size_t index) const noexcept {
    return entries_[(first_ + index) % entries_.size()];
  }
  /// Events that are no longer here, because later ones took their place.
  [[nodiscard]] std::uint64_t overwritten() const noexcept { return overwritten_; }
  void clear() noexcept { first_ = size_ = 0, overwritten_ = 0; }

  [[nodiscard]] std::uint64_t count(const step& wanted) const noexcept {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < size_; ++i)
      if (wanted.matches((*this)[i].first)) found += (*this)[i].count;
    return found;
  }
  /// True if such an event is among those that are left.
  [[nodiscard]] bool has(const step& wanted) const noexcept { return count(wanted) > 0; }
  /// True if these steps happened one after the other, whatever happened in between.
  [[nodiscard]] bool has_order(std::initializer_list<step> steps) const noexcept {
    auto next = steps.begin();
    for (std::size_t i = 0; i < size_ && next != steps.end(); ++i)
      if (next->matches((*this)[i].first)) ++next;
    return next == steps.end();
  }

 private:
  entry& at(std::size_t index) noexcept { return entries_[(first_ + index) % entries_.size()]; }
  /// An entry of the present run of messages that `e` may be added to.
  entry* find_like(const event& e) noexcept {
    for (std::size_t i = size_; i > 0 && is_traffic(at(i - 1).first); --i) {
      const event& other = at(i - 1).first;
      if (other.kind == e.kind && other.instance == e.instance && other.id == e.id &&
          other.result == e.result && other.cause == e.cause)
        return &at(i - 1);
    }
    return nullptr;
  }

  std::vector<entry> entries_;
  traffic traffic_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::uint64_t overwritten_ = 0;
};

static_assert(observer<timeline>);

}  // namespace lockgate::inline v0

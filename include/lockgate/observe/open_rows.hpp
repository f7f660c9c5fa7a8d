// The rows of one instance that are under way, put together from the events about them.
#pragma once

#include "lockgate/base/clock.hpp"              // for time_point
#include "lockgate/base/transport_id.hpp"       // for transport_id
#include "lockgate/platform/event.hpp"          // for event
#include "lockgate/platform/session_state.hpp"  // for row

#include <cstddef>   // for size_t
#include <optional>  // for optional
#include <vector>    // for vector

namespace lockgate::inline v0 {

/// A row that has begun and not ended.
struct open_row {
  row which = row::none;
  transport_id peer;  ///< whom it is about, where the row has an id
  time_point since;
  std::size_t lane = 0;  ///< the lowest number that no other open row had when it began
};

/// Pairs the begin of each row with its end.
///
/// Cost: no allocation unless more rows are open at once than ever before.
class open_rows {
 public:
  /// Notes a `row_began`. Errors: throws `std::bad_alloc`; then the row is not noted.
  const open_row& began(const event& e) {
    std::size_t lane = 0;
    while (is_taken(lane)) ++lane;
    return rows_.emplace_back(open_row{e.which, e.id, e.at, lane});
  }
  /// The row that a `row_ended` ends; it is open no more. Nothing where its begin was not seen.
  std::optional<open_row> ended(const event& e) noexcept {
    for (std::size_t i = rows_.size(); i-- > 0;) {
      if (rows_[i].which != e.which || rows_[i].peer != e.id) continue;
      const open_row found = rows_[i];
      rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(i));
      return found;
    }
    return {};
  }
  /// The row of this kind that has been open longest; null without one.
  [[nodiscard]] const open_row* find(row which) const noexcept {
    for (const open_row& r : rows_)
      if (r.which == which) return &r;
    return nullptr;
  }
  [[nodiscard]] const std::vector<open_row>& all() const noexcept { return rows_; }

 private:
  [[nodiscard]] bool is_taken(std::size_t lane) const noexcept {
    for (const open_row& r : rows_)
      if (r.lane == lane) return true;
    return false;
  }
  std::vector<open_row> rows_;  // in the order in which they began
};

}  // namespace lockgate::inline v0

// When an activation that failed may be tried again (U21).
#pragma once

#include "lockgate/base/clock.hpp"        // for duration, time_point, saturating_add
#include "lockgate/platform/options.hpp"  // for platform_options

#include <algorithm>  // for min

namespace lockgate::inline v0::detail {

/// The pause after failed activations: it doubles from one to the next, up to a longest.
class activation_backoff {
 public:
  void failed(time_point now, const platform_options& options) noexcept {
    pause_ = pause_ == duration::zero() ? options.first_backoff
                                        : std::min(pause_ + pause_, options.longest_backoff);
    retry_at_ = saturating_add(now, pause_);
  }
  void succeeded() noexcept { pause_ = duration::zero(); }
  [[nodiscard]] time_point retry_at() const noexcept { return retry_at_; }

 private:
  duration pause_{};
  time_point retry_at_{};
};

}  // namespace lockgate::inline v0::detail

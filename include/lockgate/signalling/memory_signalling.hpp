// Signalling between platforms of one process and thread.
#pragma once

#include "lockgate/net/signalling.hpp"  // for signalling

#include <algorithm>  // for find
#include <utility>    // for move
#include <vector>     // for vector

namespace lockgate::inline v0 {

/// Delivers every blob at once to whichever attached platform has the id.
class memory_signalling final : public signalling {
 public:
  task<status> send(signal_message message) override {
    for (signal_sink* sink : sinks_) {
      if (!sink->has_id(message.to)) continue;
      sink->signal_arrived(std::move(message));
      co_return status();
    }
    co_return errc::unreachable;
  }
  void attach(signal_sink& sink) override { sinks_.push_back(&sink); }
  void detach(signal_sink& sink) noexcept override {
    if (const auto at = std::find(sinks_.begin(), sinks_.end(), &sink); at != sinks_.end())
      sinks_.erase(at);
  }
  void id_in_use(signal_sink&, const transport_id&, bool) override {}

 private:
  std::vector<signal_sink*> sinks_;
};

}  // namespace lockgate::inline v0

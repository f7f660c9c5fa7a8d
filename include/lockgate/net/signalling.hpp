// Signalling: blobs between providers that cannot reach each other yet, carried by the host
// program.
#pragma once

#include "lockgate/base/status.hpp"        // for status
#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/coro/task.hpp"          // for task

#include <cstddef>  // for byte
#include <string>   // for string
#include <vector>   // for vector

namespace lockgate::inline v0 {

/// A blob on its way from one transport id to another, for the provider named `channel` there.
struct signal_message {
  signal_message() = default;
  transport_id to;
  transport_id from;
  std::string channel;
  std::vector<std::byte> blob;
};

/// Where signals arrive: the platform.
class signal_sink {
 public:
  /// Takes a message for an id that is in use here. Called on the platform's thread.
  virtual void signal_arrived(signal_message message) noexcept = 0;
  /// True if `id` belongs to an endpoint here, or is one that an endpoint has asked for and that an
  /// instance seeks for it.
  [[nodiscard]] virtual bool has_id(const transport_id& id) const noexcept = 0;

 protected:
  ~signal_sink() = default;
};

/// Carries blobs to other platforms; every provider of a platform shares it.
///
/// It need not be reliable: a lost blob is the sender's to repeat.
class signalling {
 public:
  /// Completes: with success when the blob is on its way, `errc::unreachable` when nobody has the
  /// id.
  virtual task<status> send(signal_message message) = 0;
  /// From now on messages for ids in use at `sink` go there. The platform calls it.
  virtual void attach(signal_sink& sink) = 0;
  /// No message goes to `sink` any more.
  virtual void detach(signal_sink& sink) noexcept = 0;
  /// Is told for which ids `sink` has a use (`signal_sink::has_id`), as they come and go. One that
  /// an endpoint has asked for comes when an instance begins to activate, before it is accepted: a
  /// peer that was quicker need not wait for that with what it has to say.
  ///
  /// Errors: throws `std::bad_alloc` for one that comes.
  virtual void id_in_use(signal_sink& sink, const transport_id& id, bool in_use) = 0;

 protected:
  ~signalling() = default;
};

}  // namespace lockgate::inline v0

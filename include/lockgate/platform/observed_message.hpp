// A message as an observer sees it while it passes: its two ends, and its bytes where they lie.
#pragma once

#include "lockgate/base/clock.hpp"         // for time_point
#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/buffer/chain.hpp"       // for chain, bytes_view
#include "lockgate/provider/message.hpp"   // for outgoing, incoming

#include <cstddef>  // for size_t
#include <cstdint>  // for uint32_t, uint64_t

namespace lockgate::inline v0 {

/// One message between the platform and a provider instance.
///
/// Lifetime: borrows the message; good within the call that it is given to.
class observed_message {
 public:
  /// Which way it went.
  enum class direction : std::uint8_t {
    sent,      ///< accepted by the instance's send_buffers
    received,  ///< indicated to an endpoint, whose queue may yet refuse it
  };

  /// `has_bytes`: false where the sender, and its memory with it, was gone before the row answered.
  observed_message(const outgoing& message, bool has_bytes) noexcept
      : way(direction::sent), local(message.local), remote(message.remote),
        endpoint(message.endpoint), size(message.payload.size()),
        sent_(has_bytes ? &message.payload : nullptr) {}
  observed_message(const incoming& message, std::uint64_t to_endpoint) noexcept
      : way(direction::received), local(message.local), remote(message.remote),
        endpoint(to_endpoint), size(message.size()), received_(&message) {}

  time_point at;
  std::uint32_t instance = 0;
  direction way;
  transport_id local;
  transport_id remote;
  std::uint64_t endpoint;
  std::size_t size;  ///< bytes of payload

  /// False when the payload no longer exists; `size` is right all the same.
  [[nodiscard]] bool has_bytes() const noexcept { return sent_ || received_; }
  /// Calls `see(bytes)` for the parts of the payload in their order.
  template <class F>
  void for_each_part(F see) const noexcept {
    if (sent_)
      for (std::size_t i = 0; i < sent_->part_count(); ++i) see(sent_->part(i));
    if (received_)
      for (std::size_t i = 0; i < received_->part_count(); ++i)
        see(bytes_view(received_->part(i).bytes()));
  }

 private:
  const chain* sent_ = nullptr;
  const incoming* received_ = nullptr;
};

}  // namespace lockgate::inline v0

// The least that is a provider. Whatever takes a provider must take this one, so that no hidden
// requirement can creep in.
#pragma once

#include "lockgate/provider/rows.hpp"  // for the row concepts

#include <span>  // for span

namespace support {

/// Exactly the required rows, all answered at once; neither copied nor moved nor default-made.
class archetype {
 public:
  explicit archetype(int) noexcept {}
  archetype(const archetype&) = delete;
  archetype& operator=(const archetype&) = delete;

  void establish_session(lockgate::instance) noexcept {}
  void terminate_session(lockgate::termination_reason) noexcept {}
  lockgate::status transition_active() noexcept { return {}; }
  lockgate::status reach_transport_id(lockgate::transport_id) noexcept { return {}; }
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing> messages) noexcept {
    return messages.size();
  }
};
static_assert(lockgate::provider<archetype>);
static_assert(!lockgate::dormant_provider<archetype> && !lockgate::id_aware_provider<archetype>);

}  // namespace support

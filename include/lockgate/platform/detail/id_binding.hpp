// One endpoint's transport id on one instance, while the instance is active.
#pragma once

#include "lockgate/base/intrusive_list.hpp"   // for list_link
#include "lockgate/base/intrusive_table.hpp"  // for table_link
#include "lockgate/base/transport_id.hpp"     // for transport_id
#include "lockgate/coro/frame_memory.hpp"     // for frame_cache
#include "lockgate/coro/wait_list.hpp"        // for wait_list

#include <cstddef>  // for size_t

namespace lockgate::inline v0::detail {

class endpoint_state;

/// Whether an instance serves an endpoint's id: wanted, added, refused, or to be removed.
struct id_binding : list_link<id_binding>, table_link<id_binding> {
  enum class stage { wanted, changing, added, refused, leaving };

  explicit id_binding(endpoint_state& of) noexcept : endpoint(&of) {}
  ~id_binding() { decided.complete_all(endpoint ? errc::terminated : errc::closed); }
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    frame_cache::release(memory, size);
  }

  [[nodiscard]] const endpoint_state* key() const noexcept { return endpoint; }

  endpoint_state* endpoint;  ///< null once the endpoint is closing
  transport_id id;           ///< what was added
  stage at = stage::wanted;
  wait_list decided;  ///< completed when the id is added or refused
};

}  // namespace lockgate::inline v0::detail

// A transport id that is taken on one platform.
#pragma once

#include "lockgate/base/intrusive_list.hpp"   // for list_link
#include "lockgate/base/intrusive_table.hpp"  // for table_link
#include "lockgate/base/transport_id.hpp"     // for transport_id
#include "lockgate/coro/frame_memory.hpp"     // for frame_cache

#include <cstddef>  // for size_t

namespace lockgate::inline v0::detail {

class endpoint_state;
class local_ids;

/// An id that an endpoint has or proposes, or that an instance has reserved.
struct id_claim : table_link<id_claim>, list_link<id_claim> {
  explicit id_claim(endpoint_state& by) noexcept : endpoint(&by) {}
  explicit id_claim(const local_ids& of) noexcept : reserved_by(&of) {}
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    frame_cache::release(memory, size);
  }
  [[nodiscard]] const transport_id& key() const noexcept { return id; }

  transport_id id;
  endpoint_state* endpoint = nullptr;
  const local_ids* reserved_by = nullptr;
};

}  // namespace lockgate::inline v0::detail

// An application's endpoint as the platform sees it: its id, what it has received, its paths.
#pragma once

#include "lockgate/base/intrusive_list.hpp"            // for intrusive_list, list_link
#include "lockgate/base/intrusive_table.hpp"           // for intrusive_table
#include "lockgate/base/transport_id.hpp"              // for transport_id
#include "lockgate/coro/wait_list.hpp"                 // for waiter, wait_list
#include "lockgate/platform/detail/core.hpp"           // for core
#include "lockgate/platform/detail/receive_queue.hpp"  // for receive_queue
#include "lockgate/platform/options.hpp"               // for endpoint_options
#include "lockgate/platform/statistics.hpp"            // for endpoint_statistics

#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t
#include <memory>   // for unique_ptr
#include <utility>  // for pair

namespace lockgate::inline v0 {
class endpoint;
}

namespace lockgate::inline v0::detail {

class path;
class session;

class endpoint_state final : public list_link<endpoint_state> {
 public:
  /// Somebody waits on the endpoint, in a frame of their own: that is demand (U26), and keeps a
  /// closed endpoint until they have gone on.
  class user {
   public:
    user() noexcept = default;
    user(const user&) = delete;
    ~user() { leave(); }
    void enter(endpoint_state& endpoint) noexcept;
    void leave() noexcept;

   private:
    endpoint_state* endpoint_ = nullptr;
  };

  endpoint_state(core& platform, const endpoint_options& wish) noexcept;
  ~endpoint_state();
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* p, std::size_t size) noexcept { frame_cache::release(p, size); }

  [[nodiscard]] core& platform() const noexcept { return *platform_; }
  [[nodiscard]] std::uint64_t luid() const noexcept { return luid_; }
  [[nodiscard]] const transport_id& id() const noexcept { return accepted_.id; }
  [[nodiscard]] bool is_ready() const noexcept { return ready_; }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

  // Finding an id (U22, U27): one instance at a time proposes, until one has accepted.
  [[nodiscard]] const transport_id& proposed_id() const noexcept { return proposed_.id; }
  [[nodiscard]] bool may_negotiate(const session& s) const noexcept {
    return negotiator_ == nullptr || negotiator_ == &s;
  }
  void begin_negotiation(session& s) noexcept { negotiator_ = &s; }
  void end_negotiation() noexcept {
    negotiator_ = nullptr;
    platform_->wake_sessions();
  }
  /// Tells the signalling of the proposed id while an instance seeks it, and only then, so that
  /// what peers have to say is here when the id is accepted, instead of a round trip later.
  void update_proposal() noexcept;
  /// The id is fixed. Errors: duplicate_transport_id, no_memory.
  status accept_id(const transport_id& id) noexcept;
  /// An instance will not serve this endpoint. Those who wait for the id are told when no other one
  /// may still accept it.
  void deny_id(status why) noexcept;
  /// Waits for the id; instances that have refused it are asked again.
  void wait_for_id(waiter& waiting) noexcept;

  // Receiving.
  [[nodiscard]] receive_queue& received() noexcept { return received_; }
  /// Counts messages that `received` has taken.
  void count_received(std::size_t messages, std::uint64_t bytes) noexcept {
    statistics_.messages_received += messages;
    statistics_.bytes_received += bytes;
  }
  void drop(drop_cause cause, std::uint64_t count = 1) noexcept {
    statistics_.drops.add(cause, count);
  }

  // Sending.
  /// The path to `remote`, made when there is none. Null without memory.
  [[nodiscard]] path* find_path(const transport_id& remote) noexcept;
  void delete_path(path& p) noexcept;

  [[nodiscard]] endpoint_statistics statistics() const noexcept;
  void close() noexcept;
  /// Deletes a closed endpoint once no path of it is busy and nobody waits on it.
  void delete_if_done() noexcept;
  /// The platform is going: paths have nothing left to do, and users must not look for it.
  void forget_platform() noexcept;

  lockgate::endpoint* handle = nullptr;

 private:
  core* platform_;
  std::size_t users_ = 0;
  std::uint64_t luid_;
  endpoint_options wish_;
  id_claim accepted_{*this};
  id_claim proposed_{*this};
  bool ready_ = false;
  bool closed_ = false;
  bool is_proposed_ = false;  // proposed_ is among the platform's proposals
  session* negotiator_ = nullptr;
  wait_list ready_waiters_;
  receive_queue received_;
  intrusive_table<path> paths_;  // owned
  path* last_path_ = nullptr;
  endpoint_statistics statistics_;
};

}  // namespace lockgate::inline v0::detail

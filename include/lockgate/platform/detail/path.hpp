// The way from one local endpoint to one peer: its route, its queue, its fast lane.
#pragma once

#include "lockgate/base/intrusive_list.hpp"             // for intrusive_list, list_link
#include "lockgate/base/result.hpp"                     // for result
#include "lockgate/base/transport_id.hpp"               // for transport_id
#include "lockgate/buffer/lease.hpp"                    // for lease
#include "lockgate/coro/task.hpp"                       // for task
#include "lockgate/coro/timer.hpp"                      // for timer
#include "lockgate/coro/wait_list.hpp"                  // for waiter
#include "lockgate/platform/detail/endpoint_state.hpp"  // for endpoint_state
#include "lockgate/platform/detail/send_row.hpp"        // for send_row
#include "lockgate/platform/detail/session.hpp"         // for session
#include "lockgate/provider/message.hpp"                // for outgoing, incoming

#include <cstddef>   // for size_t
#include <cstdint>   // for uint32_t
#include <optional>  // for optional
#include <span>      // for span
#include <utility>   // for move

namespace lockgate::inline v0::detail {

/// A message that waits for its path: in its sender's frame, or taken over by the platform.
class send_request : public waiter {
 public:
  explicit send_request(const outgoing& m, bool owned = false) noexcept
      : message(m), is_owned(owned) {}
  ~send_request() {
    if (handed_over) *handed_over = nullptr;
  }
  outgoing message;
  bool is_owned;
  send_request** handed_over = nullptr;  ///< its place in the batch that a row is given
};

/// A message that the platform has taken over, with the memory it lies in.
class owned_request final : public send_request {
 public:
  owned_request(const outgoing& m, lease&& l) noexcept
      : send_request(m, true), memory(std::move(l)) {}
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* p, std::size_t size) noexcept { frame_cache::release(p, size); }
  lease memory;
};

/// One path. It exists from the first message until it has been closed and idle.
class path final : public list_link<path>, public table_link<path>, ready_item {
 public:
  path(endpoint_state& endpoint, const transport_id& remote) noexcept
      : ready_item([](ready_item& self) noexcept { static_cast<path&>(self).step(); }),
        endpoint_(endpoint), remote_(remote) {}
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* p, std::size_t size) noexcept { frame_cache::release(p, size); }

  [[nodiscard]] const transport_id& remote() const noexcept { return remote_; }
  [[nodiscard]] const transport_id& key() const noexcept { return remote_; }
  /// The instance it is reached through; null while none is known.
  [[nodiscard]] session* route() const noexcept { return route_; }
  /// Reached, nothing queued, no row outstanding: a message may go to the provider at once.
  [[nodiscard]] bool lane_is_open() noexcept {
    if (in_outbox_ > 0 && route_) route_->out().flush();  // those were sent earlier
    return lane_open_ && in_outbox_ == 0;
  }
  /// Writes the sender into a message.
  void sign(outgoing& message) const noexcept {
    message.local = endpoint_.id();
    message.endpoint = endpoint_.luid();
  }
  /// Writes the message that carries `payload` where it is used; `message_for` returns it.
  void write_message(outgoing& out, const chain& payload) const noexcept {
    sign(out);
    out.remote = remote_;
    out.payload = payload;
  }
  [[nodiscard]] outgoing message_for(const chain& payload) const noexcept {
    outgoing message;
    write_message(message, payload);
    return message;
  }

  // A sender alone on the open lane.
  /// Offers its message to the provider. Nothing if the answer comes later: `when_done` is
  /// scheduled then. Requires: `lane_is_open()`.
  [[nodiscard]] std::optional<accepted> start_row(const outgoing& message,
                                                  ready_item& when_done) noexcept;
  /// What became of a message whose answer came later.
  status settle_later() noexcept;
  /// The sender is gone while the answer is still to come.
  void sender_gone(const outgoing& message) noexcept;

  /// Queues a message whose sender waits in `request`.
  void enqueue(send_request& request) noexcept {
    queue_.push_back(request);
    update_lane();
    start_serving();
  }
  /// Takes a message over: into the outbox, or the queue. Consumes `memory` on success.
  status forward(lease& memory) noexcept;
  /// The same for a received message of one part.
  status forward(incoming& message) noexcept;
  /// The same for several received messages; the first that is refused and those behind it stay.
  accepted forward(std::span<incoming> messages) noexcept;

  // Called by the instance it is routed through.
  void route_lost() noexcept;
  void row_outstanding(bool begins) noexcept;
  void entered_outbox() noexcept { ++in_outbox_; }
  /// Takes a message or a train back from the outbox, to send it before what was sent later.
  /// `memory` is what it lies in.
  void take_back(const outgoing& message, const lease& memory) noexcept;
  void left_outbox(unsigned count) noexcept;

  void close() noexcept;
  void reap_if_idle() noexcept;

  /// Messages in one call of send_buffers; kept in the frame of `serve`.
  static constexpr std::size_t batch_size = 16;

 private:
  /// One instance that is asked, and what it said.
  class inquiry : public list_link<inquiry> {
   public:
    explicit inquiry(session& s) noexcept : who(s), id(s.id()) {}
    static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
    static void operator delete(void* p, std::size_t size) noexcept {
      frame_cache::release(p, size);
    }
    session::pin who;
    std::uint32_t id;
    status said;
  };
  /// Those that are asked at the same time.
  class inquiries : public intrusive_list<inquiry> {
   public:
    ~inquiries() { clear(); }
    /// False without memory.
    [[nodiscard]] bool add(session& s) noexcept {
      auto* const added = new inquiry(s);
      if (added) push_back(*added);
      return added != nullptr;
    }
    void clear() noexcept {
      while (!empty()) delete &pop_front();
    }
  };
  task<> serve();
  task<status> find_route();
  task<> ask(inquiry* inquired);
  task<status> reach_through(session* candidate);
  task<status> send_queued();
  void step() noexcept;
  void refuse_all(status why) noexcept;
  [[nodiscard]] result<bool> may_use_outbox() noexcept;
  [[nodiscard]] bool is_idle() const noexcept;
  [[nodiscard]] scheduler& home() const noexcept { return endpoint_.platform().home; }
  void start_serving() noexcept;
  void open(session& through) noexcept;
  void update_lane() noexcept;
  void finish(send_request* request, status outcome) noexcept;

  endpoint_state& endpoint_;
  transport_id remote_;
  session* route_ = nullptr;
  bool lane_open_ = false;
  bool serving_ = false;
  bool closed_ = false;
  unsigned outstanding_ = 0;  // send rows that answered "later"
  unsigned in_outbox_ = 0;    // messages in the instance's outbox
  std::size_t owned_ = 0;     // messages taken over and queued
  intrusive_list<waiter> queue_;
  send_row row_;  // of a sender alone, or of the queue
  struct expiry final : timer {
    explicit expiry(path& p) noexcept
        : timer([](ready_item& self) noexcept { static_cast<expiry&>(self).of.route_lost(); }),
          of(p) {}
    path& of;
  } reach_expiry_{*this};
  std::optional<outgoing> abandoned_;  // its sender went before the answer came; its bytes are gone
};

}  // namespace lockgate::inline v0::detail

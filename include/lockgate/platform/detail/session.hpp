// One provider instance and the life of its session. `life()` reads like the specification.
#pragma once

#include "lockgate/base/intrusive_list.hpp"         // for intrusive_list, list_link
#include "lockgate/buffer/ring.hpp"                 // for ring
#include "lockgate/buffer/train.hpp"                // for train_length, for_each_in_train
#include "lockgate/coro/sleep.hpp"                  // for yield
#include "lockgate/coro/task_group.hpp"             // for task_group
#include "lockgate/coro/timed_wait.hpp"             // for wait_until
#include "lockgate/platform/detail/core.hpp"        // for core
#include "lockgate/platform/detail/id_binding.hpp"  // for id_binding
#include "lockgate/platform/detail/outbox.hpp"      // for outbox
#include "lockgate/platform/detail/row_call.hpp"    // for row_call, row_owner
#include "lockgate/platform/options.hpp"            // for registration
#include "lockgate/platform/statistics.hpp"         // for instance_statistics
#include "lockgate/provider/any_provider.hpp"       // for any_provider
#include "lockgate/provider/instance.hpp"           // for instance_host, instance_call

#include <cstdint>        // for uint32_t, uint64_t
#include <memory>         // for unique_ptr
#include <string>         // for string
#include <unordered_map>  // for unordered_map
#include <utility>        // for move, exchange
#include <vector>         // for vector

namespace lockgate::inline v0::detail {

class path;

/// A provider instance: created, registered, living its session, drained.
class session final : public instance_host, public row_owner, public list_link<session> {
 public:
  session(core& platform, any_provider provider) noexcept
      : row_owner(platform.home), platform_(platform), provider_(std::move(provider)),
        id_(platform.next_instance++), tasks_(platform.home, &tasks_), outbox_(*this) {
    tasks_.on_exception(
        [](void* self, const std::exception_ptr& e) noexcept {
          static_cast<session*>(self)->task_threw(e);
        },
        this);
    tell(event_kind::instance_created);
  }
  ~session();

  // What the handle does.
  status check_registration(const registration& wish) noexcept;
  status grant(const registration& wish) noexcept;
  void decision_pending() noexcept;
  /// CREATED again unless the registration was granted.
  void decision_made() noexcept;
  /// The provider deregisters, or the handle is gone. An error where there is nothing to end.
  status deregister(const void* caller) noexcept;
  void end(termination_reason reason, const void* caller = nullptr) noexcept;
  /// The handle is gone: the platform keeps the instance until it is drained, then deletes it.
  void abandon() noexcept;

  /// Where the handle keeps its pointer, to be cleared should the platform go first.
  void set_handle_slot(session** slot) noexcept { handle_slot_ = slot; }
  void clear_handle() noexcept {
    if (handle_slot_) *handle_slot_ = nullptr;
  }
  void tell_registration(status outcome) noexcept {
    platform_.tell(event_kind::registration_ended, id_, [&](event& e) { e.result = outcome; });
  }
  /// True for a coroutine of this session: a row, a spawned task, or a child of one.
  [[nodiscard]] bool owns(const void* owner) noexcept;

  [[nodiscard]] core& platform() const noexcept { return platform_; }
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] session_state state() const noexcept { return state_; }
  [[nodiscard]] int priority() const noexcept { return priority_; }
  [[nodiscard]] const interface_name& name() const noexcept { return name_; }
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* p, std::size_t size) noexcept { frame_cache::release(p, size); }

  [[nodiscard]] std::uint64_t luid() const noexcept { return luid_; }
  /// The name under which its signals travel; empty for a provider without one.
  [[nodiscard]] const std::string& channel() const noexcept {
    return platform_.names.owner(owner_).name;
  }
  [[nodiscard]] any_provider& provider() noexcept { return provider_; }
  [[nodiscard]] instance_statistics& statistics() noexcept { return statistics_; }
  [[nodiscard]] bool is_live() const noexcept {
    return state_ >= session_state::establishing && state_ <= session_state::deactivating &&
           !ending_;
  }
  [[nodiscard]] bool is_active() const noexcept {
    return state_ == session_state::active && !ending_;
  }
  [[nodiscard]] bool has_ended() const noexcept {
    return state_ == session_state::created || state_ == session_state::ended ||
           state_ == session_state::deregistered;
  }
  [[nodiscard]] wait_list& drained() noexcept { return drained_; }

  /// Keeps the instance from being drained while somebody works with it.
  class pin {
   public:
    explicit pin(session& s) noexcept : session_(&s) { ++s.pins_; }
    pin(pin&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
    pin& operator=(pin&&) = delete;
    ~pin() { release(); }
    void release() noexcept {
      session* const held = std::exchange(session_, nullptr);
      if (!held) return;
      --held->pins_;
      held->quiet().complete_all();
      held->delete_if_abandoned();
    }
    session* operator->() const noexcept { return session_; }
    session& operator*() const noexcept { return *session_; }

   private:
    session* session_;
  };

  // What paths and endpoints do.
  task<status> await_active();
  task<status> await_binding(endpoint_state* endpoint);
  void wake() noexcept { wake_.complete_all(); }
  void demand_appeared() noexcept {
    used_ = true;
    wake();
  }
  /// A path asks it for its peer: a send that waits for the answer is demand.
  void count_inquiry(bool begins) noexcept {
    begins ? ++inquiries_ : --inquiries_;
    used_ = true;
  }
  void add_path(path& p) noexcept;
  void endpoint_opened(endpoint_state& endpoint) noexcept;
  void endpoint_closing(endpoint_state& endpoint) noexcept;
  /// Somebody wants the endpoint's id: if this instance has refused it, it is asked again.
  void endpoint_wanted(endpoint_state& endpoint) noexcept;
  /// Whether this instance may still accept an id for the endpoint.
  [[nodiscard]] bool may_accept(const endpoint_state& endpoint) noexcept;
  /// Whether this instance is up, or coming up, to have the endpoint's proposed id accepted.
  [[nodiscard]] bool seeks_id(const endpoint_state& endpoint) noexcept;
  /// Limits of a row whose caller gives up on it when it is stuck, and of one it never abandons.
  [[nodiscard]] row_limits may_abandon() const noexcept {
    return {platform_.options.row_timeout, true};
  }
  [[nodiscard]] row_limits never_abandon() const noexcept {
    return {platform_.options.row_timeout, false};
  }
  [[nodiscard]] outbox& out() noexcept { return outbox_; }
  void signal_arrived(peer_signal&& signal) noexcept;
  void count_send_row() noexcept {
    ++statistics_.send_rows;
    used_ = true;
  }
  void count_sent(std::span<const outgoing> messages) noexcept {
    for (const outgoing& message : messages) {
      statistics_.messages_sent += train_length(message.payload.size(), message.segment_size);
      statistics_.bytes_sent += message.payload.size();
    }
  }

  template <class Fill>
  void tell(event_kind kind, Fill fill) noexcept {
    platform_.tell(kind, id_, fill);
  }
  void tell(event_kind kind) noexcept {
    platform_.tell(kind, id_, [](event&) {});
  }
  /// `has_bytes`: the sender is still there, and with it the memory of the payload.
  void tell_sent(const outgoing& message, bool has_bytes) noexcept {
    if (message.segment_size == 0) return tell_one_sent(message, has_bytes);
    for_each_in_train(message.payload.part(0), message.segment_size, [&](bytes_view each) {
      tell_one_sent({message.local, message.remote, message.endpoint, chain(each)}, has_bytes);
    });
  }
  void tell_one_sent(const outgoing& message, bool has_bytes) noexcept {
    if (platform_.hook.on_message) platform_.show(observed_message(message, has_bytes), id_);
    tell(event_kind::message_sent, [&](event& e) {
      e.id = message.remote;
      e.amount = static_cast<std::uint32_t>(message.payload.size());
      e.endpoint = message.endpoint;
    });
  }
  [[nodiscard]] bool is_observed() const noexcept { return platform_.hook.on != nullptr; }
  void tell_row(event_kind kind, row which, status result = {}, const transport_id& peer = {},
                std::size_t amount = 0) noexcept {
    platform_.tell(kind, id_, [&](event& e) {
      e.which = which;
      e.result = result;
      e.id = peer;
      e.amount = static_cast<std::uint32_t>(amount);
    });
  }
  status refused(drop_cause cause, status why) noexcept {
    drop(cause);
    return why;
  }
  void drop(drop_cause cause, std::size_t count = 1) noexcept {
    statistics_.drops.add(cause, count);
    for (; count > 0; --count)
      platform_.tell(event_kind::message_dropped, id_, [&](event& e) { e.cause = cause; });
  }

  // instance_host
  scheduler& home() noexcept override { return platform_.home; }
  stop_state& stop() noexcept override { return tasks_.stop(); }
  accepted indicate(std::span<incoming> messages) noexcept override;
  bool answer_now(instance_call& call, const task_context& caller,
                  status& answer) noexcept override;
  void pend(instance_call& call) noexcept override;
  status spawn(task<> work) noexcept override;

  // row_owner
  void row_suspended(row_call_base& call) noexcept override;
  void row_overran(row_call_base& call) noexcept override;
  void row_stuck(row_call_base& call) noexcept override;
  void row_threw(row which, const std::exception_ptr& exception) noexcept override;
  void row_answered(row_call_base& call) noexcept override;
  void row_gone(row_call_base&) noexcept override { quiet().complete_all(); }

 private:
  // The life, and its steps in the order in which they happen.
  task<> life();
  bool open_gate() noexcept;
  [[nodiscard]] bool is_wanted() const noexcept;
  [[nodiscard]] bool demand_is_due() const noexcept;
  [[nodiscard]] time_point demand_retry() const noexcept;
  void back_off(status why) noexcept;
  task<status> activate();
  task<status> serve_until_unused();
  task<status> change_binding(id_binding* binding);
  task<status> propose_ids(id_binding* binding);
  task<status> add_id(transport_id id);
  task<status> remove_id(transport_id id);
  task<status> go_dormant();
  void close_paths() noexcept;
  void finish_life() noexcept;

  void enter(session_state next) noexcept;
  void delete_if_abandoned() noexcept;
  void refuse_callers() noexcept;
  [[nodiscard]] bool is_quiet() noexcept {
    return rows_.empty() && tasks_.size() == 0 && pins_ == 0;
  }
  /// Completed whenever the session may have become quiet.
  [[nodiscard]] wait_list& quiet() noexcept { return tasks_.emptied(); }
  [[nodiscard]] id_binding* find_binding(const endpoint_state& endpoint) noexcept;
  void become_active() noexcept;
  void remove_binding(id_binding& binding) noexcept;
  void refuse_binding(id_binding& binding, status why) noexcept;
  [[nodiscard]] bool may_propose(const transport_id& id) const noexcept;
  [[nodiscard]] id_binding* binding_to_change() noexcept;
  [[nodiscard]] endpoint_state* local_endpoint(const transport_id& id) noexcept;
  void show_received(const incoming& message, std::uint64_t endpoint) noexcept;
  void tell_received(const transport_id& peer, std::uint64_t endpoint, std::size_t bytes,
                     std::size_t segment_size) noexcept;
  void carry_out(instance_call& call) noexcept;
  status carry_out_now(instance_call& call) noexcept;
  static task<> carry_signal(signalling* by, signal_message message,
                             std::unique_ptr<wait_list> caller);
  void task_threw(const std::exception_ptr& exception) noexcept;

  core& platform_;
  session** handle_slot_ = nullptr;
  any_provider provider_;
  std::uint32_t id_;
  session_state state_ = session_state::created;
  int priority_ = 0;
  interface_name name_;
  std::uint32_t owner_ = 0;  // in the platform's interface_names
  std::uint64_t luid_ = 0;

  int pins_ = 0;
  int inquiries_ = 0;
  bool gate_open_ = false;
  bool ending_ = false;
  bool deregister_called_ = false;
  bool abandoned_ = false;
  bool used_ = false;
  bool signal_demand_ = false;
  termination_reason reason_ = termination_reason::provider_request;
  const void* ended_by_ = nullptr;  // the row that asked for the end: it is not stopped
  duration backoff_{};
  time_point retry_at_{};
  time_point patience_{};  // how long terminate_session waits for rows and tasks (U15)

  // life() is never what is being stopped, so its stop state is never asked.
  stop_state never_stopped_;
  task_context life_context_{&platform_.home, &never_stopped_, this};
  struct life_runner final : ready_item, task_completion {
    explicit life_runner(session& s)
        : ready_item([](ready_item& self) noexcept { static_cast<life_runner&>(self).step(); }),
          task_completion([](task_completion& self) noexcept {
            auto& me = static_cast<life_runner&>(self);
            me.owner.platform_.home.run_at_suspension(me);
          }),
          owner(s) {}
    void step() noexcept {
      if (!std::exchange(started, true)) work.start(owner.life_context_, *this);
      else owner.finish_life();
    }
    session& owner;
    task<> work;
    bool started = false;
  } life_{*this};

  task_group tasks_;
  row_call<status> control_;   // transition_active to remove_transport_id: one at a time (U14)
  row_call<void> indication_;  // establish_session and terminate_session
  outbox outbox_;
  intrusive_list<row_call_base> rows_;  // every row that has suspended and not returned
  intrusive_list<waiter> held_;         // calls that wait for the end of establish_session
  intrusive_list<path> paths_;          // routed through this instance
  intrusive_list<id_binding> bindings_;
  std::unordered_map<std::uint64_t, id_binding*, std::hash<std::uint64_t>, std::equal_to<>,
                     recycling_allocator<std::pair<const std::uint64_t, id_binding*>>>
      binding_of_;  // by endpoint
  transport_id last_local_;
  endpoint_state* last_endpoint_ = nullptr;
  ring<peer_signal> signals_;
  std::vector<transport_id> reserved_ids_;
  wait_list signal_waiters_;
  wait_list wake_;  // life() waits here for something to do
  wait_list activation_waiters_;
  wait_list drained_;
  instance_statistics statistics_;
};

}  // namespace lockgate::inline v0::detail

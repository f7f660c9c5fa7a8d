// The session of one provider instance, from establish_session to terminate_session.
#pragma once

#include "lockgate/base/intrusive_list.hpp"                 // for intrusive_list, list_link
#include "lockgate/coro/task_group.hpp"                     // for task_group
#include "lockgate/platform/detail/activation_backoff.hpp"  // for activation_backoff
#include "lockgate/platform/detail/core.hpp"                // for core
#include "lockgate/platform/detail/instance_trace.hpp"      // for instance_trace
#include "lockgate/platform/detail/local_ids.hpp"           // for local_ids, id_binding
#include "lockgate/platform/detail/outbox.hpp"              // for outbox
#include "lockgate/platform/detail/row_call.hpp"            // for row_call, row_owner
#include "lockgate/platform/detail/run_row.hpp"             // for row_operation
#include "lockgate/platform/detail/signal_box.hpp"          // for signal_box
#include "lockgate/provider/any_provider.hpp"               // for any_provider
#include "lockgate/provider/instance.hpp"                   // for instance_host, instance_call

#include <cstdint>  // for uint32_t
#include <memory>   // for unique_ptr
#include <utility>  // for move, exchange

namespace lockgate::inline v0::detail {

class instance_state;
class path;

/// Why a session ends, and how long its terminate_session waits for what still runs (U15).
struct session_end {
  bool has_begun = false;
  termination_reason reason = termination_reason::provider_request;
  const void* asked_by = nullptr;  ///< the row that asked for the end: it is not stopped
  time_point wait_until{};
};

/// Runs a session's life in steps of its own, and lets go of its frame afterwards.
class life_runner final : ready_item, task_completion {
 public:
  using ended_function = void (*)(void* session) noexcept;
  life_runner(scheduler& home, void* session, ended_function ended) noexcept
      : ready_item([](ready_item& self) noexcept { static_cast<life_runner&>(self).step(); }),
        task_completion([](task_completion& self) noexcept {
          auto& me = static_cast<life_runner&>(self);
          me.context_.home->run_at_suspension(me);
        }),
        context_{&home, &never_stopped_, session}, ended_(ended) {}

  /// False without memory for its frame.
  [[nodiscard]] bool prepare(task<> life) noexcept {
    life_ = std::move(life);
    return life_.valid();
  }
  void start() noexcept { context_.home->schedule(*this); }

 private:
  void step() noexcept {
    if (!std::exchange(has_started_, true)) return life_.start(context_, *this);
    life_.reset();
    ended_(const_cast<void*>(context_.owner));
  }

  task<> life_;
  bool has_started_ = false;
  stop_state never_stopped_;  // a life is never what is being stopped
  task_context context_;
  ended_function ended_;
};

/// A session. `life()` reads like the specification.
class session final : public instance_host, public row_owner, public list_link<session> {
 public:
  session(core& platform, instance_state& of, any_provider provider) noexcept
      : row_owner(platform.home), platform_(platform), of_(of), provider_(std::move(provider)),
        trace_(platform), ids_(platform), outbox_(*this),
        life_(platform.home, this,
              [](void* self) noexcept { static_cast<session*>(self)->life_ended(); }),
        tasks_(platform.home, &tasks_) {
    tasks_.on_exception(
        [](void* self, const std::exception_ptr& e) noexcept {
          static_cast<session*>(self)->task_threw(e);
        },
        this);
  }

  // What the instance does with it.
  /// False without memory for its life.
  [[nodiscard]] bool prepare() noexcept { return life_.prepare(life()); }
  /// Registration was granted. Requires: `prepare()`.
  void begin() noexcept {
    enter(session_state::establishing);
    platform_.sessions.push_back(*this);
    life_.start();
  }
  void enter(session_state next) noexcept;
  void end(termination_reason reason, const void* caller = nullptr) noexcept;
  /// True for a coroutine of this session: a row, a spawned task, or a child of one.
  [[nodiscard]] bool owns(const void* owner) noexcept;

  [[nodiscard]] core& platform() const noexcept { return platform_; }
  [[nodiscard]] instance_state& of() const noexcept { return of_; }
  [[nodiscard]] any_provider& provider() noexcept { return provider_; }
  [[nodiscard]] instance_trace& trace() noexcept { return trace_; }
  [[nodiscard]] outbox& out() noexcept { return outbox_; }
  [[nodiscard]] std::uint32_t id() const noexcept { return trace_.id(); }
  [[nodiscard]] session_state state() const noexcept { return state_; }
  [[nodiscard]] bool is_live() const noexcept {
    return state_ >= session_state::establishing && state_ <= session_state::deactivating &&
           !ending_.has_begun;
  }
  [[nodiscard]] bool is_active() const noexcept {
    return state_ == session_state::active && !ending_.has_begun;
  }
  [[nodiscard]] bool is_pinned() const noexcept { return pins_ > 0; }

  /// Keeps the instance from being drained while somebody works with it.
  class pin {
   public:
    explicit pin(session& s) noexcept : session_(&s) { ++s.pins_; }
    pin(pin&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
    pin& operator=(pin&&) = delete;
    ~pin() { release(); }
    void release() noexcept {
      if (session* const held = std::exchange(session_, nullptr)) held->unpin();
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
  /// Messages are about to be offered: that is use.
  void count_send_row() noexcept {
    trace_.count_send_row();
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
  void signal_arrived(peer_signal&& signal) noexcept;

  /// Limits of a row whose caller gives up on it when it is stuck, and of one it never abandons.
  [[nodiscard]] row_limits may_abandon() const noexcept {
    return {platform_.options.row_timeout, true};
  }
  [[nodiscard]] row_limits never_abandon() const noexcept {
    return {platform_.options.row_timeout, false};
  }

  // instance_host
  scheduler& home() noexcept override { return platform_.home; }
  stop_state& stop() noexcept override { return tasks_.stop(); }
  accepted indicate(std::span<incoming> messages) noexcept override;
  bool answer_now(instance_call& call, const task_context& caller,
                  status& answer) noexcept override;
  void pend(instance_call& call) noexcept override;
  status spawn(task<> work) noexcept override {
    return is_live() ? tasks_.spawn(std::move(work)) : status(errc::terminated);
  }

  // row_owner
  void row_suspended(row_call_base& call) noexcept override;
  void row_overran(row_call_base& call) noexcept override;
  void row_stuck(row_call_base& call) noexcept override;
  void row_threw(row which, const std::exception_ptr& exception) noexcept override;
  void row_answered(row_call_base& call) noexcept override;
  void row_gone(row_call_base&) noexcept override { something_ended().complete_all(); }

 private:
  // The life, and its steps in the order in which they happen.
  task<> life();
  bool open_gate() noexcept;
  [[nodiscard]] bool is_wanted() const noexcept;
  [[nodiscard]] bool demand_is_due() const noexcept;
  [[nodiscard]] time_point demand_retry() const noexcept;
  void back_off(status why) noexcept;
  void become_active() noexcept;
  task<status> serve_until_unused();
  task<status> change_binding(id_binding* binding);
  task<status> propose_ids(id_binding* binding);
  void refuse_binding(id_binding& binding, status why) noexcept;
  task<status> go_dormant();
  void close_paths() noexcept;
  void life_ended() noexcept;

  /// Calls a row, one at a time (U14), and waits for it.
  template <class... Arguments>
  [[nodiscard]] row_operation<status, Arguments...> run_row(
      row which, answer<status> (any_provider::*call)(Arguments...) noexcept,
      const std::type_identity_t<Arguments>&... arguments) noexcept {
    return {control_, *this, which, may_abandon(), trace_, provider_, call, arguments...};
  }
  /// Calls establish_session or terminate_session, whose results count for nothing (G7).
  template <class Argument>
  [[nodiscard]] row_operation<void, Argument> indicate_row(
      row which, answer<void> (any_provider::*call)(Argument) noexcept, const row_limits& limits,
      const std::type_identity_t<Argument>& argument) noexcept {
    return {indication_, *this, which, limits, trace_, provider_, call, argument};
  }

  void refuse_callers() noexcept;
  [[nodiscard]] bool is_quiet() noexcept {
    return rows_.empty() && tasks_.size() == 0 && pins_ == 0;
  }
  /// Completed whenever a row, a task or somebody's work with the session has ended.
  [[nodiscard]] wait_list& something_ended() noexcept { return tasks_.emptied(); }
  void unpin() noexcept;
  void carry_out(instance_call& call) noexcept;
  [[nodiscard]] status carry_out_now(instance_call& call) noexcept;
  void send_signal(instance_call& call) noexcept;
  static task<> carry_signal(signalling* by, signal_message message,
                             std::unique_ptr<wait_list> caller);
  void task_threw(const std::exception_ptr& exception) noexcept;

  core& platform_;
  instance_state& of_;
  any_provider provider_;
  instance_trace trace_;
  session_state state_ = session_state::created;
  session_end ending_;
  bool gate_open_ = false;
  bool used_ = false;  // since idleness was last looked at
  int pins_ = 0;
  int inquiries_ = 0;
  activation_backoff backoff_;
  local_ids ids_;
  signal_box signals_;
  outbox outbox_;
  life_runner life_;
  task_group tasks_;
  row_call<status> control_;   // transition_active to remove_transport_id: one at a time (U14)
  row_call<void> indication_;  // establish_session and terminate_session
  intrusive_list<row_call_base> rows_;  // every row that has suspended and not returned
  intrusive_list<waiter> held_;         // calls that wait for the end of establish_session
  intrusive_list<path> paths_;          // routed through this instance
  wait_list wake_;                      // life() waits here for something to do
  wait_list activation_waiters_;
};

}  // namespace lockgate::inline v0::detail

// A provider that allocates nothing of its own: it counts, and answers now, at once, or when told.
#pragma once

#include "lockgate/coro/sleep.hpp"      // for yield
#include "lockgate/coro/task.hpp"       // for task
#include "lockgate/coro/wait_list.hpp"  // for wait_list
#include "lockgate/provider/rows.hpp"   // for provider

#include <cstddef>  // for size_t
#include <span>     // for span

namespace support {

/// What the lean providers of a test are to do, and what they have seen.
struct lean_state {
  enum class manner { now, at_once, later, held } how = manner::now;
  lockgate::wait_list held;  ///< send rows wait here
  lockgate::instance self;
  std::size_t establishes = 0, activations = 0, adds = 0, removes = 0, reaches = 0, rows = 0,
              sends = 0, dormancies = 0, terminations = 0;
};

class lean_provider {
 public:
  explicit lean_provider(lean_state& state) noexcept : state_(&state) {}

  lockgate::answer<void> establish_session(lockgate::instance self) {
    state_->self = self;
    ++state_->establishes;
    if (is_now()) return {};
    return pass_void(state_);
  }
  lockgate::answer<lockgate::status> transition_active() { return count(state_->activations); }
  lockgate::answer<lockgate::status> transition_dormant() { return count(state_->dormancies); }
  lockgate::answer<lockgate::status> add_transport_id(lockgate::transport_id) {
    return count(state_->adds);
  }
  lockgate::answer<lockgate::status> remove_transport_id(lockgate::transport_id) {
    return count(state_->removes);
  }
  lockgate::answer<lockgate::status> reach_transport_id(lockgate::transport_id) {
    return count(state_->reaches);
  }
  lockgate::answer<lockgate::accepted> send_buffers(std::span<const lockgate::outgoing> messages) {
    ++state_->rows;
    if (!is_now()) return send(state_, messages.size());
    state_->sends += messages.size();
    return lockgate::accepted(messages.size());
  }
  lockgate::answer<void> terminate_session(lockgate::termination_reason) {
    ++state_->terminations;
    if (is_now()) return {};
    return pass_void(state_);
  }

 private:
  [[nodiscard]] bool is_now() const noexcept { return state_->how == lean_state::manner::now; }
  lockgate::answer<lockgate::status> count(std::size_t& calls) {
    ++calls;
    if (is_now()) return lockgate::status();
    return pass(state_);
  }
  static lockgate::task<lockgate::status> pass(lean_state* s) {
    if (s->how == lean_state::manner::later) co_await lockgate::yield();
    co_return lockgate::status();
  }
  static lockgate::task<> pass_void(lean_state* s) {
    if (s->how == lean_state::manner::later) co_await lockgate::yield();
  }
  static lockgate::task<lockgate::accepted> send(lean_state* s, std::size_t count) {
    if (s->how == lean_state::manner::later) co_await lockgate::yield();
    if (s->how == lean_state::manner::held) {
      const lockgate::status waited = co_await s->held.wait();
      if (!waited.ok()) co_return lockgate::accepted(waited);
    }
    s->sends += count;
    co_return lockgate::accepted(count);
  }

  lean_state* state_;
};

static_assert(lockgate::id_aware_provider<lean_provider> &&
              lockgate::dormant_provider<lean_provider>);

}  // namespace support

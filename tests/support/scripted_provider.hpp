// A provider that does what a test tells it, row by row and call by call, and notes every call.
#pragma once

#include "lockgate/base/accepted.hpp"           // for accepted
#include "lockgate/base/status.hpp"             // for status
#include "lockgate/base/transport_id.hpp"       // for transport_id
#include "lockgate/coro/foreign.hpp"            // for uninterruptible
#include "lockgate/coro/sleep.hpp"              // for yield, sleep_for
#include "lockgate/coro/task.hpp"               // for task
#include "lockgate/coro/wait_list.hpp"          // for wait_list
#include "lockgate/platform/session_state.hpp"  // for row
#include "lockgate/provider/rows.hpp"           // for provider

#include <array>       // for array
#include <coroutine>   // for coroutine_handle
#include <cstddef>     // for byte, size_t
#include <deque>       // for deque
#include <functional>  // for function
#include <span>        // for span
#include <stdexcept>   // for runtime_error
#include <utility>     // for move, exchange
#include <vector>      // for vector

namespace support {

/// How a row answers.
enum class manner {
  now,           ///< with `act::answer`, at once
  later,         ///< with `act::answer`, in a step of its own
  waits,         ///< when its door is opened; when asked to stop, with `errc::canceled`
  ignores_stop,  ///< when its door is opened, whatever is asked of it meanwhile
  throws,        ///< leaves by an exception, at once
  throws_later,  ///< leaves by an exception, in a step of its own
};

/// What a row does in one call.
struct act {
  act(manner h = manner::now, lockgate::status a = {}) : how(h), answer(a) {}
  manner how;
  lockgate::status answer;
  std::size_t accepts = static_cast<std::size_t>(-1);  ///< messages that send_buffers takes
  bool refuses_next = false;   ///< a later answer gives `answer` for the message after these only
  lockgate::duration takes{};  ///< what a later answer waits for
  std::function<void()> first{};                             ///< called when the row is entered
  lockgate::task<> (*awaits)(lockgate::instance) = nullptr;  ///< awaited by a later answer
};

/// One call of a row, as the provider saw it.
struct row_called {
  lockgate::row which = lockgate::row::none;
  lockgate::time_point at;
  const void* provider = nullptr;
  lockgate::termination_reason reason = lockgate::termination_reason::provider_request;
  lockgate::transport_id id{};  ///< of add, remove, reach
  struct message {
    lockgate::transport_id local, remote;
    std::uint64_t endpoint;
    std::vector<std::byte> bytes;
    std::size_t parts;
  };
  std::vector<message> messages{};  ///< of send_buffers
};

/// Lets rows wait: those that can be stopped, and those that cannot.
class door {
 public:
  /// Lets everybody through who waits now.
  void open() {
    stoppable_.complete_all();
    for (auto waiting = std::exchange(others_, {}); const auto coroutine : waiting)
      coroutine.resume();
  }
  /// Nobody waits any more.
  void open_for_good() {
    stays_open_ = true;
    open();
  }
  [[nodiscard]] bool stays_open() const noexcept { return stays_open_; }
  [[nodiscard]] lockgate::wait_list& stoppable() noexcept { return stoppable_; }

  class awaiter {
   public:
    explicit awaiter(door& d) noexcept : door_(d) {}
    bool await_ready() const noexcept { return door_.stays_open_; }
    void await_suspend(std::coroutine_handle<> coroutine) { door_.others_.push_back(coroutine); }
    void await_resume() const noexcept {}

   private:
    door& door_;
  };
  class passage {
   public:
    explicit passage(door& d) noexcept : door_(&d) {}
    awaiter operator co_await() && noexcept { return awaiter(*door_); }

   private:
    door* door_;
  };
  /// To be wrapped as uninterruptible.
  [[nodiscard]] passage pass() noexcept { return passage(*this); }

 private:
  lockgate::wait_list stoppable_;
  std::vector<std::coroutine_handle<>> others_;
  bool stays_open_ = false;
};

/// What a scripted provider is to do, and what was asked of it. Outlives the provider.
class script {
 public:
  /// What a row does when nothing else was planned for the call.
  [[nodiscard]] act& usual(lockgate::row r) noexcept { return usual_[index(r)]; }
  /// Plans the row's next call that is not planned yet.
  void plan(lockgate::row r, act a) { planned_[index(r)].push_back(std::move(a)); }
  [[nodiscard]] door& door_of(lockgate::row r) noexcept { return doors_[index(r)]; }
  void open_all_for_good() {
    for (door& d : doors_) d.open_for_good();
  }

  lockgate::scheduler* home = nullptr;
  lockgate::instance self;        ///< what establish_session was given
  std::vector<row_called> calls;  ///< in order
  int running = 0;                ///< rows entered and not left
  int most_running = 0;
  int destroyed = 0;  ///< providers of this script

  [[nodiscard]] int count(lockgate::row r) const noexcept {
    int n = 0;
    for (const row_called& c : calls) n += c.which == r;
    return n;
  }
  /// The rows called, in order.
  [[nodiscard]] std::vector<lockgate::row> rows() const {
    std::vector<lockgate::row> out;
    for (const row_called& c : calls) out.push_back(c.which);
    return out;
  }
  /// The last call of a row. Requires: there was one.
  [[nodiscard]] const row_called& last(lockgate::row r) const {
    const row_called* found = nullptr;
    for (const row_called& c : calls)
      if (c.which == r) found = &c;
    if (!found) throw std::logic_error("script: the row was not called");
    return *found;
  }

  /// The act for the call that is beginning.
  [[nodiscard]] act begin(row_called&& c) {
    c.at = home->now();
    const std::size_t at = index(c.which);
    calls.push_back(std::move(c));
    act mine = usual_[at];
    if (!planned_[at].empty()) {
      mine = std::move(planned_[at].front());
      planned_[at].pop_front();
    }
    if (mine.first) mine.first();
    return mine;
  }

 private:
  static std::size_t index(lockgate::row r) noexcept { return static_cast<std::size_t>(r); }
  std::array<act, 9> usual_;
  std::array<std::deque<act>, 9> planned_;
  std::array<door, 9> doors_;
};

/// Counts a row as running for as long as it lives.
class running_row {
 public:
  explicit running_row(script& s) noexcept : script_(s) {
    if (++s.running > s.most_running) s.most_running = s.running;
  }
  running_row(const running_row&) = delete;
  ~running_row() { --script_.running; }

 private:
  script& script_;
};

/// The later part of a row.
inline lockgate::task<lockgate::status> perform(script* s, lockgate::row which, act what) {
  const running_row counted(*s);
  if (what.awaits) co_await what.awaits(s->self);
  door& mine = s->door_of(which);
  if (what.how == manner::waits && !mine.stays_open()) {
    const lockgate::status waited = co_await mine.stoppable().wait();
    if (!waited.ok()) co_return waited;
  } else if (what.how == manner::ignores_stop) {
    co_await lockgate::uninterruptible(mine.pass());
  } else if (what.takes > lockgate::duration::zero()) {
    const lockgate::status slept = co_await lockgate::sleep_for(what.takes);
    if (!slept.ok()) co_return slept;
  } else {
    co_await lockgate::yield();
  }
  if (what.how == manner::throws_later) throw std::runtime_error("scripted");
  co_return what.answer;
}
inline lockgate::task<> perform_void(script* s, lockgate::row which, act what) {
  static_cast<void>(co_await perform(s, which, std::move(what)));
}
inline lockgate::task<lockgate::accepted> perform_sent(script* s, act what, std::size_t accepted) {
  const bool refuses_next = what.refuses_next;
  const lockgate::status answer = co_await perform(s, lockgate::row::send_buffers, std::move(what));
  if (answer.ok()) co_return lockgate::accepted(accepted);
  co_return lockgate::accepted(refuses_next ? accepted : 0, answer);
}

/// The provider itself: all eight rows, as `script` says.
class scripted_provider {
 public:
  explicit scripted_provider(script& s) noexcept : script_(&s) {}
  scripted_provider(const scripted_provider&) = delete;
  ~scripted_provider() { ++script_->destroyed; }

  lockgate::answer<void> establish_session(lockgate::instance self) {
    script_->self = self;
    return answer_void({.which = lockgate::row::establish_session, .at = {}, .provider = this});
  }
  lockgate::answer<void> terminate_session(lockgate::termination_reason why) {
    return answer_void(
        {.which = lockgate::row::terminate_session, .at = {}, .provider = this, .reason = why});
  }
  lockgate::answer<lockgate::status> transition_active() {
    return answer(lockgate::row::transition_active, {});
  }
  lockgate::answer<lockgate::status> transition_dormant() {
    return answer(lockgate::row::transition_dormant, {});
  }
  lockgate::answer<lockgate::status> add_transport_id(lockgate::transport_id id) {
    return answer(lockgate::row::add_transport_id, id);
  }
  lockgate::answer<lockgate::status> remove_transport_id(lockgate::transport_id id) {
    return answer(lockgate::row::remove_transport_id, id);
  }
  lockgate::answer<lockgate::status> reach_transport_id(lockgate::transport_id id) {
    return answer(lockgate::row::reach_transport_id, id);
  }
  lockgate::answer<lockgate::accepted> send_buffers(std::span<const lockgate::outgoing> messages) {
    row_called call;
    call.which = lockgate::row::send_buffers;
    call.provider = this;
    for (const lockgate::outgoing& m : messages) {
      std::vector<std::byte> bytes(m.payload.size());
      m.payload.copy_to(bytes.data());
      call.messages.push_back(
          {m.local, m.remote, m.endpoint, std::move(bytes), m.payload.part_count()});
    }
    act mine = script_->begin(std::move(call));
    const std::size_t accepted = mine.accepts < messages.size() ? mine.accepts : messages.size();
    if (is_later(mine)) return perform_sent(script_, std::move(mine), accepted);
    return !mine.answer.ok()
               ? lockgate::accepted(accepted == messages.size() ? 0 : accepted, mine.answer)
               : lockgate::accepted(accepted);
  }

 private:
  /// Throws for the acts that throw at once.
  static bool is_later(const act& a) {
    if (a.how == manner::throws) throw std::runtime_error("scripted");
    return a.how != manner::now;
  }
  lockgate::answer<void> answer_void(row_called&& call) {
    const lockgate::row which = call.which;
    act mine = script_->begin(std::move(call));
    if (is_later(mine)) return perform_void(script_, which, std::move(mine));
    return {};
  }
  lockgate::answer<lockgate::status> answer(lockgate::row which, lockgate::transport_id id) {
    row_called call;
    call.which = which;
    call.provider = this;
    call.id = id;
    act mine = script_->begin(std::move(call));
    if (is_later(mine)) return perform(script_, which, std::move(mine));
    return mine.answer;
  }

  script* script_;
};

static_assert(lockgate::id_aware_provider<scripted_provider> &&
              lockgate::dormant_provider<scripted_provider>);

}  // namespace support

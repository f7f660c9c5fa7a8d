// What a provider may call: the handle it is given by establish_session.
#pragma once

#include "lockgate/base/accepted.hpp"      // for accepted
#include "lockgate/base/clock.hpp"         // for time_point
#include "lockgate/base/random.hpp"        // for random_source
#include "lockgate/base/result.hpp"        // for result
#include "lockgate/base/status.hpp"        // for status
#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/buffer/chain.hpp"       // for bytes_view
#include "lockgate/coro/operation.hpp"     // for task_context
#include "lockgate/coro/scheduler.hpp"     // for scheduler
#include "lockgate/coro/stop.hpp"          // for stop_state
#include "lockgate/coro/task.hpp"          // for task
#include "lockgate/coro/wait_list.hpp"     // for waiter
#include "lockgate/provider/message.hpp"   // for incoming

#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for byte
#include <span>       // for span
#include <utility>    // for move
#include <vector>     // for vector

namespace lockgate::inline v0 {

/// A blob from a peer's provider, carried by the host program's signalling.
struct peer_signal {
  peer_signal() noexcept = default;  // no aggregate: see await_safe

  transport_id local;  ///< the id on this side that it was sent to
  transport_id from;   ///< the peer's id
  std::vector<std::byte> blob;
};

/// A provider's call that the platform may hold back until establish_session has ended (G5). It
/// lives in the caller's frame.
class instance_call : public waiter {
 public:
  /// Which function of `instance` this is.
  enum class kind {
    deregister,
    report_broken_link,
    request_transport_id,
    report_unreachable,
    send_signal,
    receive_signal
  };
  explicit instance_call(kind k, const transport_id& first = {}, const transport_id& second = {},
                         bytes_view argument = {}) noexcept
      : what(k), id(first), peer(second), blob(argument) {}

  kind what;
  transport_id id;       ///< argument, or the answer of request_transport_id
  transport_id peer;     ///< argument of send_signal: where it goes
  bytes_view blob;       ///< argument of send_signal, borrowed until the call completes
  peer_signal received;  ///< answer of receive_signal
};

/// What stands behind an `instance`: a session of the platform, a test, or a composite provider.
class instance_host {
 public:
  [[nodiscard]] virtual scheduler& home() noexcept = 0;
  [[nodiscard]] virtual stop_state& stop() noexcept = 0;
  /// As `instance::indicate`.
  virtual accepted indicate(std::span<incoming> messages) noexcept = 0;
  /// Answers `call` at once if that is possible: true, and `answer` is the outcome.
  virtual bool answer_now(instance_call& call, const task_context& caller,
                          status& answer) noexcept = 0;
  /// Takes `call` in, to `complete` it later. Follows an `answer_now` that said false.
  virtual void pend(instance_call& call) noexcept = 0;
  /// As `instance::spawn`.
  virtual status spawn(task<> work) noexcept = 0;

 protected:
  ~instance_host() = default;
};

/// The provider's side of one session: trivially copyable, valid until terminate_session has ended.
///
/// Guarantees: G4 - callable from the moment establish_session is entered; G10 - every row of a
///             session concerns this one instance.
class instance {
 public:
  instance() noexcept = default;
  explicit instance(instance_host& host) noexcept : host_(&host) {}

  /// Hands one received message up. Consumes it only on success.
  ///
  /// Guarantees: G6 - refused with `errc::not_active` unless the instance is active; G32, G33.
  /// Errors: not_active, unknown_transport_id, message_empty, queue_full, no_memory.
  status indicate(incoming&& message) noexcept { return host_->indicate({&message, 1}).why; }
  /// Hands several messages up, in order; those accepted are consumed. Of a train that is not
  /// accepted whole, what is left begins with the message that was refused.
  accepted indicate(std::span<incoming> messages) noexcept { return host_->indicate(messages); }

  [[nodiscard]] scheduler& home() const noexcept { return host_->home(); }
  [[nodiscard]] time_point now() const noexcept { return host_->home().now(); }
  [[nodiscard]] random_source& random() const noexcept { return host_->home().random(); }
  /// Stops when the session begins to end.
  [[nodiscard]] stop_state& stop() const noexcept { return host_->stop(); }

  /// Runs `work` beside the rows, as part of the session: it is stopped and awaited before the
  /// instance is drained. An exception that leaves it ends the session (U16).
  /// Errors: terminated once the session is ending, no_memory.
  status spawn(task<> work) noexcept { return host_->spawn(std::move(work)); }

  class call_operation;
  class id_operation;
  class signal_operation;

  /// Ends the session with reason provider_request (G21).
  ///
  /// Completes: at once when called from a row or a spawned task of this session (the session ends
  ///            after the row has); otherwise when the instance is drained (G23).
  [[nodiscard]] call_operation deregister() noexcept;
  /// Ends the session with reason other_communication_error: for a provider that stands for one
  /// elsewhere, when the link to it broke (U16). Completes: at once. Errors: terminated.
  [[nodiscard]] call_operation report_broken_link() noexcept;
  /// Asks the platform for a fresh transport id, reserved for this instance while its session
  /// lasts. Completes: with a `result<transport_id>`; pended while establish_session runs (G5).
  [[nodiscard]] id_operation request_transport_id() noexcept;
  /// Tells the platform that a peer is no longer reachable: later sends reach it anew (U23).
  [[nodiscard]] call_operation report_unreachable(const transport_id& peer) noexcept;
  /// Carries a blob from the id `local` to the provider of the same name that serves `peer`.
  ///
  /// Errors: no_signalling when the host program supplied none; otherwise what the signalling says.
  /// Lifetime: `blob` is copied before the call suspends.
  [[nodiscard]] call_operation signal(const transport_id& local, const transport_id& peer,
                                      bytes_view blob) noexcept;
  /// Waits for a blob from a peer. Completes: with a `result<peer_signal>`.
  [[nodiscard]] signal_operation receive_signal() noexcept;

  /// What stands behind this handle: for a composite provider, which puts itself between.
  [[nodiscard]] instance_host& host() const noexcept { return *host_; }

  friend bool operator==(const instance&, const instance&) noexcept = default;

 private:
  instance_host* host_ = nullptr;
};

namespace detail {

/// Awaits an instance call and turns its outcome into `Answer`.
template <class Answer>
class instance_call_awaiter {
 public:
  instance_call_awaiter(instance_host& host, instance_call::kind what, const transport_id& id,
                        const transport_id& peer, bytes_view blob,
                        const task_context& context) noexcept
      : host_(host), context_(context), call_(what, id, peer, blob) {}
  bool await_ready() noexcept { return host_.answer_now(call_, context_, outcome_); }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept {
    suspended_ = true;
    if (call_.suspend(coroutine, context_)) host_.pend(call_);
  }
  Answer await_resume() noexcept {
    if (suspended_) outcome_ = call_.outcome();
    if constexpr (std::is_same_v<Answer, status>) {
      return outcome_;
    } else {
      if (!outcome_.ok()) return outcome_;
      if constexpr (std::is_same_v<Answer, result<transport_id>>) return call_.id;
      else return std::move(call_.received);
    }
  }

 private:
  instance_host& host_;
  const task_context& context_;
  instance_call call_;
  bool suspended_ = false;
  status outcome_;
};

template <class Answer>
class instance_operation {
 public:
  instance_operation(instance_host& host, instance_call::kind what, const transport_id& id = {},
                     const transport_id& peer = {}, bytes_view blob = {}) noexcept
      : host_(&host), what_(what), id_(id), peer_(peer), blob_(blob) {}
  auto bind(const task_context& context) noexcept {
    return instance_call_awaiter<Answer>(*host_, what_, id_, peer_, blob_, context);
  }

 private:
  instance_host* host_;
  instance_call::kind what_;
  transport_id id_;
  transport_id peer_;
  bytes_view blob_;
};

}  // namespace detail

class instance::call_operation : public detail::instance_operation<status> {
  using instance_operation::instance_operation;
  friend class instance;
};
class instance::id_operation : public detail::instance_operation<result<transport_id>> {
  using instance_operation::instance_operation;
  friend class instance;
};
class instance::signal_operation : public detail::instance_operation<result<peer_signal>> {
  using instance_operation::instance_operation;
  friend class instance;
};

inline instance::call_operation instance::deregister() noexcept {
  return {*host_, instance_call::kind::deregister};
}
inline instance::call_operation instance::report_broken_link() noexcept {
  return {*host_, instance_call::kind::report_broken_link};
}
inline instance::id_operation instance::request_transport_id() noexcept {
  return {*host_, instance_call::kind::request_transport_id};
}
inline instance::call_operation instance::report_unreachable(const transport_id& peer) noexcept {
  return {*host_, instance_call::kind::report_unreachable, peer};
}
inline instance::call_operation instance::signal(const transport_id& local,
                                                 const transport_id& peer,
                                                 bytes_view blob) noexcept {
  return {*host_, instance_call::kind::send_signal, local, peer, blob};
}
inline instance::signal_operation instance::receive_signal() noexcept {
  return {*host_, instance_call::kind::receive_signal};
}

}  // namespace lockgate::inline v0

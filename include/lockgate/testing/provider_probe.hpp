// A provider around another one, that watches what it answers and what it asks for.
#pragma once

#include "lockgate/provider/answer.hpp"              // for answer, call_row
#include "lockgate/provider/instance.hpp"            // for instance, instance_host
#include "lockgate/provider/rows.hpp"                // for provider, id_aware_provider
#include "lockgate/provider/termination_reason.hpp"  // for termination_reason
#include "lockgate/testing/trial.hpp"                // for trial

#include <cstddef>      // for size_t
#include <span>         // for span
#include <type_traits>  // for conditional_t
#include <utility>      // for move

namespace lockgate::inline v0::testing {

/// Stands between a provider and its session, and knows when the session is over.
class watched_instance final : public instance_host {
 public:
  explicit watched_instance(trial& t) noexcept : trial_(t) {}
  /// The handle to give to the provider, in place of `to`.
  [[nodiscard]] instance attach(const instance& to) noexcept {
    platform_ = to;
    return instance(*this);
  }
  /// From now on indicating is no breach.
  void activation_began() noexcept { activated_ = true; }
  /// From now on calling is a breach.
  void session_ended() noexcept { ended_ = true; }

  [[nodiscard]] scheduler& home() noexcept override { return trial_.home(); }
  [[nodiscard]] stop_state& stop() noexcept override {
    return ended_ ? over_ : platform_.host().stop();
  }
  accepted indicate(std::span<incoming> messages) noexcept override {
    if (is_over("the provider indicated a message after terminate_session had ended"))
      return errc::terminated;
    if (!activated_)
      trial_.fail("G6", "the provider indicated a message before it was asked to become active");
    const accepted taken = platform_.host().indicate(messages);
    if (taken.why == errc::unknown_transport_id)
      trial_.fail("G33", "the provider indicated a message to an id that it was never given");
    if (taken.why == errc::message_empty)
      trial_.fail("G37", "the provider indicated a message without a byte");
    return taken;
  }
  bool answer_now(instance_call& call, const task_context& caller,
                  status& answer) noexcept override {
    if (!is_over("the provider made a call after terminate_session had ended"))
      return platform_.host().answer_now(call, caller, answer);
    answer = errc::terminated;
    return true;
  }
  void pend(instance_call& call) noexcept override { platform_.host().pend(call); }
  status spawn(task<> work) noexcept override {
    if (is_over("the provider spawned a task after terminate_session had ended"))
      return errc::terminated;
    return platform_.host().spawn(std::move(work));
  }

 private:
  bool is_over(const char* what) noexcept {
    if (ended_) trial_.fail("G23", what);
    return ended_;
  }
  trial& trial_;
  instance platform_;
  bool activated_ = false;
  bool ended_ = false;
  stop_state over_;
};

/// The required rows of `P`, passed on, with their answers judged.
template <provider P>
class watched_rows {
 public:
  template <class Make>
  watched_rows(trial& t, Make& make) : trial_(t), watched_(t), inner_(made(t, make)) {}

  answer<void> establish_session(instance self) {
    return lockgate::detail::call_row<void>(
        [&] { return inner_.establish_session(watched_.attach(self)); });
  }
  task<> terminate_session(termination_reason reason) {
    answer<void> given =
        lockgate::detail::call_row<void>([&] { return inner_.terminate_session(reason); });
    if (given.is_later()) co_await std::move(given).take_later();
    else lockgate::detail::rethrow_if(given.failure());
    watched_.session_ended();
  }
  answer<status> transition_active() {
    watched_.activation_began();
    return lockgate::detail::call_row<status>([&] { return inner_.transition_active(); });
  }
  answer<status> reach_transport_id(transport_id id) {
    return lockgate::detail::call_row<status>([&] { return inner_.reach_transport_id(id); });
  }
  answer<accepted> send_buffers(std::span<const outgoing> messages) {
    answer<accepted> given =
        lockgate::detail::call_row<accepted>([&] { return inner_.send_buffers(messages); });
    if (given.is_later()) return judge_later(std::move(given).take_later(), messages.size());
    if (!given.failure()) judge(given.now(), messages.size());
    return given;
  }

 protected:
  [[nodiscard]] P& inner() noexcept { return inner_; }

 private:
  template <class Make>
  static P made(trial& t, Make& make) {
    if constexpr (requires { make(t); }) return make(t);
    else return make();
  }
  task<accepted> judge_later(task<accepted> work, std::size_t count) {
    const accepted given = co_await std::move(work);
    judge(given, count);
    co_return given;
  }
  void judge(const accepted& given, std::size_t count) noexcept {
    trial_.require(given.count <= count, "G26",
                   "send_buffers said that it accepted more messages than it was given");
    trial_.require(given.count < count || given.why.ok(), "G26",
                   "send_buffers accepted every message and gave a reason for refusing the next");
    trial_.require(given.count >= count || !given.why.ok(), "G26",
                   "send_buffers accepted fewer messages and gave no reason");
  }

  trial& trial_;
  watched_instance watched_;
  P inner_;
};

/// The same with row 4.
template <class Rows>
class with_dormant_row : public Rows {
 public:
  using Rows::Rows;
  answer<status> transition_dormant() {
    return lockgate::detail::call_row<status>([&] { return this->inner().transition_dormant(); });
  }
};

/// The same with rows 5 and 6.
template <class Rows>
class with_id_rows : public Rows {
 public:
  using Rows::Rows;
  answer<status> add_transport_id(transport_id id) {
    return lockgate::detail::call_row<status>([&] { return this->inner().add_transport_id(id); });
  }
  answer<status> remove_transport_id(transport_id id) {
    return lockgate::detail::call_row<status>(
        [&] { return this->inner().remove_transport_id(id); });
  }
};

namespace detail {
template <provider P>
using rows_up_to_dormant =
    std::conditional_t<transitions_dormant<P>, with_dormant_row<watched_rows<P>>, watched_rows<P>>;
}

/// A provider with exactly the rows that `P` has.
template <provider P>
using provider_probe =
    std::conditional_t<adds_transport_id<P>, with_id_rows<detail::rows_up_to_dormant<P>>,
                       detail::rows_up_to_dormant<P>>;

}  // namespace lockgate::inline v0::testing

// Registering and deregistering: what other threads ask the platform's thread for.
#pragma once

#include "lockgate/capi/blocking_call.hpp"  // for blocking_call
#include "lockgate/capi/c_instance.hpp"     // for c_instance, run_down
#include "lockgate/capi/c_rows.hpp"         // for c_table
#include "lockgate/capi/cpnatfwt.h"         // for CPNATFWT_MAX_INTERFACE_NAME_LENGTH
#include "lockgate/capi/host.hpp"           // for host
#include "lockgate/capi/hresult.hpp"        // for to_hresult
#include "lockgate/capi/indication.hpp"     // for return_queued_messages
#include "lockgate/capi/utf16.hpp"          // for to_utf8
#include "lockgate/coro/task.hpp"           // for task, task_completion

#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t, uintptr_t
#include <string>   // for string, to_string

namespace lockgate::inline v0::capi::detail {

/// The arguments of Register, converted, and its outcome. Until that is settled the handle is in
/// phase `registering`; where it never is, for want of memory, the handle is `created` again.
class registration_request {
 public:
  explicit registration_request(c_instance& of) noexcept : of_(of) {}
  registration_request(const registration_request&) = delete;
  ~registration_request() {
    if (!finished_) move_on(handle_phase::created);
  }
  /// Errors: throws `std::bad_alloc`.
  void read(const WCHAR* name, const IF_LUID* luid, ULONG flags, const WCHAR* sddl) {
    provider_name_ = "cpnatfwt " + std::to_string(reinterpret_cast<std::uintptr_t>(of_.identity));
    // One unit more than fits, so that the platform sees that there is something to cut.
    if (name) name_ = to_utf8(name, CPNATFWT_MAX_INTERFACE_NAME_LENGTH);
    if (sddl) access_ = to_utf8(sddl, static_cast<std::size_t>(-1));
    wish_.friendly_name = name_;
    wish_.interface_luid = luid ? luid->Value : 0;
    wish_.flags = flags;
    wish_.access = access_;
    wish_.provider_name = provider_name_;
  }
  [[nodiscard]] std::uint64_t luid() const noexcept { return wish_.interface_luid; }

  /// Registers on the platform's thread. Completes: with the outcome, which `finish` then takes in
  /// within the same step: the handle has moved on before the session does anything.
  task<status> carry_out() {
    of_.registered = host::get().platform().create(any_provider(c_table, &of_));
    const status granted = co_await of_.registered.register_instance(wish_);
    co_return finish(granted);
  }
  /// The same where nobody can wait: a policy that does not decide at once is given up.
  status carry_out_now() {
    task<status> work = carry_out();
    if (!work.valid()) return finish(errc::no_memory);
    stop_state never_stopped;
    const task_context context{&host::get().home(), &never_stopped, nullptr};
    struct nobody final : task_completion {
      nobody() noexcept : task_completion([](task_completion&) noexcept {}) {}
    } nobody_waits;
    work.start(context, nobody_waits);
    if (work.done()) return work.take();
    work.reset();
    return finish(errc::would_block);
  }
  status finish(status granted) noexcept {
    if (!granted.ok()) of_.registered = provider_instance();
    wish_.interface_luid = of_.registered.interface_luid();
    finished_ = true;  // from the next line on the handle may be registered or destroyed again
    move_on(!granted.ok() ? handle_phase::created : handle_phase::registered);
    return granted;
  }

 private:
  void move_on(handle_phase to) noexcept {
    of_.gate.move(of_.generation(), handle_phase::registering, to);
  }

  c_instance& of_;
  bool finished_ = false;
  std::string provider_name_, name_, access_;
  registration wish_;
};

/// Deregister from another thread.
class deregistration_request final : posted_item {
 public:
  explicit deregistration_request(c_instance& of, std::uint32_t generation) noexcept
      : posted_item(
            [](posted_item& self) noexcept {
              static_cast<deregistration_request&>(self).carry_out();
            },
            [](posted_item&) noexcept {}),
        of_(of), generation_(generation) {}
  HRESULT post_and_wait() noexcept {
    host::get().post(*this);
    return done_.wait();
  }

 private:
  void carry_out() noexcept {
    const instance_gate::view now = of_.gate.look();
    if (now.generation() != generation_ || now.phase() == handle_phase::unused)
      return done_.finish(E_HANDLE);
    // Another thread's call has finished since this one was made: it is joined all the same (U18).
    if (now.phase() == handle_phase::deregistered) return done_.finish(S_OK);
    const status accepted = of_.deregister(&done_);
    if (!accepted.ok()) done_.finish(to_hresult(accepted));
  }

  c_instance& of_;
  std::uint32_t generation_;
  blocking_call done_;
};

/// From the request to the point where nothing of the instance is left with the platform.
inline task<> c_instance::run_down(c_instance* me) {
  static_cast<void>(co_await me->registered.deregister());
  return_queued_messages(*me);
  co_await me->all_left();
  me->finish();
}

}  // namespace lockgate::inline v0::capi::detail

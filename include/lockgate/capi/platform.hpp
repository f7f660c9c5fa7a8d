// The C++ side of the C surface: the application's way to the platform behind CPNatfwt*.
//
// The functions here are defined where implementation.hpp is compiled: in lockgate::capi.
#pragma once

#include "lockgate/base/exception.hpp"      // for caught_exception, rethrow_if
#include "lockgate/base/status.hpp"         // for status
#include "lockgate/capi/blocking_call.hpp"  // for blocking_call
#include "lockgate/capi/cpnatfwt.h"         // for CPNATFWT_PROVIDER_INSTANCE
#include "lockgate/coro/scheduler.hpp"      // for scheduler
#include "lockgate/coro/task.hpp"           // for task
#include "lockgate/platform/options.hpp"    // for platform_options
#include "lockgate/platform/platform.hpp"   // for platform, provider_instance

#include <cstdint>      // for uint64_t
#include <exception>    // for exception_ptr
#include <optional>     // for optional
#include <type_traits>  // for invoke_result_t, is_void_v, conditional_t
#include <utility>      // for move

namespace lockgate::inline v0::capi {

/// The platform that C providers register with; its thread is started when it is first needed.
///
/// Everything of it lives on that thread: other threads use `run`, or post to its scheduler.
/// Errors: throws `std::system_error` when the thread cannot be started.
[[nodiscard]] lockgate::platform& platform();

/// Starts the platform with options of its own. Requires: it is not running.
void start(const platform_options& options);

/// Ends every session with reason platform_shutdown, then the platform's thread. Providers may
/// deregister and destroy their instances afterwards; what is needed next starts a new platform.
///
/// Requires: not called on the platform's thread, nor while another thread is inside a call.
void stop();

/// The instance behind a handle. Null for one that is stale or has no session. Requires: called on
/// the platform's thread.
[[nodiscard]] provider_instance* find_instance(CPNATFWT_PROVIDER_INSTANCE handle) noexcept;

/// What the C surface was told in vain.
struct misuse_statistics {
  std::uint64_t ignored_completions = 0;  ///< second, stale, or after a synchronous result (G27)
  std::uint64_t stale_handles = 0;        ///< calls with the handle of a destroyed instance
  std::uint64_t ignored_destroys = 0;     ///< second ones (G18), and those that would have to wait
};
/// Callable on any thread.
[[nodiscard]] misuse_statistics misuse() noexcept;

/// While it lives, the platform of C providers has no thread of its own but runs where the thread
/// that made this lets it: in tests that choose every step, or in the program's own loop.
///
/// Requires: the platform is not running; every instance is deregistered when this is destroyed.
/// Lifetime: `home`, or `on`, outlives it.
class stepped_platform {
 public:
  explicit stepped_platform(scheduler& home, const platform_options& options = platform_options());
  /// C providers register with `on`, next to its C++ providers.
  explicit stepped_platform(lockgate::platform& on);
  stepped_platform(const stepped_platform&) = delete;
  ~stepped_platform();
};

namespace detail {

/// Starts `work` on the platform's thread. Requires: called there.
status spawn(task<> work) noexcept;
[[nodiscard]] bool on_platform_thread() noexcept;

template <class T>
struct run_outcome {
  blocking_call done;
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
  std::exception_ptr failure;
};

template <class T>
task<> run_and_tell(task<T> work, run_outcome<T>* out) {
#if LOCKGATE_HAS_EXCEPTIONS
  try {
#endif
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
      out->value.emplace(true);
    } else {
      out->value.emplace(co_await std::move(work));
    }
#if LOCKGATE_HAS_EXCEPTIONS
  } catch (...) {
    out->failure = lockgate::detail::caught_exception();
  }
#endif
  out->done.finish(S_OK);
}

}  // namespace detail

/// Runs the task that `make()` gives on the platform's thread, waits for it, and returns its
/// result: how a program sends through a C provider.
///
/// Requires: not called on the platform's thread.
/// Errors: throws what the task throws, or `std::bad_alloc`.
template <class F>
auto run(F make) {
  using result_type = typename std::invoke_result_t<F&>::value_type;
  LOCKGATE_REQUIRE(!detail::on_platform_thread(), "capi: run() waits for the thread it is on");
  detail::run_outcome<result_type> out;
  platform().home().post([&make, &out] {
    const status started = detail::spawn(detail::run_and_tell<result_type>(make(), &out));
    if (!started.ok()) out.done.finish(E_OUTOFMEMORY);
  });
  out.done.wait();
  lockgate::detail::rethrow_if(out.failure);
  if (!out.value) lockgate::detail::out_of_memory("capi: no memory to run a task");
  if constexpr (!std::is_void_v<result_type>) return std::move(*out.value);
}

}  // namespace lockgate::inline v0::capi

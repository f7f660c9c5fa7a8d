// Awaiting an asio::awaitable in a lockgate task. Needs an Asio that has co_await: with clang and
// Asio 1.22 define ASIO_HAS_CO_AWAIT=1 and ASIO_HAS_STD_COROUTINE=1.
#pragma once

#include "lockgate/asio/as_operation.hpp"  // for as_operation
#include "lockgate/coro/task.hpp"          // for task

#include <asio/awaitable.hpp>  // for awaitable
#include <asio/co_spawn.hpp>   // for co_spawn

#include <type_traits>  // for is_void_v
#include <utility>      // for move

#if !defined(ASIO_HAS_CO_AWAIT)
#error \
    "lockgate: this Asio has no coroutines with this compiler; see the first lines of this header"
#endif

namespace lockgate::inline v0 {

/// Runs `work` on `executor` as part of the awaiting task; a provider's row may return it.
///
/// Requires: `T` is void or default-constructible (asio::co_spawn's own condition).
/// Completes: with the value, or the exception that left `work`.
/// Cancellation: a stop cancels what `work` awaits and waits for its end. Where `T` can hold it,
///               the answer is then `errc::canceled` if `work` ended with an exception.
template <class Executor, class T>
task<T> await_asio(Executor executor, asio::awaitable<T, Executor> work) {
  auto spawned = asio::co_spawn(executor, std::move(work), as_operation);
  if constexpr (std::is_void_v<T>) co_await std::move(spawned);
  else co_return co_await std::move(spawned);
}
/// The same on a network.
template <class Network, class T>
  requires requires(Network& net) { net.context().get_executor(); }
task<T> await_asio(Network& network, asio::awaitable<T> work) {
  return await_asio(asio::any_io_executor(network.context().get_executor()), std::move(work));
}

}  // namespace lockgate::inline v0

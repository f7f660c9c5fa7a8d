// An application's operations for Asio code, with any completion token.
#pragma once

#include "lockgate/asio/async_run.hpp"     // for async_run
#include "lockgate/base/result.hpp"        // for result
#include "lockgate/base/status.hpp"        // for status
#include "lockgate/base/transport_id.hpp"  // for transport_id
#include "lockgate/buffer/chain.hpp"       // for chain
#include "lockgate/coro/task.hpp"          // for task
#include "lockgate/platform/platform.hpp"  // for platform, endpoint, provider_instance
#include "lockgate/provider/message.hpp"   // for incoming

#include <asio/associator.hpp>    // for associator
#include <asio/async_result.hpp>  // for async_initiate

#include <exception>     // for exception_ptr
#include <system_error>  // for error_code
#include <type_traits>   // for decay_t
#include <utility>       // for move, forward

// Every operation here completes with an error code and, some of them, a value, as Asio's own do.
// It may be started on any thread; it runs on the network's, and the handler on its own executor.
// Cancellation: the handler's cancellation slot, emitted on the network's thread.
// Lifetime: the platform's object that it is about outlives the operation.

namespace lockgate::inline v0 {

namespace detail {

/// Calls a handler that wants an error code, in answer to one of our tasks. It is kept by its type.
template <class Handler>
class coded_handler {
 public:
  explicit coded_handler(Handler&& handler) : handler_(std::move(handler)) {}
  [[nodiscard]] const Handler& handler() const noexcept { return handler_; }

  // Our own tasks let no exception out but for want of memory.
  void operator()(const std::exception_ptr& thrown, const status& answer) {
    std::move(handler_)(thrown ? make_error_code(errc::no_memory) : answer.code());
  }
  template <class T>
  void operator()(const std::exception_ptr& thrown, result<T>&& answer) {
    if (thrown) std::move(handler_)(make_error_code(errc::no_memory), T());
    else if (!answer) std::move(handler_)(answer.error().code(), T());
    else std::move(handler_)(std::error_code(), std::move(*answer));
  }

 private:
  Handler handler_;
};

template <class Signature, class Network, class T, class Token>
auto async_coded(Network& network, task<T> work, Token&& token) {
  return asio::async_initiate<Token, Signature>(
      [&network](auto&& handler, task<T> started) {
        using handler_type = std::decay_t<decltype(handler)>;
        async_run(network, std::move(started),
                  coded_handler<handler_type>(std::forward<decltype(handler)>(handler)));
      },
      token, std::move(work));
}

inline task<result<transport_id>> ready_task(endpoint* at) {
  co_return co_await at->ready();
}
inline task<status> send_task(endpoint* from, transport_id to, chain payload) {
  co_return co_await from->send_to(to, payload);
}
inline task<result<incoming>> receive_task(endpoint* at) {
  co_return co_await at->receive();
}
inline task<status> deregister_task(provider_instance* link) {
  co_return co_await link->deregister();
}

}  // namespace detail

/// `endpoint::ready`. Handler: `void(std::error_code, transport_id)`.
template <class Network, class Token>
auto async_ready(Network& network, endpoint& at, Token&& token) {
  return detail::async_coded<void(std::error_code, transport_id)>(network, detail::ready_task(&at),
                                                                  std::forward<Token>(token));
}

/// `endpoint::send_to` for one message. Handler: `void(std::error_code)`.
/// Lifetime: the payload's bytes are borrowed until completion.
template <class Network, class Token>
auto async_send_to(Network& network, endpoint& from, const transport_id& to, const chain& payload,
                   Token&& token) {
  return detail::async_coded<void(std::error_code)>(network, detail::send_task(&from, to, payload),
                                                    std::forward<Token>(token));
}

/// `endpoint::receive`. Handler: `void(std::error_code, incoming)`.
/// Lifetime: the message belongs to the network's thread; let a handler elsewhere have a
///           `shared_lease` of it.
template <class Network, class Token>
auto async_receive(Network& network, endpoint& at, Token&& token) {
  return detail::async_coded<void(std::error_code, incoming)>(network, detail::receive_task(&at),
                                                              std::forward<Token>(token));
}

/// `provider_instance::register_instance`. Handler: `void(std::error_code)`.
/// Lifetime: the registration's texts are borrowed until completion.
template <class Network, class Token>
auto async_register(Network& network, provider_instance& link, const registration& wish,
                    Token&& token) {
  return detail::async_coded<void(std::error_code)>(network, link.register_instance(wish),
                                                    std::forward<Token>(token));
}

/// `provider_instance::deregister`. Handler: `void(std::error_code)`.
template <class Network, class Token>
auto async_deregister(Network& network, provider_instance& link, Token&& token) {
  return detail::async_coded<void(std::error_code)>(network, detail::deregister_task(&link),
                                                    std::forward<Token>(token));
}

/// `platform::stop`. Handler: `void(std::error_code)`.
template <class Network, class Token>
auto async_stop(Network& network, platform& cp, Token&& token) {
  return detail::async_coded<void(std::error_code)>(network, cp.stop(), std::forward<Token>(token));
}

}  // namespace lockgate::inline v0

/// The executor, allocator and cancellation slot are those of the handler inside.
template <template <class, class> class Associator, class Handler, class Default>
struct asio::associator<Associator, lockgate::detail::coded_handler<Handler>, Default>
    : Associator<Handler, Default> {
  static decltype(auto) get(const lockgate::detail::coded_handler<Handler>& h) noexcept {
    return Associator<Handler, Default>::get(h.handler());
  }
  static decltype(auto) get(const lockgate::detail::coded_handler<Handler>& h,
                            const Default& otherwise) noexcept {
    return Associator<Handler, Default>::get(h.handler(), otherwise);
  }
};

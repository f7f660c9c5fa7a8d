// Name look-ups in an io_context that a stop need not wait for.
#pragma once

#include "lockgate/asio/endpoint.hpp"      // for from_endpoint
#include "lockgate/asio/system_error.hpp"  // for from_asio
#include "lockgate/base/address.hpp"       // for ip_address
#include "lockgate/base/address_text.hpp"  // for parse_ip_address
#include "lockgate/base/result.hpp"        // for result
#include "lockgate/coro/task.hpp"          // for task
#include "lockgate/coro/wait_list.hpp"     // for wait_list

#include <asio/error.hpp>       // for operation_aborted
#include <asio/io_context.hpp>  // for io_context
#include <asio/ip/tcp.hpp>      // for tcp::resolver

#include <algorithm>     // for find
#include <memory>        // for shared_ptr, make_shared
#include <string>        // for string
#include <system_error>  // for error_code
#include <utility>       // for move
#include <vector>        // for vector

namespace lockgate::inline v0 {

/// The addresses of `name`, as the system prefers them; see `resolving_network`.
///
/// Completes: at once with the address itself when `name` is one.
/// Errors: what the system says; `errc::unreachable` for a name without addresses.
/// Cancellation: ends at once. The system's look-up cannot be interrupted: it goes on in Asio's
///               thread, for which the `io_context` waits when it is destroyed.
// NOLINTNEXTLINE(*-reference-coroutine-parameters): a context outlives what it runs
inline task<result<std::vector<ip_address>>> resolve_with_asio(asio::io_context& context,
                                                               std::string name) {
  using answer = result<std::vector<ip_address>>;
  if (const auto literal = parse_ip_address(name); literal)
    co_return answer(std::vector<ip_address>(1, *literal));
  struct lookup {
    explicit lookup(asio::io_context& in) : resolver(in) {}
    asio::ip::tcp::resolver resolver;
    wait_list waiting;
    std::vector<ip_address> found;
  };
  const auto shared = std::make_shared<lookup>(context);
  shared->resolver.async_resolve(
      name, std::string(),
      [shared](std::error_code error, const asio::ip::tcp::resolver::results_type& results) {
        for (const auto& entry : results) {
          const ip_address ip = from_endpoint(entry.endpoint()).ip;
          auto& found = shared->found;
          if (std::find(found.begin(), found.end(), ip) == found.end()) found.push_back(ip);
        }
        status outcome;
        if (error) outcome = from_asio(error);
        else if (shared->found.empty()) outcome = errc::unreachable;
        shared->waiting.complete_all(outcome);
      });
  const status ended = co_await shared->waiting.wait();
  if (!ended.ok()) co_return answer(ended);
  co_return answer(std::move(shared->found));
}

}  // namespace lockgate::inline v0

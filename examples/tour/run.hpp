#pragma once
#include "lockgate/asio/async_run.hpp"
#include "lockgate/asio/network.hpp"
#include "lockgate/lockgate.hpp"

#include <array>
#include <iostream>
#include <string_view>
#include <system_error>

/// Ends the program when something failed.
inline void check(const lockgate::status& outcome) {
  if (!outcome.ok()) throw std::system_error(outcome.code());
}

inline lockgate::chain bytes_of(std::string_view text) {
  return lockgate::chain(std::as_bytes(std::span(text)));
}

/// Runs a task, and with it everything of the network, until there is nothing left to do.
inline void run(lockgate::asio_network& net, lockgate::task<> work) {
  lockgate::async_run(net, std::move(work), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  net.context().run();
}

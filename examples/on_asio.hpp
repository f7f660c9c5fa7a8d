// Runs an example's task on Asio, to its end.
#pragma once

#include "lockgate/asio/async_run.hpp"  // for async_run
#include "lockgate/asio/network.hpp"    // for asio_network

#include <exception>  // for exception_ptr, rethrow_exception
#include <utility>    // for move

inline void run_on(lockgate::asio_network& net, lockgate::task<> work) {
  lockgate::async_run(net, std::move(work), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  net.context().run();
}

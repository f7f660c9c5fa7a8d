// How does Asio code use a platform? With the completion token it likes: a callback, a future, or
// use_awaitable in an Asio coroutine.
#include "lockgate/asio/application.hpp"
#include "lockgate/direct/direct.hpp"
#include "lockgate/lockgate.hpp"

#include "lockgate/asio/network.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <array>        // for array
#include <iostream>     // for cout
#include <string_view>  // for string_view
#include <thread>       // for thread

using namespace lockgate;

constexpr std::string_view greeting = "a message to oneself";

asio::awaitable<void> talk(asio_network& net, endpoint& app) {
  const transport_id self = app.id();
  co_await async_send_to(net, app, self, chain(std::as_bytes(std::span(greeting))),
                         asio::use_awaitable);
  incoming message = co_await async_receive(net, app, asio::use_awaitable);
  std::cout << "awaitable: received " << message.size() << " bytes\n";
  try {
    co_await async_send_to(net, app, transport_id(), chain(std::as_bytes(std::span(greeting))),
                           asio::use_awaitable);
  } catch (const std::system_error& error) {
    std::cout << "awaitable: " << error.code().message() << '\n';
  }
}

int main() {
  asio::io_context io;
  asio_network net(io);
  peer_table peers;
  peers.bind_others({ip_address::v4(127, 0, 0, 1), 0, 0});
  platform cp(net);
  provider_instance link = cp.create<direct<asio_network>>(net, peers);
  endpoint app = cp.open_endpoint();

  auto working = asio::make_work_guard(io);
  std::thread runs([&] { io.run(); });  // the platform lives on this thread

  async_register(net, link, registration(), asio::use_future).get();  // throws what fails
  const transport_id id = async_ready(net, app, asio::use_future).get();
  std::cout << "future: this endpoint is " << to_string(id) << '\n';

  // The peer is this endpoint itself.
  asio::post(io, [&] {
    const auto* provider = link.get_if<direct<asio_network>>();
    if (!peers.add(id, provider->local_address(id)).ok()) return working.reset();
    asio::co_spawn(io, talk(net, app), [&](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
      async_stop(net, cp, [&](std::error_code error) {
        std::cout << "callback: stopped, " << (error ? error.message() : "success") << '\n';
        working.reset();
      });
    });
  });
  runs.join();
  net.home().release_thread();  // what is left is destroyed on this thread
}

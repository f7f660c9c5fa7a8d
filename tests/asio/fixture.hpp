// Two sockets on one network in one io_context, and a bounded way to run a task on them.
#pragma once

#include "lockgate/asio/detail/linux_udp.hpp"     // for linux_udp
#include "lockgate/asio/detail/portable_udp.hpp"  // for portable_udp
#include "lockgate/asio/network.hpp"              // for basic_asio_network
#include "lockgate/coro/task.hpp"                 // for task
#include "lockgate/coro/task_group.hpp"           // for task_group

#include "support/doctest.hpp"

#include <asio/executor_work_guard.hpp>  // for make_work_guard

#include <chrono>   // for seconds
#include <cstddef>  // for byte, size_t
#include <utility>  // for move
#include <vector>   // for vector

namespace test_asio {

using namespace lockgate;

inline const socket_address any_port{ip_address::v4(127, 0, 0, 1), 0, 0};

/// Bytes that tell which message they belong to.
inline std::vector<std::byte> pattern(std::size_t size, std::size_t seed) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>((seed * 131 + i * 7 + (i >> 8)) & 0xff);
  return out;
}
inline bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

template <class Transfer>
struct two_sockets {
  using network = basic_asio_network<Transfer>;
  using socket = typename network::datagram_socket_type;

  explicit two_sockets(const network_options& options = {})
      : net(io, options), tasks(net.home()), a(open()), b(open()) {}
  socket open(const socket_address& local = any_port) {
    auto opened = net.open_datagram(local);
    REQUIRE(opened);
    return std::move(*opened);
  }
  /// Starts `work` without waiting for it.
  void start(task<> work) {
    const status started = tasks.spawn(std::move(work));
    REQUIRE(started.ok());
  }
  void run(task<> work) {
    start(std::move(work));
    run_all();
  }
  void run_all() {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    io.restart();
    const auto working = asio::make_work_guard(io);
    while (tasks.size() > 0 && std::chrono::steady_clock::now() < give_up)
      io.run_one_for(std::chrono::seconds(1));
    REQUIRE_MESSAGE(tasks.size() == 0, "the test's task did not end");
  }

  asio::io_context io;
  network net;
  task_group tasks;
  socket a, b;
};

/// Sends everything, waiting where it must.
template <class Socket>
task<> send_all(Socket& from, std::vector<outgoing_datagram> batch) {
  std::size_t done = 0;
  while (done < batch.size()) {
    const accepted answer = from.try_send(std::span(batch).subspan(done));
    done += answer.count;
    if (answer.why.ok()) continue;
    REQUIRE(answer.why == errc::would_block);
    const status waited = co_await from.writable();
    REQUIRE(waited.ok());
  }
}

/// Receives `count` datagrams, `room` at most with one call.
template <class Socket>
task<std::vector<received_datagram>> receive_all(Socket& at, std::size_t count, std::size_t room) {
  std::vector<received_datagram> all;
  std::vector<received_datagram> batch(room);
  while (all.size() < count) {
    const result<std::size_t> got = co_await at.receive(batch);
    REQUIRE(got);
    for (std::size_t i = 0; i < *got; ++i) all.push_back(std::move(batch[i]));
  }
  co_return all;
}

}  // namespace test_asio

// TCP and TLS streams and name look-ups over Asio, on the loopback interface.
#include "lockgate/asio/stream_network.hpp"  // for asio_stream_network
#include "lockgate/coro/deadline.hpp"        // for with_timeout
#include "lockgate/coro/sleep.hpp"           // for yield
#include "lockgate/coro/task_group.hpp"      // for task_group
#include "support/certificate.hpp"           // for self_signed
#include "support/doctest.hpp"

#include <asio/executor_work_guard.hpp>  // for make_work_guard
#include <asio/ip/tcp.hpp>               // for tcp::acceptor
#include <asio/ssl/stream.hpp>           // for ssl::stream

#include <chrono>   // for seconds
#include <cstring>  // for memcmp
#include <vector>   // for vector

using namespace lockgate;

namespace {

using tcp = asio::ip::tcp;
constexpr const char* server_name = "stream.example";

/// A network, and a server that sends everything back.
struct world {
  world() : net(io), tasks(net.home()), certificate(server_name), tls(certificate.server()) {
    net.tls().add_certificate_authority(asio::buffer(certificate.certificate));
  }
  [[nodiscard]] stream_target target(bool secured) const {
    stream_target out;
    out.to = from_endpoint(acceptor.local_endpoint());
    out.secured = secured;
    out.name = server_name;
    return out;
  }
  void run(task<> work) {
    REQUIRE(tasks.spawn(std::move(work)).ok());
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    io.restart();
    const auto working = asio::make_work_guard(io);
    while (tasks.size() > 0 && std::chrono::steady_clock::now() < give_up)
      io.run_one_for(std::chrono::seconds(1));
    REQUIRE_MESSAGE(tasks.size() == 0, "the test's task did not end");
  }

  asio::io_context io;
  asio_stream_network net;
  task_group tasks;
  test_support::self_signed certificate;
  asio::ssl::context tls;
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

template <class Stream>
task<> echo(Stream& stream) {
  std::vector<std::byte> bytes(10000);
  for (;;) {
    const result<std::size_t> got =
        co_await stream.async_read_some(asio::buffer(bytes), as_operation);
    if (!got) co_return;
    const result<std::size_t> put =
        co_await asio::async_write(stream, asio::buffer(bytes.data(), *got), as_operation);
    if (!put) co_return;
  }
}

/// Serves one connection, and leaves it in the middle of everything after that.
task<> serve(world& w, bool secured) {
  tcp::socket socket(w.io);
  const status accepted = co_await w.acceptor.async_accept(socket, as_operation);
  REQUIRE(accepted.ok());
  if (!secured) {
    co_await echo(socket);
    co_return;
  }
  asio::ssl::stream<tcp::socket&> stream(socket, w.tls);
  const status shaken =
      co_await stream.async_handshake(asio::ssl::stream_base::server, as_operation);
  if (!shaken.ok()) co_return;
  co_await echo(stream);
}

task<> send_it(asio_stream& stream, const std::vector<std::byte>& bytes) {
  const status given = co_await stream.send(bytes);
  CHECK(given.ok());
}

task<> exchange(world& w, bool secured) {
  result<asio_stream> made = co_await w.net.connect(w.target(secured));
  REQUIRE(made);
  CHECK(made->local_address().ip.is_loopback());
  std::vector<std::byte> bytes(300000), back;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 >> 3);
  REQUIRE(w.tasks.spawn(send_it(*made, bytes)).ok());
  std::vector<std::byte> some(8000);
  while (back.size() < bytes.size()) {
    const result<std::size_t> got = co_await made->receive(some);
    REQUIRE(got);
    back.insert(back.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(*got));
  }
  CHECK(back == bytes);
  made->close();
  const result<std::size_t> after = co_await made->receive(some);
  CHECK(after.error() == errc::closed);
  const status sent_after = co_await made->send(bytes);
  CHECK(sent_after == errc::closed);
}

task<> receive_end(world& w, bool secured, status& ended) {
  result<asio_stream> made = co_await w.net.connect(w.target(secured));
  REQUIRE(made);
  std::vector<std::byte> some(100);
  const result<std::size_t> got = co_await made->receive(some);
  ended = got.error();
}
task<> accept_and_leave(world& w) {
  tcp::socket socket(w.io);
  const status accepted = co_await w.acceptor.async_accept(socket, as_operation);
  REQUIRE(accepted.ok());
}

task<> connect_to(world& w, stream_target target, status& outcome) {
  const result<asio_stream> made = co_await w.net.connect(target);
  outcome = made ? status() : made.error();
}

task<> close_while_waiting(world& w, bool stop_instead, status& outcome) {
  result<asio_stream> made = co_await w.net.connect(w.target(true));
  REQUIRE(made);
  std::vector<std::byte> some(100);
  if (stop_instead) {
    const auto got = co_await with_timeout(made->receive(some), std::chrono::milliseconds(20));
    outcome = got.error();
    co_return;
  }
  struct closing {
    static task<> later(asio_stream& stream) {
      co_await yield();
      stream.close();
    }
  };
  REQUIRE(w.tasks.spawn(closing::later(*made)).ok());
  const result<std::size_t> got = co_await made->receive(some);
  outcome = got.error();
}

task<> look_up(world& w, std::string name, result<std::vector<ip_address>>& found) {
  found = co_await w.net.resolve(name);
}

}  // namespace

TEST_CASE("bytes pass a stream both ways, plain and secured") {
  for (const bool secured : {false, true}) {
    CAPTURE(secured);
    world w;
    REQUIRE(w.tasks.spawn(serve(w, secured)).ok());
    w.run(exchange(w, secured));
  }
}

TEST_CASE("a stream's end is errc::closed") {
  world w;
  status ended;
  REQUIRE(w.tasks.spawn(accept_and_leave(w)).ok());
  w.run(receive_end(w, false, ended));
  CHECK(ended == errc::closed);
}

TEST_CASE("a secured stream refuses a name that is not in the certificate, or nobody's word") {
  status outcome;
  SUBCASE("another name") {
    world w;
    REQUIRE(w.tasks.spawn(serve(w, true)).ok());
    stream_target target = w.target(true);
    target.name = "other.example";
    w.run(connect_to(w, target, outcome));
  }
  SUBCASE("an unknown authority") {
    world w;
    w.tls = test_support::self_signed(server_name).server();
    REQUIRE(w.tasks.spawn(serve(w, true)).ok());
    w.run(connect_to(w, w.target(true), outcome));
  }
  CHECK_FALSE(outcome.ok());
}

TEST_CASE("connecting to nobody fails") {
  world w;
  stream_target target = w.target(false);
  w.acceptor.close();
  status outcome;
  w.run(connect_to(w, target, outcome));
  CHECK(outcome == std::errc::connection_refused);
}

TEST_CASE("closing and stopping end a receive that waits") {
  for (const bool stop_instead : {false, true}) {
    CAPTURE(stop_instead);
    world w;
    status outcome;
    REQUIRE(w.tasks.spawn(serve(w, true)).ok());
    w.run(close_while_waiting(w, stop_instead, outcome));
    CHECK(outcome == (stop_instead ? errc::timed_out : errc::closed));
  }
}

TEST_CASE("addresses are their own names, and localhost is found") {
  world w;
  result<std::vector<ip_address>> found = errc::closed;
  w.run(look_up(w, "192.0.2.7", found));
  REQUIRE(found);
  CHECK(*found == std::vector<ip_address>(1, ip_address::v4(192, 0, 2, 7)));
  w.run(look_up(w, "localhost", found));
  REQUIRE(found);
  CHECK(found->front().is_loopback());
}

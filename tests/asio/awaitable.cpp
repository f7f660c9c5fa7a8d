// asio::awaitable on both sides: started from our tasks, and awaiting them.
#include <asio/detail/config.hpp>  // for ASIO_HAS_CO_AWAIT

#if defined(ASIO_HAS_CO_AWAIT)

#include "asio/fixture.hpp"  // for two_sockets

#include "lockgate/asio/async_run.hpp"   // for async_run
#include "lockgate/asio/await_asio.hpp"  // for await_asio
#include "lockgate/coro/deadline.hpp"    // for with_timeout
#include "lockgate/coro/sleep.hpp"       // for sleep_for

#include <asio/co_spawn.hpp>       // for co_spawn
#include <asio/detached.hpp>       // for detached
#include <asio/steady_timer.hpp>   // for steady_timer
#include <asio/use_awaitable.hpp>  // for use_awaitable

#include <stdexcept>  // for runtime_error

using namespace test_asio;
using namespace std::chrono_literals;
using network = two_sockets<detail::default_udp>;

namespace {

asio::awaitable<int> asio_answer(asio::io_context& io, std::chrono::milliseconds time) {
  asio::steady_timer timer(io, time);
  co_await timer.async_wait(asio::use_awaitable);
  co_return 9;
}
asio::awaitable<status> asio_status(asio::io_context& io, std::chrono::milliseconds time) {
  asio::steady_timer timer(io, time);
  co_await timer.async_wait(asio::use_awaitable);
  co_return status();
}
asio::awaitable<void> asio_failure() {
  throw std::runtime_error("on purpose");
  co_return;
}
task<int> our_answer() {
  const status slept = co_await sleep_for(1ms);
  co_return slept.ok() ? 7 : -1;
}
asio::awaitable<void> ask_us(network& f, int& value) {
  value = co_await async_run(f.net, our_answer(), asio::use_awaitable);
}
task<> ask_asio(network& f) {
  const int value = co_await await_asio(f.net, asio_answer(f.io, 1ms));
  CHECK(value == 9);
  bool thrown = false;
  try {
    co_await await_asio(f.net, asio_failure());
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  CHECK(thrown);
}
task<> ask_asio_in_time(network& f) {
  const status outcome = co_await with_timeout(await_asio(f.net, asio_status(f.io, 10s)), 2ms);
  CHECK(outcome == errc::timed_out);
}

}  // namespace

TEST_CASE("a task awaits an asio::awaitable, its value or its exception") {
  network f;
  f.run(ask_asio(f));
}

TEST_CASE("a stop cancels an awaited asio::awaitable and waits for its end") {
  network f;
  f.run(ask_asio_in_time(f));
}

TEST_CASE("an asio::awaitable awaits a task") {
  network f;
  int value = 0;
  asio::co_spawn(f.io, ask_us(f, value), asio::detached);
  f.io.run_for(100ms);
  CHECK(value == 7);
}

TEST_CASE("F86: an io_context destroyed with both kinds suspended frees both") {
  network f;
  int value = 0;
  asio::co_spawn(f.io, ask_us(f, value), asio::detached);
  f.start(ask_asio_in_time(f));
  f.io.poll();
  CHECK(value == 0);
}

#endif

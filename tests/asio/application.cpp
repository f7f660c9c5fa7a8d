// An application's operations with the completion tokens of Asio.
#include "lockgate/asio/application.hpp"  // for async_send_to and the others

#include "lockgate/lockgate.hpp"  // for platform

#include "asio/fixture.hpp"  // for pattern, same
#include "support/doctest.hpp"

#include <asio/bind_cancellation_slot.hpp>  // for bind_cancellation_slot
#include <asio/bind_executor.hpp>           // for bind_executor
#include <asio/cancellation_signal.hpp>     // for cancellation_signal
#include <asio/co_spawn.hpp>                // for co_spawn
#include <asio/strand.hpp>                  // for strand
#include <asio/use_awaitable.hpp>           // for use_awaitable
#include <asio/use_future.hpp>              // for use_future

#include <future>   // for future
#include <memory>   // for unique_ptr
#include <thread>   // for thread
#include <utility>  // for move

using namespace lockgate;
using namespace std::chrono_literals;
using test_asio::pattern;
using test_asio::same;

namespace {

/// Hands every message back as coming from its receiver.
class echo {
 public:
  explicit echo(slab_pool& pool) noexcept : pool_(pool) {}
  void establish_session(instance self) { instance_ = self; }
  status transition_active() { return {}; }
  status reach_transport_id(transport_id peer) {
    return peer.is_nil() ? status(errc::unreachable) : status();
  }
  accepted send_buffers(std::span<const outgoing> messages) {
    for (const outgoing& m : messages) {
      const status echoed =
          instance_.indicate(incoming(m.local, m.remote, pool_.copy(m.payload.part(0))));
      REQUIRE(echoed.ok());
    }
    return messages.size();
  }
  void terminate_session(termination_reason) {}

 private:
  slab_pool& pool_;
  instance instance_;
};

struct echo_world {
  asio::io_context io;
  asio_network net{io};
  platform cp{net};
  provider_instance link = cp.create<echo>(net.buffers());
  endpoint app = cp.open_endpoint();
  std::vector<std::byte> bytes = pattern(100, 1);
  transport_id peer{std::array<std::byte, 16>{std::byte{0xfd}}};

  void run() { io.restart(), io.run_for(10s); }
};

/// A callback that can only be moved.
struct finish {
  explicit finish(std::error_code& out) : outcome(&out), mark(std::make_unique<int>(1)) {}
  void operator()(std::error_code error) { *outcome = error; }
  std::error_code* outcome;
  std::unique_ptr<int> mark;
};

}  // namespace

TEST_CASE("callbacks get an error code and a value") {
  echo_world w;
  std::error_code registered = errc::canceled, stopped = errc::canceled;
  int step = 0;
  async_register(w.net, w.link, registration(), finish(registered));
  async_ready(w.net, w.app, [&](std::error_code error, transport_id id) {
    CHECK_FALSE(error);
    CHECK(id == w.app.id());
    async_send_to(w.net, w.app, w.peer, chain(w.bytes), [&](std::error_code went) {
      CHECK_FALSE(went);
      async_receive(w.net, w.app, [&](std::error_code got, incoming message) {
        CHECK_FALSE(got);
        CHECK(same(message.contiguous(), w.bytes));
        ++step;
        async_deregister(w.net, w.link, [&](std::error_code drained) {
          CHECK_FALSE(drained);
          CHECK(w.link.state() == session_state::deregistered);
          ++step;
          async_stop(w.net, w.cp, finish(stopped));
        });
      });
    });
  });
  w.run();
  CHECK(step == 2);
  CHECK_FALSE(registered);
  CHECK_FALSE(stopped);
}

TEST_CASE("callbacks get the platform's errors") {
  echo_world w;
  std::error_code unreachable, deregistered, closed;
  async_register(w.net, w.link, registration(), [&](std::error_code error) {
    CHECK_FALSE(error);
    async_send_to(w.net, w.app, transport_id(), chain(w.bytes), finish(unreachable));
    async_register(w.net, w.link, registration(), [&](std::error_code again) {
      CHECK(again == errc::already_registered);
      async_stop(w.net, w.cp, [&](std::error_code stopped) {
        CHECK_FALSE(stopped);
        async_deregister(w.net, w.link, finish(deregistered));
        async_receive(w.net, w.app, [&](std::error_code got, incoming message) {
          closed = got;
          CHECK(message.size() == 0);
        });
      });
    });
  });
  w.run();
  CHECK(unreachable == std::errc::host_unreachable);
  CHECK_FALSE(deregistered);  // it was owed
  CHECK(closed == errc::closed);
}

TEST_CASE("futures on another thread") {
  echo_world w;
  auto working = asio::make_work_guard(w.io);
  std::thread runs([&] { w.io.run_for(60s); });
  async_register(w.net, w.link, registration(), asio::use_future).get();
  const transport_id id = async_ready(w.net, w.app, asio::use_future).get();
  CHECK_FALSE(id.is_nil());
  async_send_to(w.net, w.app, w.peer, chain(w.bytes), asio::use_future).get();
  bool refused = false;
  try {
    async_send_to(w.net, w.app, transport_id(), chain(w.bytes), asio::use_future).get();
  } catch (const std::system_error& error) {
    refused = error.code() == std::errc::host_unreachable;
  }
  CHECK(refused);
  async_stop(w.net, w.cp, asio::use_future).get();
  working.reset();
  runs.join();
  w.net.home().release_thread();
}

#if defined(ASIO_HAS_CO_AWAIT)
namespace {

asio::awaitable<void> converse(echo_world& w, bool& done) {
  co_await async_register(w.net, w.link, registration(), asio::use_awaitable);
  const transport_id id = co_await async_ready(w.net, w.app, asio::use_awaitable);
  CHECK(id == w.app.id());
  co_await async_send_to(w.net, w.app, w.peer, chain(w.bytes), asio::use_awaitable);
  incoming message = co_await async_receive(w.net, w.app, asio::use_awaitable);
  CHECK(message.remote == w.peer);
  CHECK(same(message.contiguous(), w.bytes));
  bool thrown = false;
  try {
    co_await async_send_to(w.net, w.app, w.peer, chain(), asio::use_awaitable);
  } catch (const std::system_error& error) {
    thrown = error.code() == errc::message_empty;
  }
  CHECK(thrown);
  co_await async_stop(w.net, w.cp, asio::use_awaitable);
  done = true;
}

}  // namespace

TEST_CASE("asio coroutines get values, and errors as exceptions") {
  echo_world w;
  bool done = false;
  asio::co_spawn(w.io, converse(w, done), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  w.run();
  CHECK(done);
}
#endif

TEST_CASE("a handler keeps its executor") {
  echo_world w;
  asio::io_context other;
  auto strand = asio::make_strand(other);
  bool called = false;
  async_register(w.net, w.link, registration(),
                 asio::bind_executor(strand, [&](std::error_code error) {
                   CHECK_FALSE(error);
                   CHECK(strand.running_in_this_thread());
                   called = true;
                 }));
  w.io.run_for(1s);
  CHECK_FALSE(called);
  other.run_for(10s);
  CHECK(called);
  std::error_code stopped;
  async_stop(w.net, w.cp, finish(stopped));
  w.run();
  CHECK_FALSE(stopped);
}

TEST_CASE("a handler's cancellation slot ends the wait") {
  echo_world w;
  asio::cancellation_signal signal;
  std::error_code outcome, stopped;
  async_receive(w.net, w.app,
                asio::bind_cancellation_slot(
                    signal.slot(), [&](std::error_code error, incoming) { outcome = error; }));
  w.io.poll();
  CHECK_FALSE(outcome);
  signal.emit(asio::cancellation_type::terminal);
  w.run();
  CHECK(outcome == std::errc::operation_canceled);
  async_stop(w.net, w.cp, finish(stopped));
  w.run();
  CHECK_FALSE(stopped);
}

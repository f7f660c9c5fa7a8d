// Asio operations in lockgate tasks, and lockgate tasks in Asio code.
#include "asio/fixture.hpp"  // for two_sockets

#include "lockgate/asio/as_operation.hpp"  // for as_operation
#include "lockgate/asio/async_run.hpp"     // for async_run
#include "lockgate/coro/deadline.hpp"      // for with_timeout
#include "lockgate/coro/sleep.hpp"         // for sleep_for
#include "support/allocation.hpp"          // for allocations_made

#include <asio/bind_cancellation_slot.hpp>  // for bind_cancellation_slot
#include <asio/bind_executor.hpp>           // for bind_executor
#include <asio/steady_timer.hpp>            // for steady_timer
#include <asio/use_future.hpp>              // for use_future

#include <memory>     // for unique_ptr, make_unique
#include <stdexcept>  // for runtime_error
#include <thread>     // for thread

using namespace test_asio;
using namespace std::chrono_literals;
using network = two_sockets<detail::default_udp>;

namespace {

/// Counts how often it is destroyed while it owns its mark.
struct mark {
  explicit mark(int& count) noexcept : destroyed(&count) {}
  mark(mark&& other) noexcept : destroyed(std::exchange(other.destroyed, nullptr)) {}
  ~mark() {
    if (destroyed) ++*destroyed;
  }
  int* destroyed;
};

task<status> wait_on(asio::steady_timer& timer) {
  co_return co_await timer.async_wait(as_operation);
}
task<> wait_and_tell(asio::steady_timer& timer, status& outcome, int& frames) {
  const mark frame(frames);
  outcome = errc::would_block;
  outcome = co_await timer.async_wait(as_operation);
}
task<int> answer_after(duration time, int value) {
  const status slept = co_await sleep_for(time);
  if (!slept.ok()) co_return -1;
  co_return value;
}
task<> fail() {
  const status slept = co_await sleep_for(1ms);
  if (slept.ok()) throw std::runtime_error("on purpose");
}

}  // namespace

TEST_CASE("an Asio timer completes a task with a status") {
  network f;
  asio::steady_timer timer(f.io, 2ms);
  status outcome;
  int frames = 0;
  f.run(wait_and_tell(timer, outcome, frames));
  CHECK(outcome.ok());
  CHECK(frames == 1);
}

TEST_CASE("an operation that gives a value completes with a result") {
  network f;
  asio::ip::udp::socket in(f.io, {asio::ip::address_v4::loopback(), 0});
  asio::ip::udp::socket out(f.io, {asio::ip::address_v4::loopback(), 0});
  struct flow {
    static task<> run(asio::ip::udp::socket& from, asio::ip::udp::socket& at) {
      std::array<char, 16> bytes{};
      asio::ip::udp::endpoint sender;
      const result<std::size_t> sent =
          co_await from.async_send_to(asio::buffer("hello", 5), at.local_endpoint(), as_operation);
      REQUIRE(sent);
      const result<std::size_t> got =
          co_await at.async_receive_from(asio::buffer(bytes), sender, as_operation);
      CHECK(*got == 5);
      CHECK(sender == from.local_endpoint());
      std::error_code ignored;
      at.close(ignored);
      const result<std::size_t> refused =
          co_await at.async_receive_from(asio::buffer(bytes), sender, as_operation);
      CHECK(refused.error() == std::errc::bad_file_descriptor);
    }
  };
  f.run(flow::run(out, in));
}

TEST_CASE("a stop before the start, while pending, and after the end") {
  network f;
  asio::steady_timer timer(f.io, 10s);
  status outcome;
  int frames = 0;
  f.start(wait_and_tell(timer, outcome, frames));
  f.io.run_for(5ms);
  f.tasks.request_stop();
  f.run_all();
  CHECK(outcome == errc::canceled);
  f.run(wait_and_tell(timer, outcome, frames));  // stopped before it starts
  CHECK(outcome == errc::canceled);
  CHECK(frames == 2);
  f.tasks.stop().reset();
  timer.expires_after(1ms);
  f.run(wait_and_tell(timer, outcome, frames));
  f.tasks.request_stop();
  CHECK(outcome.ok());
}

TEST_CASE("F88: a stop that comes with the completion already queued keeps the success") {
  network f;
  asio::steady_timer timer(f.io, 1ms);
  status outcome;
  int frames = 0;
  f.start(wait_and_tell(timer, outcome, frames));
  f.io.poll();
  std::this_thread::sleep_for(5ms);
  asio::post(f.io, [&] { f.tasks.request_stop(); });
  f.run_all();
  CHECK((outcome.ok() || outcome == errc::canceled));
  CHECK(frames == 1);
}

TEST_CASE("a deadline stops an Asio operation and awaits its end") {
  network f;
  asio::steady_timer timer(f.io, 10s);
  struct flow {
    static task<> run(asio::steady_timer& waiting) {
      const status outcome = co_await with_timeout(wait_on(waiting), 2ms);
      CHECK(outcome == errc::timed_out);
    }
  };
  f.run(flow::run(timer));
}

TEST_CASE("F86: a task destroyed with an operation pending is destroyed once and never resumed") {
  status outcome;
  int frames = 0;
  asio::io_context io;
  {
    asio_network net(io);
    asio::steady_timer timer(io, 1ms);
    {
      task_group tasks(net.home());
      REQUIRE(tasks.spawn(wait_and_tell(timer, outcome, frames)).ok());
      io.poll();
      CHECK(frames == 0);
    }
    CHECK(frames == 1);
    io.restart();
    io.run();
  }
  CHECK(frames == 1);
  CHECK(outcome == errc::would_block);
}

TEST_CASE("F86: an io_context destroyed with an operation pending resumes nothing") {
  network f;
  auto other = std::make_unique<asio::io_context>();
  bool resumed = false;
  struct flow {
    static task<> run(asio::io_context& elsewhere, bool& went_on) {
      co_await asio::post(elsewhere, as_operation);
      went_on = true;
    }
  };
  f.start(flow::run(*other, resumed));
  f.io.run_for(5ms);
  other.reset();
  f.io.run_for(5ms);
  CHECK_FALSE(resumed);
  CHECK(f.tasks.size() == 1);
}

TEST_CASE("F90: a handler on another thread's context resumes the task on its own thread") {
  network f;
  asio::io_context other;
  auto work = asio::make_work_guard(other);
  std::thread runner([&] { other.run(); });
  struct flow {
    static task<> run(asio::io_context& elsewhere) {
      const auto home = std::this_thread::get_id();
      for (int i = 0; i < 200; ++i) {
        asio::steady_timer timer(elsewhere, std::chrono::microseconds(i));
        const status outcome = co_await timer.async_wait(as_operation);
        REQUIRE(outcome.ok());
        REQUIRE(std::this_thread::get_id() == home);
      }
    }
  };
  f.run(flow::run(other));
  work.reset();
  runner.join();
}

TEST_CASE("awaiting Asio operations allocates nothing in a steady state") {
  network f;
  asio::steady_timer timer(f.io);
  struct flow {
    static task<> run(asio::steady_timer& t, int rounds) {
      for (int i = 0; i < rounds; ++i) {
        t.expires_after(std::chrono::microseconds(1));
        const status outcome = co_await t.async_wait(as_operation);
        REQUIRE(outcome.ok());
      }
    }
  };
  f.run(flow::run(timer, 20));
  const auto before = support::allocations_made();
  f.run(flow::run(timer, 300));
  if constexpr (LOCKGATE_ASAN == 0) CHECK(support::allocations_made() - before <= 4);
}

TEST_CASE("async_run completes a callback with the task's result or exception") {
  network f;
  int value = 0;
  bool failed = false, inside = true;
  async_run(f.net, answer_after(1ms, 42), [&](std::exception_ptr thrown, int v) {
    CHECK_FALSE(inside);
    CHECK_FALSE(thrown);
    value = v;
  });
  async_run(f.net, fail(), [&](std::exception_ptr thrown) {
    CHECK_THROWS_AS(std::rethrow_exception(thrown), std::runtime_error);
    failed = true;
  });
  inside = false;
  f.io.run_for(1s);
  CHECK(value == 42);
  CHECK(failed);
}

TEST_CASE("async_run keeps the io_context running until the task has ended") {
  asio::io_context io;
  asio_network net(io);
  int value = 0;
  async_run(net, answer_after(2ms, 5), [&](std::exception_ptr, int v) { value = v; });
  io.run();
  CHECK(value == 5);
}

TEST_CASE("async_run from another thread completes a future") {
  asio::io_context io;
  asio_network net(io);
  auto work = asio::make_work_guard(io);
  std::thread runner([&] { io.run(); });
  for (int i = 0; i < 50; ++i)
    CHECK(async_run(net, answer_after(std::chrono::microseconds(10), i), asio::use_future).get() ==
          i);
  CHECK_THROWS_AS(async_run(net, fail(), asio::use_future).get(), std::runtime_error);
  work.reset();
  runner.join();
  net.home().release_thread();
}

TEST_CASE("F47: async_run from many threads at the same time completes every future") {
  constexpr int threads = 8, each = 100;
  asio::io_context io;
  asio_network net(io);
  auto work = asio::make_work_guard(io);
  std::thread runner([&] { io.run(); });
  std::array<int, threads> right{};
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t)
    callers.emplace_back([&net, &mine = right[static_cast<std::size_t>(t)], t] {
      for (int i = 0; i < each; ++i) {
        const int wanted = t * each + i;
        auto answered = async_run(net, answer_after(std::chrono::microseconds(i % 3), wanted),
                                  asio::use_future);
        if (answered.get() == wanted) ++mine;
      }
    });
  for (std::thread& caller : callers) caller.join();
  for (const int count : right) CHECK(count == each);
  work.reset();
  runner.join();
  net.home().release_thread();
}

TEST_CASE("async_run stops its task through the handler's cancellation slot") {
  network f;
  asio::cancellation_signal signal;
  int value = 0;
  async_run(
      f.net, answer_after(10s, 5),
      asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, int v) { value = v; }));
  f.io.run_for(2ms);
  CHECK(value == 0);
  signal.emit(asio::cancellation_type::terminal);
  f.io.run_for(100ms);
  CHECK(value == -1);
  signal.emit(asio::cancellation_type::terminal);  // F88: after the end
}

TEST_CASE("async_run completes on the handler's executor") {
  network f;
  asio::io_context other;
  bool called = false;
  async_run(f.net, answer_after(1ms, 5),
            asio::bind_executor(other, [&](std::exception_ptr, int) { called = true; }));
  f.io.run_for(50ms);
  CHECK_FALSE(called);
  other.run();
  CHECK(called);
}

TEST_CASE("F86: a network that ends first destroys started tasks and their handlers, uncalled") {
  int frames = 0, handlers = 0;
  bool called = false;
  struct flow {
    static task<> run(mark frame) {
      static_cast<void>(frame);
      const status slept = co_await sleep_for(10s);
      static_cast<void>(slept);
    }
  };
  {
    asio::io_context io;
    asio_network net(io);
    async_run(net, flow::run(mark(frames)),
              [&called, m = mark(handlers)](std::exception_ptr) { called = true; });
    io.run_for(5ms);
    async_run(net, flow::run(mark(frames)),
              [&called, m = mark(handlers)](std::exception_ptr) { called = true; });  // not begun
  }
  CHECK(frames == 2);
  CHECK(handlers == 2);
  CHECK_FALSE(called);
}

TEST_CASE("work posted from many threads runs on the network's thread, in each one's order") {
  network f;
  constexpr int threads = 4, posts = 500;
  std::array<int, threads> seen{};
  int total = 0;
  auto work = asio::make_work_guard(f.io);
  std::vector<std::thread> posters;
  for (int t = 0; t < threads; ++t)
    posters.emplace_back([&f, &seen, &total, &work, t] {
      for (int i = 0; i < posts; ++i)
        f.net.home().post([&seen, &total, &work, t, i] {
          CHECK(seen[static_cast<std::size_t>(t)]++ == i);
          if (++total == threads * posts) work.reset();
        });
    });
  f.io.run();
  for (std::thread& p : posters) p.join();
  CHECK(total == threads * posts);
}

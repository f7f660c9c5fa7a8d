// Datagrams that come one by one are left to gather: when, for how long, and what ends it.
#include "asio/fixture.hpp"  // for two_sockets

#include "lockgate/asio/detail/receive_moderation.hpp"  // for receive_moderation
#include "support/allocation.hpp"                       // for allocations_made

#include <asio/post.hpp>  // for post

#include <unistd.h>  // for close

#include <array>       // for array
#include <cerrno>      // for errno, EAGAIN
#include <chrono>      // for microseconds, milliseconds, hours
#include <filesystem>  // for directory_iterator
#include <iterator>    // for distance

using namespace test_asio;
using namespace std::chrono_literals;

namespace {

using lockgate::detail::receive_moderation;

/// Wake-ups before the first pause: some are counted, as many more are timed.
constexpr std::size_t first_run = 2 * receive_moderation::shortest_run;

/// Wake-ups in the life of a socket, in virtual time.
struct life : time_source {
  explicit life(duration gather) : policy(gather) {}
  time_point now() noexcept override { return at; }
  /// A wake-up after `gap` for `count` datagrams. True when a pause follows.
  bool wake(duration gap, std::size_t count = 1) {
    at += gap;
    policy.received(count);
    return policy.should_pause(*this);
  }
  /// The number of wake-ups for one datagram each until a pause follows; 0 for none in `most`.
  std::size_t wakes_until_pause(duration gap, std::size_t most = 5000) {
    for (std::size_t i = 1; i <= most; ++i)
      if (wake(gap)) return i;
    return 0;
  }
  receive_moderation policy;
  time_point at{};
};

/// The system's calls, of which the next sends find the socket's buffer full.
struct watched_calls : detail::linux_udp_calls {
  static inline int refused_sends = 0;
  static inline int receiver = -1;  // the socket that was read last
  static int receive(int fd, mmsghdr* messages, unsigned count, int flags) noexcept {
    receiver = fd;
    return linux_udp_calls::receive(fd, messages, count, flags);
  }
  static int send(int fd, mmsghdr* messages, unsigned count) noexcept {
    if (refused_sends > 0) return --refused_sends, errno = EAGAIN, -1;
    return linux_udp_calls::send(fd, messages, count);
  }
};
using linux_sockets = two_sockets<detail::linux_udp<watched_calls>>;

/// How often the datagrams of b's socket were left to gather.
std::uint64_t pauses(const linux_sockets& f) {
  return f.b.statistics().pauses;
}

network_options moderated(duration gather) {
  network_options options;
  options.udp.moderation = gather;
  return options;
}

template <class Socket>
void send(Socket& from, const socket_address& to, std::size_t number) {
  const std::vector<std::byte> payload = pattern(100, number);
  const outgoing_datagram one{to, chain(bytes_view(payload))};
  REQUIRE(from.try_send({&one, 1}).count == 1);
}

/// Has each of `count` datagrams wake b, which answers them where it `answers`.
task<> wake(linux_sockets& f, std::size_t count, bool answers = false) {
  std::array<received_datagram, 16> batch;
  for (std::size_t i = 0; i < count; ++i) {
    asio::post(f.io, [&f, i] { send(f.a, f.b.local_address(), i); });  // once b waits
    const result<std::size_t> got = co_await f.b.receive(batch);
    REQUIRE(got);
    REQUIRE(*got == 1);
    REQUIRE(same(batch[0].payload.bytes(), pattern(100, i)));
    if (answers) send(f.b, f.a.local_address(), i);
  }
}

/// One receive of b, for which the first `count` numbered datagrams have to come together.
task<> receive_together(linux_sockets& f, std::size_t count) {
  std::array<received_datagram, 16> batch;
  const result<std::size_t> got = co_await f.b.receive(batch);
  REQUIRE(got);
  REQUIRE(*got == count);
  for (std::size_t i = 0; i < count; ++i) CHECK(same(batch[i].payload.bytes(), pattern(100, i)));
}

task<> receive_to(linux_sockets& f, status& outcome) {
  std::array<received_datagram, 1> batch;
  const result<std::size_t> got = co_await f.b.receive(batch);
  outcome = got.error();
}

/// Runs what is ready without waiting for anything.
void poll(linux_sockets& f) {
  f.io.restart();
  f.io.poll();
}

/// Brings b into a pause, with a receiver that waits in vain.
void begin_pause(linux_sockets& f, task<> receiver) {
  f.run(wake(f, first_run));
  f.start(std::move(receiver));
  poll(f);
  REQUIRE(pauses(f) == 1);
}

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

}  // namespace

TEST_CASE("datagrams gather once sixteen have come one by one, closer together than the pause") {
  life fast(100us);
  CHECK(fast.wakes_until_pause(99us) == first_run);
  life slow(100us);
  CHECK(slow.wakes_until_pause(100us) == 0);
  life never_gathers(0us);
  CHECK(never_gathers.wakes_until_pause(0us) == 0);
}

TEST_CASE("each wake-up is followed by a pause as long as pauses are worth it") {
  life l(100us);
  REQUIRE(l.wakes_until_pause(10us) > 0);
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(l.wake(100us, 2));  // what has gathered
    CHECK(l.wake(500us));
  }
  CHECK_FALSE(l.wake(100us, 1));  // nothing had to be saved
  CHECK_FALSE(l.wake(10us));
}

TEST_CASE("every pause in vain makes the next one need twice as many wake-ups") {
  life l(100us);
  CHECK(l.wakes_until_pause(10us) == 16);
  for (const std::size_t needed : {32u, 64u, 128u, 256u, 512u, 1024u, 2048u, 2048u}) {
    CHECK_FALSE(l.wake(100us, 0));
    CHECK(l.wakes_until_pause(10us) == needed);
  }
  CHECK_FALSE(l.wake(100us, 5));
  CHECK(l.wake(10us));
  CHECK_FALSE(l.wake(100us, 0));
  CHECK(l.wakes_until_pause(10us) == 32);
}

TEST_CASE("who sends may wait for an answer, so nothing gathers") {
  life l(100us);
  for (int i = 0; i < 5000; ++i) {
    CHECK_FALSE(l.wake(1us));
    if (i % 15 == 0) l.policy.sent();
  }
  REQUIRE(l.wakes_until_pause(1us) > 0);
  l.policy.sent();
  CHECK_FALSE(l.wake(100us, 0));  // cut short, which tells nothing of its worth
  CHECK(l.wakes_until_pause(1us) == 16);
}

TEST_CASE("datagrams that come together need no pause") {
  life l(100us);
  for (int i = 0; i < 5000; ++i) CHECK_FALSE(l.wake(1us, i % 16 == 0 ? 2 : 1));
}

TEST_CASE("what has gathered is received together") {
  linux_sockets f(moderated(300ms));
  f.run(wake(f, first_run));
  REQUIRE(pauses(f) == 0);  // nobody waits yet
  f.start(receive_together(f, 3));
  poll(f);
  CHECK(pauses(f) == 1);
  for (std::size_t i = 0; i < 3; ++i) send(f.a, f.b.local_address(), i);
  f.run_all();
  f.run(wake(f, 1));
  CHECK(pauses(f) == 1);
}

TEST_CASE("nothing gathers at a socket that answers, that polls, or that must not wait") {
  linux_sockets answering(moderated(std::chrono::hours(1)));
  answering.run(wake(answering, 100, true));
  CHECK(pauses(answering) == 0);

  network_options options = moderated(std::chrono::hours(1));
  options.udp.busy_poll = 1us;
  linux_sockets looking(options);
  looking.run(wake(looking, 100));
  CHECK(pauses(looking) == 0);

  linux_sockets impatient(moderated(0us));
  impatient.run(wake(impatient, 100));
  CHECK(pauses(impatient) == 0);
}

TEST_CASE("a socket that is closed in a pause is closed") {
  const std::ptrdiff_t before = open_files();
  status outcome;
  {
    linux_sockets f(moderated(std::chrono::hours(1)));
    begin_pause(f, receive_to(f, outcome));
    f.b.close();
    f.run_all();
    CHECK(outcome == errc::closed);
  }
  {
    linux_sockets f(moderated(std::chrono::hours(1)));
    begin_pause(f, receive_to(f, outcome));  // the socket is destroyed
  }
  CHECK(open_files() == before);
}

TEST_CASE("a receive that is stopped in a pause loses no datagram") {
  linux_sockets f(moderated(300ms));
  status outcome;
  begin_pause(f, receive_to(f, outcome));
  f.tasks.request_stop();
  f.run_all();
  CHECK(outcome == errc::canceled);
  f.tasks.stop().reset();
  for (std::size_t i = 0; i < 2; ++i) send(f.a, f.b.local_address(), i);
  f.run(receive_together(f, 2));
}

TEST_CASE("waiting to send ends a pause") {
  linux_sockets f(moderated(std::chrono::hours(1)));
  status outcome = errc::closed;
  begin_pause(f, receive_to(f, outcome));
  struct flow {
    static task<> run(linux_sockets& fixture) {
      const std::vector<std::byte> payload = pattern(100, 0);
      watched_calls::refused_sends = 1;
      const std::vector<outgoing_datagram> one{
          {fixture.a.local_address(), chain(bytes_view(payload))}};
      co_await send_all(fixture.b, one);
      send(fixture.a, fixture.b.local_address(), 0);
    }
  };
  f.run(flow::run(f));
  CHECK(f.b.statistics().would_block == 1);
  CHECK(outcome.ok());
}

TEST_CASE("a socket that the system does not take back tells why, and is closed") {
  linux_sockets f(moderated(300ms));
  status outcome;
  begin_pause(f, receive_to(f, outcome));
  ::close(watched_calls::receiver);  // Asio cannot register what is no socket
  f.run_all();
  CHECK(outcome == std::errc::bad_file_descriptor);
  CHECK(f.b.try_send({}).why == errc::closed);
}

TEST_CASE("a pause allocates nothing") {
  linux_sockets f(moderated(50ms));
  struct flow {
    static task<> run(linux_sockets& fixture, int rounds) {
      std::array<std::byte, 100> payload{};
      std::array<received_datagram, 16> in;
      const outgoing_datagram one{fixture.b.local_address(), chain(bytes_view(payload))};
      for (int round = 0; round < rounds; ++round)
        for (const std::size_t count : {2u, 1u}) {  // in a pause, and after it
          for (std::size_t i = 0; i < count; ++i) REQUIRE(fixture.a.try_send({&one, 1}).count);
          const result<std::size_t> got = co_await fixture.b.receive(in);
          REQUIRE(got);
          REQUIRE(*got == count);
        }
    }
  };
  f.run(wake(f, first_run));
  f.run(flow::run(f, 2));
  const auto allocations = support::allocations_made();
  f.run(flow::run(f, 10));
  if constexpr (LOCKGATE_ASAN == 0) CHECK(support::allocations_made() - allocations <= 2);
  CHECK(pauses(f) == 12);
}

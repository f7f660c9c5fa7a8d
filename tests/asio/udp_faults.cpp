// UDP over Asio when the system misbehaves: every error that a call can answer with.
#include "asio/fixture.hpp"  // for two_sockets

#include <algorithm>  // for count
#include <cerrno>     // for error numbers
#include <cstring>    // for memcmp
#include <deque>      // for deque
#include <vector>     // for vector

using namespace test_asio;

namespace {

/// The system calls of Linux, with a script: what the next calls answer instead of the truth.
struct scripted_linux {
  static inline std::deque<int> sends;     // 0: do it; n > 0: fail with errno n; n < 0: at most -n
  static inline std::deque<int> receives;  // 0: do it; n > 0: fail with errno n
  static inline std::vector<unsigned> asked;  // for how many messages each call asked
  static inline bool trains_fail = false;
  static inline int train_error = EIO;

  static int take(std::deque<int>& script) {
    if (script.empty()) return 0;
    const int next = script.front();
    script.pop_front();
    return next;
  }
  static int receive(int fd, mmsghdr* messages, unsigned count, int flags) noexcept {
    if (const int error = take(receives); error > 0) return errno = error, -1;
    asked.push_back(count);
    return detail::linux_udp_calls::receive(fd, messages, count, flags);
  }
  static int send(int fd, mmsghdr* messages, unsigned count) noexcept {
    const int next = take(sends);
    if (next > 0) return errno = next, -1;
    if (next < 0) count = std::min(count, static_cast<unsigned>(-next));
    if (trains_fail)
      for (unsigned i = 0; i < count; ++i)
        if (messages[i].msg_hdr.msg_control) {
          if (i == 0) return errno = train_error, -1;
          count = i;
        }
    return detail::linux_udp_calls::send(fd, messages, count);
  }
  static int set_option(int fd, int level, int name, int value) noexcept {
    return detail::linux_udp_calls::set_option(fd, level, name, value);
  }
  static void reset() {
    sends.clear();
    receives.clear();
    asked.clear();
    trains_fail = false;
    train_error = EIO;
  }
};

/// The same for the portable backend.
struct scripted_asio {
  static inline std::deque<int> sends, receives;
  using socket = detail::native_udp_socket;
  static std::size_t receive(socket& s, const std::array<asio::mutable_buffer, 2>& into,
                             asio::ip::udp::endpoint& from, std::error_code& error) {
    const int next = scripted_linux::take(receives);
    if (next > 0) return error.assign(next, asio::error::get_system_category()), 0;
    return detail::asio_udp_calls::receive(s, into, from, error);
  }
  static std::size_t send(socket& s, const std::vector<asio::const_buffer>& parts,
                          const asio::ip::udp::endpoint& to, std::error_code& error) {
    const int next = scripted_linux::take(sends);
    if (next > 0) return error.assign(next, asio::error::get_system_category()), 0;
    return detail::asio_udp_calls::send(s, parts, to, error);
  }
  static void reset() {
    sends.clear();
    receives.clear();
  }
};

template <class Calls>
struct backend;
template <>
struct backend<scripted_linux> {
  using type = detail::linux_udp<scripted_linux>;
};
template <>
struct backend<scripted_asio> {
  using type = detail::portable_udp<scripted_asio>;
};
template <class Calls>
using sockets = two_sockets<typename backend<Calls>::type>;

#define SCRIPTED scripted_linux, scripted_asio

/// Sends `count` numbered datagrams to `peers` in turn and checks that each peer gets its own once
/// and in order.
template <class Fixture>
task<> pass(Fixture& f, std::size_t count, std::size_t peer_count) {
  std::vector<typename Fixture::socket> peers;
  for (std::size_t i = 0; i < peer_count; ++i) peers.push_back(f.open());
  std::vector<std::vector<std::byte>> payloads;
  for (std::size_t i = 0; i < count; ++i) payloads.push_back(pattern(i % 7 == 3 ? 80 : 100, i));
  std::vector<outgoing_datagram> batch;
  for (std::size_t i = 0; i < count; ++i)
    batch.push_back({peers[i % peer_count].local_address(), chain(bytes_view(payloads[i]))});
  co_await send_all(f.a, batch);
  for (std::size_t p = 0; p < peer_count; ++p) {
    std::vector<received_datagram> in = co_await receive_all(peers[p], count / peer_count, 16);
    REQUIRE(in.size() == count / peer_count);
    for (std::size_t i = 0; i < in.size(); ++i) {
      INFO("peer " << p << ", datagram " << i);
      REQUIRE(same(in[i].payload.bytes(), payloads[p + i * peer_count]));
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("an EAGAIN storm loses, repeats and reorders nothing", Calls, SCRIPTED) {
  Calls::reset();
  sockets<Calls> f;
  for (int i = 0; i < 200; ++i) {
    Calls::sends.push_back(EAGAIN);
    if (i % 3 == 0) Calls::sends.push_back(0);
    Calls::receives.push_back(i % 2 ? EAGAIN : 0);
  }
  f.run(pass(f, 60, 1));
  f.run(pass(f, 120, 4));
  CHECK(f.a.statistics().would_block > 0);
  CHECK(f.a.statistics().dropped_refused == 0);
}

TEST_CASE_TEMPLATE("F65: ENOBUFS is waited out with a pause", Calls, SCRIPTED) {
  Calls::reset();
  sockets<Calls> f;
  Calls::sends = {ENOBUFS, ENOBUFS, ENOBUFS};
  f.run(pass(f, 40, 1));
  CHECK(f.a.statistics().no_buffer_space == 3);
  CHECK(f.a.statistics().waits == 0);  // the socket itself looks writable all the time
}

TEST_CASE_TEMPLATE("interrupted calls are repeated", Calls, SCRIPTED) {
  Calls::reset();
  sockets<Calls> f;
  Calls::sends = {EINTR, EINTR, 0, EINTR};
  Calls::receives = {EINTR, EINTR, 0, EINTR};
  f.run(pass(f, 40, 2));
}

TEST_CASE_TEMPLATE("F65: ICMP errors are counted and end nothing", Calls, SCRIPTED) {
  Calls::reset();
  sockets<Calls> f;
  Calls::sends = {ECONNREFUSED, ECONNREFUSED, ECONNREFUSED};
  f.run(pass(f, 40, 2));
  CHECK(f.a.statistics().reported_errors == 3);
  Calls::receives = {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EMSGSIZE};
  const std::array<std::byte, 3> payload{};
  const outgoing_datagram one{f.b.local_address(), chain(bytes_view(payload))};
  REQUIRE(f.a.try_send({&one, 1}).count == 1);
  struct flow {
    static task<> run(sockets<Calls>& fixture) {
      std::vector<received_datagram> in = co_await receive_all(fixture.b, 1, 1);
      CHECK(in[0].payload.size() == 3);
    }
  };
  f.run(flow::run(f));
  CHECK(f.b.statistics().reported_errors == 4);
  CHECK(f.b.statistics().truncated == 0);
}

TEST_CASE_TEMPLATE("F65: an error of the socket itself surfaces instead of spinning", Calls,
                   SCRIPTED) {
  Calls::reset();
  sockets<Calls> f;
  Calls::receives = {EBADF};
  const std::array<std::byte, 3> payload{};
  const outgoing_datagram one{f.b.local_address(), chain(bytes_view(payload))};
  REQUIRE(f.a.try_send({&one, 1}).count == 1);
  struct flow {
    static task<> run(sockets<Calls>& fixture) {
      std::array<received_datagram, 2> in;
      const result<std::size_t> got = co_await fixture.b.receive(in);
      CHECK(got.error() == std::errc::bad_file_descriptor);
      const result<std::size_t> again = co_await fixture.b.receive(in);
      CHECK(again);
    }
  };
  f.run(flow::run(f));
}

TEST_CASE_TEMPLATE("a datagram that the system refuses ends the batch with its reason", Calls,
                   SCRIPTED) {
  Calls::reset();
  sockets<Calls> f;
  Calls::sends = {EPERM};
  const std::array<std::byte, 3> payload{};
  const std::vector<outgoing_datagram> batch(
      3, outgoing_datagram{f.b.local_address(), chain(bytes_view(payload))});
  const accepted answer = f.a.try_send(batch);
  CHECK(answer.count == 0);
  CHECK(answer.why == std::errc::operation_not_permitted);
  Calls::sends = {EMSGSIZE};
  const accepted single = f.a.try_send(std::span(batch).first(1));
  CHECK(single.count == 0);
  CHECK(single.why == errc::message_too_large);
}

TEST_CASE("a train that fails is sent one by one, and no other is tried to that peer") {
  for (const int error : {EIO, EINVAL, EMSGSIZE}) {
    scripted_linux::reset();
    sockets<scripted_linux> f;
    scripted_linux::trains_fail = true;
    scripted_linux::train_error = error;
    f.run(pass(f, 40, 1));
    CHECK(f.a.statistics().offload_fallbacks >= 1);
    CHECK(f.a.statistics().datagrams_sent == 40);
    CHECK(f.a.statistics().trains_sent == 0);
    f.run(pass(f, 120, 4));
    CHECK(f.a.statistics().trains_sent == 0);
    CHECK(f.a.statistics().datagrams_sent == 160);
    CHECK(f.a.statistics().dropped_refused == 0);
  }
}

TEST_CASE("offload is given up peer by peer") {
  scripted_linux::reset();
  sockets<scripted_linux> f;
  const std::vector<std::byte> payload = pattern(100, 1);
  const auto send_ten = [&](const socket_address& to) {
    const std::vector<outgoing_datagram> batch(10,
                                               outgoing_datagram{to, chain(bytes_view(payload))});
    REQUIRE(f.a.try_send(batch).count == 10);
  };
  scripted_linux::trains_fail = true;
  send_ten(f.b.local_address());
  CHECK(f.a.statistics().offload_fallbacks == 1);
  scripted_linux::trains_fail = false;
  send_ten(f.b.local_address());
  CHECK(f.a.statistics().trains_sent == 0);
  send_ten(f.a.local_address());
  CHECK(f.a.statistics().trains_sent == 1);
  std::vector<decltype(f.open())> many;
  scripted_linux::trains_fail = true;
  for (int i = 0; i < 17; ++i) send_ten(many.emplace_back(f.open()).local_address());
  scripted_linux::trains_fail = false;
  send_ten(f.a.local_address());
  CHECK(f.a.statistics().trains_sent == 1);  // too many failures: the socket goes without
}

TEST_CASE("short writes across interleaved peers lose, repeat and reorder nothing") {
  for (int stop_after = 1; stop_after <= 6; ++stop_after) {
    scripted_linux::reset();
    sockets<scripted_linux> f;
    scripted_linux::sends = {-stop_after, EAGAIN, EAGAIN, -1, EAGAIN, -2, -1};
    f.run(pass(f, 120, 4));
    CHECK(f.a.statistics().datagrams_sent == 120);
    CHECK(f.a.statistics().dropped_refused == 0);
    CHECK(f.a.statistics().dropped_no_buffer == 0);
  }
}

TEST_CASE("overtaken datagrams are taken over, copied and counted") {
  scripted_linux::reset();
  sockets<scripted_linux> f;
  auto other = f.open();
  const std::vector<std::byte> x = pattern(100, 1), y = pattern(100, 2);
  // x x y x: one train of three, one of one. The first leaves, the second must wait.
  const std::array<outgoing_datagram, 4> batch{{{f.b.local_address(), chain(bytes_view(x))},
                                                {f.b.local_address(), chain(bytes_view(x))},
                                                {other.local_address(), chain(bytes_view(y))},
                                                {f.b.local_address(), chain(bytes_view(x))}}};
  scripted_linux::sends = {-1, EAGAIN, EAGAIN};
  const accepted answer = f.a.try_send(batch);
  CHECK(answer.count == 4);
  CHECK(answer.why.ok());  // all of them are taken over
  CHECK(f.a.try_send(std::span(batch).first(1)).why == errc::would_block);
  CHECK(f.a.statistics().copies == 1);
  CHECK(f.a.statistics().datagrams_sent == 3);
  struct flow {
    static task<> run(sockets<scripted_linux>& fixture, decltype(f.open())& overtaken) {
      std::vector<received_datagram> in = co_await receive_all(overtaken, 1, 1);
      CHECK(same(in[0].payload.bytes(), pattern(100, 2)));
      in = co_await receive_all(fixture.b, 3, 4);
      CHECK(in.size() == 3);
    }
  };
  f.run(flow::run(f, other));
  CHECK(f.a.statistics().datagrams_sent == 4);
  scripted_linux::sends = {-1, EAGAIN};
  CHECK(f.a.try_send(batch).count == 4);
  f.a.close();
  CHECK(f.a.statistics().dropped_closed == 1);
}

TEST_CASE("a whole window of overtaken datagrams takes few slabs, and all of them go home") {
  scripted_linux::reset();
  sockets<scripted_linux> f;
  auto ahead = f.open();
  std::vector<std::vector<std::byte>> payloads;
  for (std::size_t i = 0; i < 200; ++i) payloads.push_back(pattern(i % 7 == 3 ? 900 : 1000, i));
  std::vector<outgoing_datagram> batch;
  for (std::size_t i = 0; i < 200; ++i) {  // of the first train, the last one is in the rear
    const bool leads = i == 0 || i == 199;
    batch.push_back(
        {(leads ? ahead : f.b).local_address(), chain(bytes_view(payloads[leads ? 0 : i]))});
  }
  const std::size_t before = f.net.buffers().statistics().outstanding;
  scripted_linux::sends = {-1, EAGAIN};
  const accepted answer = f.a.try_send(batch);
  CHECK(answer.count == 200);
  CHECK(f.a.statistics().copies == 198);
  CHECK(f.net.buffers().statistics().outstanding - before <= 4);  // 190 KB in slabs of 64 KiB
  struct flow {
    static task<> run(sockets<scripted_linux>& fixture, decltype(payloads)& expected) {
      std::vector<received_datagram> in = co_await receive_all(fixture.b, 198, 32);
      for (std::size_t i = 0; i < 198; ++i) REQUIRE(same(in[i].payload.bytes(), expected[i + 1]));
    }
  };
  f.run(flow::run(f, payloads));
  CHECK(f.a.statistics().dropped_no_buffer == 0);
  const std::size_t kept_for_receiving = 1 + 32;
  CHECK(f.net.buffers().statistics().outstanding <= kept_for_receiving);
}

namespace {

/// A train of `count` datagrams of 100 bytes, the last one of `last`.
struct outgoing_train {
  explicit outgoing_train(std::size_t count, std::size_t last = 40)
      : bytes(pattern(count * 100 - 100 + last, count)) {}
  outgoing_datagram to(const socket_address& peer) const {
    return {peer, chain(bytes_view(bytes)), 100};
  }
  std::vector<std::byte> bytes;
};

/// Checks that datagrams arrive which are the bytes of a train, one behind the other.
task<> expect_train(sockets<scripted_linux>::socket* at, const outgoing_train* sent,
                    std::size_t count) {
  std::vector<received_datagram> in = co_await receive_all(*at, count, 1);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < count; ++i) {
    INFO("datagram " << i);
    CHECK(in[i].payload.size() == std::min<std::size_t>(100, sent->bytes.size() - begin));
    CHECK(
        same(in[i].payload.bytes(), bytes_view(sent->bytes).subspan(begin, in[i].payload.size())));
    begin += in[i].payload.size();
  }
  CHECK(begin == sent->bytes.size());
}

}  // namespace

TEST_CASE("a train that cannot be sent as one is sent one by one") {
  scripted_linux::reset();
  network_options options;
  SUBCASE("because the system refuses it") {
    scripted_linux::trains_fail = true;
  }
  SUBCASE("because offload is off") {
    options.udp.offload = false;
  }
  sockets<scripted_linux> f(options);
  const outgoing_train train(9);
  const std::array<outgoing_datagram, 2> two{train.to(f.b.local_address()),
                                             train.to(f.b.local_address())};
  for (int round = 0; round < 2; ++round) {
    CHECK(f.a.try_send(std::span(two).first(1)).count == 1);
    f.run(expect_train(&f.b, &train, 9));
  }
  const accepted both = f.a.try_send(two);
  CHECK(both.count == 2);
  CHECK(both.why.ok());
  f.run(expect_train(&f.b, &train, 9));
  f.run(expect_train(&f.b, &train, 9));
  CHECK(f.a.statistics().datagrams_sent == 4 * 9);
  CHECK(f.a.statistics().trains_sent == 0);
  CHECK(f.a.statistics().dropped_refused == 0);
}

TEST_CASE("a train longer than the system takes is sent all the same") {
  scripted_linux::reset();
  sockets<scripted_linux> f;
  const outgoing_train train(longest_train + 36);
  const outgoing_datagram one = train.to(f.b.local_address());
  CHECK(f.a.try_send({&one, 1}).count == 1);
  f.run(expect_train(&f.b, &train, longest_train + 36));
}

TEST_CASE("a train of which a part has left is taken over whole when the socket is full") {
  scripted_linux::reset();
  sockets<scripted_linux> f;
  const outgoing_train train(9);
  const std::array<outgoing_datagram, 2> two{train.to(f.b.local_address()),
                                             train.to(f.b.local_address())};
  scripted_linux::trains_fail = true;
  SUBCASE("at once, as the peer is known to go without") {
    CHECK(f.a.try_send(std::span(two).first(1)).count == 1);
    f.run(expect_train(&f.b, &train, 9));
    scripted_linux::sends = {0, 0, 0, EAGAIN, EAGAIN};
  }
  SUBCASE("in a window") {
    scripted_linux::sends = {0, 0, 0, 0, EAGAIN, EAGAIN};
  }
  const auto before = f.a.statistics();
  const accepted first = f.a.try_send(two);
  CHECK(first.count == 1);
  CHECK(first.why == errc::would_block);
  CHECK(f.a.statistics().datagrams_sent - before.datagrams_sent == 3);
  CHECK(f.a.statistics().copies == 6);
  CHECK(f.a.try_send(std::span(two).subspan(1)).why == errc::would_block);
  f.run(expect_train(&f.b, &train, 9));
  CHECK(f.a.try_send(std::span(two).subspan(1)).count == 1);
  f.run(expect_train(&f.b, &train, 9));
  CHECK(f.a.statistics().dropped_refused == 0);
}

TEST_CASE("what is held of a train and cannot leave before the socket closes is counted") {
  scripted_linux::reset();
  network_options options;
  options.udp.offload = false;
  sockets<scripted_linux> f(options);
  const outgoing_train train(9);
  const outgoing_datagram one = train.to(f.b.local_address());
  scripted_linux::sends = {0, 0, EAGAIN};
  const accepted answer = f.a.try_send({&one, 1});
  CHECK(answer.count == 1);
  CHECK(answer.why.ok());
  f.a.close();
  CHECK(f.a.statistics().dropped_closed == 7);
}

TEST_CASE("a train that is refused is refused whole, or loses what the system refuses") {
  scripted_linux::reset();
  network_options options;
  options.udp.offload = false;
  sockets<scripted_linux> f(options);
  const outgoing_train train(9);
  const outgoing_datagram one = train.to(f.b.local_address());
  scripted_linux::sends = {EPERM};
  const accepted refused = f.a.try_send({&one, 1});
  CHECK(refused.count == 0);
  CHECK(refused.why == std::errc::operation_not_permitted);
  CHECK(f.a.statistics().datagrams_sent == 0);
  scripted_linux::sends = {0, EPERM};
  CHECK(f.a.try_send({&one, 1}).count == 1);
  CHECK(f.a.statistics().datagrams_sent == 8);
  CHECK(f.a.statistics().dropped_refused == 1);
}

TEST_CASE("overtaken trains are taken over whole") {
  scripted_linux::reset();
  sockets<scripted_linux> f;
  auto other = f.open();
  const outgoing_train open(9, 100), closed(9);
  // The third leaves together with the first, and overtakes the second, which has to wait.
  const std::array<outgoing_datagram, 3> batch{
      open.to(f.b.local_address()), closed.to(other.local_address()), open.to(f.b.local_address())};
  scripted_linux::sends = {-1, EAGAIN};
  const accepted answer = f.a.try_send(batch);
  CHECK(answer.count == 3);
  CHECK(answer.why.ok());
  CHECK(f.a.statistics().trains_sent == 1);
  CHECK(f.a.statistics().datagrams_sent == 18);
  CHECK(f.a.statistics().copies == 9);
  f.run(expect_train(&f.b, &open, 9));
  f.run(expect_train(&f.b, &open, 9));
  f.run(expect_train(&other, &closed, 9));
  CHECK(f.a.statistics().datagrams_sent == 27);
}

TEST_CASE("nothing joins a train whose last datagram is shorter") {
  scripted_linux::reset();
  sockets<scripted_linux> f;
  const outgoing_train closed(9);
  const std::array<outgoing_datagram, 2> batch{closed.to(f.b.local_address()),
                                               closed.to(f.b.local_address())};
  CHECK(f.a.try_send(batch).count == 2);
  CHECK(f.a.statistics().trains_sent == 2);
  f.run(expect_train(&f.b, &closed, 9));
  f.run(expect_train(&f.b, &closed, 9));
}

TEST_CASE("one bad datagram among interleaved peers does not hold up the others") {
  scripted_linux::reset();
  sockets<scripted_linux> f;
  auto other = f.open();
  const std::vector<std::byte> x = pattern(100, 1), y = pattern(100, 2);
  const std::array<outgoing_datagram, 4> batch{{{f.b.local_address(), chain(bytes_view(x))},
                                                {other.local_address(), chain(bytes_view(y))},
                                                {f.b.local_address(), chain(bytes_view(x))},
                                                {f.b.local_address(), chain(bytes_view(x))}}};
  scripted_linux::sends = {-1, EPERM};
  const accepted answer = f.a.try_send(batch);
  CHECK(answer.count == 4);
  CHECK(answer.why.ok());
  CHECK(f.a.statistics().dropped_refused == 1);
  CHECK(f.a.statistics().datagrams_sent == 3);
}

TEST_CASE("datagrams that come one by one are asked for one by one, until several come") {
  scripted_linux::reset();
  network_options options;
  options.udp.moderation = duration::zero();  // what gathers does not come one by one
  sockets<scripted_linux> f(options);
  struct flow {
    static task<> run(sockets<scripted_linux>& fixture, std::size_t count) {
      const std::vector<std::byte> payload = pattern(100, count);
      std::vector<outgoing_datagram> batch(
          count, outgoing_datagram{fixture.b.local_address(), chain(bytes_view(payload))});
      for (const outgoing_datagram& one : batch) {
        const accepted gone = fixture.a.try_send({&one, 1});  // alone, so that it joins no train
        REQUIRE(gone.count == 1);
      }
      const std::vector<received_datagram> in = co_await receive_all(fixture.b, count, 64);
      for (const received_datagram& d : in) CHECK(same(d.payload.bytes(), payload));
    }
  };
  const auto singles = [] {
    const auto& all = scripted_linux::asked;
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), 1u));
  };
  for (int i = 0; i < 16; ++i) f.run(flow::run(f, 1));
  CHECK(singles() == 0);
  scripted_linux::asked.clear();
  for (int i = 0; i < 80; ++i) f.run(flow::run(f, 1));
  CHECK(singles() == 70);  // every eighth looks for more
  CHECK(scripted_linux::asked.size() == 80);
  scripted_linux::asked.clear();
  f.run(flow::run(f, 100));
  CHECK(singles() <= 8);
  CHECK(scripted_linux::asked.size() < 30);
}

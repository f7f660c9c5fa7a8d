// The whole stack, application to socket, when offload is lost and when a consumer is greedy.
#include "asio/fixture.hpp"  // for pattern, same

#include "lockgate/direct/direct.hpp"  // for direct

#include "lockgate/lockgate.hpp"  // for platform

#include "support/doctest.hpp"

#include <cerrno>  // for EIO

using namespace lockgate;
using namespace std::chrono_literals;
using test_asio::pattern;
using test_asio::same;

namespace {

/// Linux, but trains are refused.
struct without_trains : detail::linux_udp_calls {
  static int send(int fd, mmsghdr* messages, unsigned count) noexcept {
    unsigned plain = 0;
    while (plain < count && !messages[plain].msg_hdr.msg_control) ++plain;
    if (plain == 0) return errno = EIO, -1;
    return detail::linux_udp_calls::send(fd, messages, plain);
  }
};

transport_id make_id(unsigned char last) {
  std::array<std::byte, 16> bytes{};
  bytes[0] = std::byte{0xfd};
  bytes[15] = std::byte{last};
  return transport_id(bytes);
}

/// One platform with a network and a provider of its own, which knows the peers it is told of.
template <class Transfer>
struct side {
  using network = basic_asio_network<Transfer>;
  using provider_type = direct<network>;
  explicit side(asio::io_context& io, const network_options& options = {})
      : net(io, options), cp(net), link(cp.create<provider_type>(net, peers)) {
    peers.bind_others({ip_address::v4(127, 0, 0, 1), 0, 0});
  }
  task<> start() {
    const status registered = co_await link.register_instance();
    REQUIRE(registered.ok());
  }
  task<endpoint> open(unsigned char last) {
    endpoint_options wish;
    wish.proposed_id = make_id(last);
    wish.listening = true;
    endpoint opened = cp.open_endpoint(wish);
    const auto id = co_await opened.ready();
    REQUIRE(id.has_value());
    co_return opened;
  }
  const auto& socket(const endpoint& at) {
    return *link.template get_if<provider_type>()->socket_of(at.id());
  }
  template <class Other>
  void know(Other& other, const endpoint& at) {
    REQUIRE(peers.add(at.id(), other.socket(at).local_address()).ok());
  }

  network net;
  peer_table peers;
  platform cp;
  provider_instance link;
};

template <class F>
void run(asio::io_context& io, scheduler& home, F begin) {
  task_group tasks(home);
  const status started = tasks.spawn(begin());
  REQUIRE(started.ok());
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  const auto working = asio::make_work_guard(io);
  while (tasks.size() > 0 && std::chrono::steady_clock::now() < give_up) io.run_one_for(1s);
  REQUIRE(tasks.size() == 0);
}

/// Takes `count` messages over for sending, of the sizes that trains are made of and others.
template <class Side>
void forward_all(Side& from, endpoint& by, const transport_id& to, std::size_t first,
                 std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i) {
    lease bytes = from.net.buffers().copy(pattern(i % 9 == 4 ? 900 : 1000, i));
    REQUIRE(bytes.has_memory());
    REQUIRE(by.forward(to, std::move(bytes)).ok());
  }
}

template <class Side>
task<> carry_without_trains(Side* a, Side* b) {
  constexpr std::size_t rounds = 30, each = 50;
  co_await a->start();
  co_await b->start();
  endpoint from = co_await a->open(1);
  endpoint to = co_await b->open(2);
  a->know(*b, to);
  b->know(*a, from);
  std::uint64_t first_fallbacks = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    forward_all(*a, from, to.id(), round * each, each);
    for (std::size_t i = 0; i < each; ++i) {
      result<incoming> message = co_await to.receive();
      REQUIRE(message.has_value());
      const std::size_t number = round * each + i;
      INFO("message " << number);
      REQUIRE(same(message->contiguous(), pattern(number % 9 == 4 ? 900 : 1000, number)));
    }
    if (round == 0) first_fallbacks = a->socket(from).statistics().offload_fallbacks;
  }
  CHECK(first_fallbacks > 0);
  CHECK(a->socket(from).statistics().offload_fallbacks == first_fallbacks);  // none tried again
  CHECK(a->socket(from).statistics().trains_sent == 0);
  CHECK(a->socket(from).statistics().datagrams_sent == rounds * each);
  const status first = co_await a->cp.stop();
  const status second = co_await b->cp.stop();
  CHECK((first.ok() && second.ok()));
}

/// One endpoint keeps the first message of every eight for ever; the other reads what it gets.
template <class Side>
task<> share_with_a_hoarder(Side* a, Side* b) {
  co_await a->start();
  co_await b->start();
  endpoint from = co_await a->open(1);
  endpoint hoarder = co_await b->open(2);
  endpoint other = co_await b->open(3);
  a->know(*b, hoarder);
  a->know(*b, other);
  b->know(*a, from);
  std::vector<incoming> kept;
  for (std::size_t round = 0; round < 400; ++round) {
    forward_all(*a, from, hoarder.id(), round * 8, 8);
    forward_all(*a, from, other.id(), round, 1);
    for (std::size_t i = 0; i < 8; ++i) {
      result<incoming> message = co_await hoarder.receive();
      REQUIRE(message.has_value());
      if (i == 0) kept.push_back(std::move(*message));
    }
    result<incoming> message = co_await other.receive();
    REQUIRE(message.has_value());
    REQUIRE(same(message->contiguous(), pattern(round % 9 == 4 ? 900 : 1000, round)));
  }
  CHECK(hoarder.statistics().compacted > 0);
  CHECK(b->socket(hoarder).statistics().dropped_no_buffer == 0);
  CHECK(b->socket(other).statistics().dropped_no_buffer == 0);
  for (std::size_t round = 0; round < kept.size(); ++round) {
    const std::size_t number = round * 8;
    REQUIRE(same(kept[round].contiguous(), pattern(number % 9 == 4 ? 900 : 1000, number)));
  }
  const status first = co_await a->cp.stop();
  const status second = co_await b->cp.stop();
  CHECK((first.ok() && second.ok()));
}

template <class Side>
task<> count_by_instance(Side* a, Side* b) {
  co_await a->start();
  co_await b->start();
  endpoint to = co_await b->open(9);
  a->know(*b, to);
  const auto& mine = *a->link.template get_if<typename Side::provider_type>();
  for (unsigned char last = 1; last <= 2; ++last) {
    endpoint from = co_await a->open(last);
    forward_all(*a, from, to.id(), 0, 10);
    while (a->socket(from).statistics().datagrams_sent < 10)
      static_cast<void>(co_await sleep_for(1ms));
    CHECK(mine.socket_statistics().datagrams_sent == 10u * last);
    const std::uint64_t calls = mine.socket_statistics().send_calls;
    CHECK(calls >= a->socket(from).statistics().send_calls);
    from.close();
    static_cast<void>(co_await sleep_for(1ms));  // its id is removed meanwhile
    CHECK(mine.local_address(make_id(last)).ip.is_unspecified());
    CHECK(mine.socket_statistics().datagrams_sent == 10u * last);
    CHECK(mine.socket_statistics().send_calls == calls);
  }
  const status first = co_await a->cp.stop();
  const status second = co_await b->cp.stop();
  CHECK((first.ok() && second.ok()));
}

}  // namespace

TEST_CASE("losing offload changes neither content nor order, through the whole platform") {
  asio::io_context io;
  side<detail::linux_udp<without_trains>> a(io), b(io);
  run(io, a.net.home(), [&] { return carry_without_trains(&a, &b); });
}

TEST_CASE("F43: a consumer that keeps one message of every slab does not starve the others") {
  asio::io_context io;
  network_options few;
  few.slab_limit = 16;
  side<detail::linux_udp<>> a(io), b(io, few);
  run(io, a.net.home(), [&] { return share_with_a_hoarder(&a, &b); });
}

TEST_CASE("an instance's sockets are counted together, those that are closed included") {
  asio::io_context io;
  side<detail::default_udp> a(io), b(io);
  run(io, a.net.home(), [&] { return count_by_instance(&a, &b); });
}

// The direct provider on real UDP: two platforms, each with a network of its own, on the loopback.
#include "asio/fixture.hpp"  // for pattern, same

#include "lockgate/direct/direct.hpp"  // for direct

#include "lockgate/lockgate.hpp"  // for platform

#include "support/allocation.hpp"  // for allocations_made
#include "support/doctest.hpp"

#include <array>  // for array

using namespace lockgate;
using namespace std::chrono_literals;
using test_asio::pattern;
using test_asio::same;

namespace {

template <class Transfer>
struct udp_side {
  using network = basic_asio_network<Transfer>;
  using provider_type = direct<network>;
  udp_side(asio::io_context& io, unsigned char last)
      : net(io), cp(net), link(cp.create<provider_type>(net, peers)) {
    std::array<std::byte, 16> bytes{};
    bytes[0] = std::byte{0xfd};
    bytes[15] = std::byte{last};
    wish.proposed_id = transport_id(bytes);
    wish.listening = true;
    peers.bind_others({ip_address::v4(127, 0, 0, 1), 0, 0});
  }
  task<> start() {
    const status registered = co_await link.register_instance();
    REQUIRE(registered.ok());
    app = cp.open_endpoint(wish);
    const auto id = co_await app.ready();
    REQUIRE(id.has_value());
  }
  socket_address address() {
    return link.template get_if<provider_type>()->local_address(app.id());
  }
  const direct_counters& counters() { return link.template get_if<provider_type>()->counters(); }
  const udp_statistics& socket() {
    return link.template get_if<provider_type>()->socket_of(app.id())->statistics();
  }

  network net;
  peer_table peers;
  platform cp;
  provider_instance link;
  endpoint_options wish;
  endpoint app;
};

constexpr std::size_t message_count = 2000;

/// Echoes every message with the memory it came in.
template <class Side>
task<> echo(Side* at, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    result<incoming> message = co_await at->app.receive();
    REQUIRE(message.has_value());
    const transport_id back = message->remote;
    const status forwarded = at->app.forward(back, std::move(*message));
    REQUIRE(forwarded.ok());
  }
}

/// Sends messages of all sizes and compares what comes back, a few at a time.
template <class Side>
task<> exchange(Side* a, Side* b, task_group* tasks) {
  co_await a->start();
  co_await b->start();
  REQUIRE(a->peers.add(b->app.id(), b->address()).ok());
  REQUIRE(b->peers.add(a->app.id(), a->address()).ok());
  const status echoing = tasks->spawn(echo(b, message_count));
  REQUIRE(echoing.ok());
  for (std::size_t i = 0; i < message_count; ++i) {
    const std::vector<std::byte> bytes = pattern(1 + i * 7 % 1400, i);
    const status went = co_await a->app.send_to(b->app.id(), chain(bytes));
    REQUIRE(went.ok());
    result<incoming> back = co_await a->app.receive();
    REQUIRE(back.has_value());
    CHECK(same(back->contiguous(), bytes));
  }
  CHECK(a->counters().sent == message_count);
  CHECK(a->counters().received == message_count);
  CHECK(a->counters().dropped() + b->counters().dropped() == 0);
  const status first = co_await a->cp.stop();
  const status second = co_await b->cp.stop();
  CHECK((first.ok() && second.ok()));
}

/// Hands back all that comes, many at a time, with the memory it came in.
template <class Side>
task<> echo_batches(Side* at) {
  std::array<incoming, 64> batch;
  for (;;) {
    const result<std::size_t> count = co_await at->app.receive(batch);
    if (!count) co_return;
    const accepted forwarded = at->app.forward(std::span(batch).first(*count));
    REQUIRE(forwarded.why.ok());
  }
}

/// What has been spent so far, on both sides together.
struct spending {
  std::uint64_t allocations = 0, copies = 0, slabs = 0;
  friend bool operator==(const spending&, const spending&) = default;
};
template <class Side>
spending spent(Side& a, Side& b) {
  spending out;
  if (!LOCKGATE_ASAN) out.allocations = support::allocations_made();  // which recycles no frame
  out.copies = copies_made.copies + a.socket().copies + b.socket().copies;
  out.slabs = a.net.buffers().statistics().allocated + b.net.buffers().statistics().allocated;
  return out;
}

constexpr std::size_t batch_count = 300, batch_size = 40;

/// Sends batches, lent to the platform, and compares what comes back. The first ones warm up.
template <class Side>
task<> exchange_batches(Side* a, Side* b, task_group* tasks) {
  co_await a->start();
  co_await b->start();
  REQUIRE(a->peers.add(b->app.id(), b->address()).ok());
  REQUIRE(b->peers.add(a->app.id(), a->address()).ok());
  const status echoing = tasks->spawn(echo_batches(b));
  REQUIRE(echoing.ok());
  std::vector<std::vector<std::byte>> payloads;
  std::vector<message_to> batch;
  for (std::size_t i = 0; i < batch_size; ++i) payloads.push_back(pattern(1000, i));
  for (const auto& payload : payloads) batch.push_back({b->app.id(), chain(bytes_view(payload))});
  std::array<incoming, 64> back;
  spending warm;
  for (std::size_t round = 0; round < batch_count; ++round) {
    if (round == batch_count / 3) warm = spent(*a, *b);
    const accepted went = co_await a->app.send_to(batch);
    REQUIRE(went.count == batch_size);
    for (std::size_t done = 0; done < batch_size;) {
      const result<std::size_t> count = co_await a->app.receive(back);
      REQUIRE(count.has_value());
      for (std::size_t i = 0; i < *count; ++i, ++done) {
        REQUIRE(same(back[i].contiguous(), payloads[done]));
        back[i].reset();
      }
    }
  }
  CHECK(spent(*a, *b) == warm);
  CHECK(a->counters().dropped() + b->counters().dropped() == 0);
  CHECK(a->socket().datagrams_sent == batch_count * batch_size);
  if constexpr (std::is_same_v<typename Side::network, asio_network>) {
    // The first message opened the path, alone. Then a row took up to 16, which left as one train.
    CHECK(a->socket().trains_sent == batch_count * ((batch_size + 15) / 16));
    CHECK(a->socket().send_calls == 1 + a->socket().trains_sent);
    CHECK(b->socket().trains_received == a->socket().trains_sent);
  }
  const status first = co_await a->cp.stop();
  const status second = co_await b->cp.stop();
  CHECK((first.ok() && second.ok()));
}

/// Bounded, so that a lost datagram fails the test instead of hanging it.
template <class Side>
void run(asio::io_context& io, Side& a, Side& b,
         task<> (*scene)(Side*, Side*, task_group*) = exchange<Side>) {
  task_group tasks(a.net.home());
  const status started = tasks.spawn(scene(&a, &b, &tasks));
  REQUIRE(started.ok());
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  const auto working = asio::make_work_guard(io);
  while (tasks.size() > 0 && std::chrono::steady_clock::now() < give_up) io.run_one_for(1s);
  REQUIRE(tasks.size() == 0);
}

}  // namespace

TEST_CASE_TEMPLATE("two platforms exchange messages over UDP", Transfer, detail::default_udp,
                   detail::portable_udp<>) {
  static std::size_t leaked = 0;
  const auto report =
      std::exchange(slab_pool::report_leak, [](std::size_t slabs) noexcept { leaked += slabs; });
  {
    asio::io_context io;
    udp_side<Transfer> a(io, 1), b(io, 2);
    const copy_statistics before = copies_made;
    run(io, a, b);
    CHECK(copies_made.copies == before.copies);
  }
  slab_pool::report_leak = report;
  CHECK(leaked == 0);
}

TEST_CASE_TEMPLATE("batches pass the whole stack both ways: nothing copied, nothing allocated",
                   Transfer, detail::default_udp, detail::portable_udp<>) {
  asio::io_context io;
  udp_side<Transfer> a(io, 1), b(io, 2);
  run(io, a, b, exchange_batches<udp_side<Transfer>>);
}

// UDP over Asio: the same tests for the portable backend and the Linux fast path.
#include "asio/fixture.hpp"  // for two_sockets

#include "lockgate/coro/deadline.hpp"  // for with_timeout
#include "lockgate/coro/sleep.hpp"     // for sleep_for
#include "support/allocation.hpp"      // for allocations_made

#include <array>  // for array

using namespace test_asio;

#define BACKENDS lockgate::detail::portable_udp<>, lockgate::detail::linux_udp<>

namespace {

template <class Transfer>
inline constexpr bool is_linux = std::is_same_v<Transfer, lockgate::detail::linux_udp<>>;

/// Sends datagrams of the given sizes as one batch and checks what arrives.
template <class Fixture>
task<> pass_batch(Fixture& f, std::vector<std::size_t> sizes, std::size_t room) {
  std::vector<std::vector<std::byte>> payloads;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    payloads.push_back(pattern(sizes[i], i + sizes[i]));
  std::vector<outgoing_datagram> batch;
  for (const auto& p : payloads) batch.push_back({f.b.local_address(), chain(bytes_view(p))});
  co_await send_all(f.a, batch);
  std::vector<received_datagram> in = co_await receive_all(f.b, sizes.size(), room);
  REQUIRE(in.size() == sizes.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    INFO("datagram " << i << " of " << sizes[i] << " bytes");
    REQUIRE(same(in[i].payload.bytes(), payloads[i]));
    REQUIRE(in[i].from == f.a.local_address());
    REQUIRE_FALSE(in[i].arrived.truncated);
  }
}

template <class Fixture>
task<> pass_all_sizes(Fixture& f) {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size <= 65507; size += size < 4200 || size > 65450 ? 1 : 97) {
    sizes.push_back(size);
    if (sizes.size() < 8 && size != 65507) continue;
    co_await pass_batch(f, sizes, 32);
    sizes.clear();
  }
}

template <class Fixture>
task<> wait_for_one(Fixture& f, status& outcome, std::size_t& count) {
  std::array<received_datagram, 4> in;
  const result<std::size_t> got = co_await f.b.receive(in);
  outcome = got.error();
  count = got ? *got : 0;
}

}  // namespace

TEST_CASE_TEMPLATE("F42: datagrams of 0 to 65,507 bytes arrive whole and in order", T, BACKENDS) {
  two_sockets<T> f;
  f.run(pass_all_sizes(f));
  CHECK(f.b.statistics().truncated == 0);
  CHECK(f.a.statistics().offload_fallbacks == 0);
}

TEST_CASE_TEMPLATE("batches of equal, mixed and shrinking sizes arrive in order", T, BACKENDS) {
  two_sockets<T> f;
  f.run(pass_batch(f, std::vector<std::size_t>(200, 1200), 32));
  f.run(pass_batch(f, std::vector<std::size_t>(300, 64), 32));
  std::vector<std::size_t> mixed;
  for (std::size_t i = 0; i < 250; ++i) mixed.push_back(i * 37 % 1500);
  f.run(pass_batch(f, mixed, 32));
  std::vector<std::size_t> shrinking;
  for (std::size_t i = 0; i < 100; ++i) shrinking.push_back(1000 - i / 3);
  f.run(pass_batch(f, shrinking, 7));
  CHECK(f.a.statistics().copies == 0);
  if constexpr (is_linux<T>) {
    CHECK(f.a.statistics().trains_sent > 0);
    CHECK(f.a.statistics().segments_sent > 500);
    CHECK(f.a.statistics().send_calls < 60);
  }
}

TEST_CASE_TEMPLATE("interleaved peers each get their datagrams in order", T, BACKENDS) {
  two_sockets<T> f;
  struct flow {
    static task<> run(two_sockets<T>& fixture) {
      std::vector<typename two_sockets<T>::socket> peers;
      for (int i = 0; i < 5; ++i) peers.push_back(fixture.open());
      std::vector<std::vector<std::byte>> payloads;
      for (std::size_t i = 0; i < 200; ++i) payloads.push_back(pattern(i % 3 == 0 ? 90 : 100, i));
      std::vector<outgoing_datagram> batch;
      for (std::size_t i = 0; i < 200; ++i)
        batch.push_back({peers[i % 5].local_address(), chain(bytes_view(payloads[i]))});
      co_await send_all(fixture.a, batch);
      for (std::size_t p = 0; p < 5; ++p) {
        std::vector<received_datagram> in = co_await receive_all(peers[p], 40, 16);
        for (std::size_t i = 0; i < 40; ++i)
          REQUIRE(same(in[i].payload.bytes(), payloads[p + 5 * i]));
      }
    }
  };
  f.run(flow::run(f));
  CHECK(f.a.statistics().copies == 0);
  CHECK(f.a.statistics().datagrams_sent == 200);
}

TEST_CASE_TEMPLATE("a message of many parts leaves as one datagram", T, BACKENDS) {
  two_sockets<T> f;
  struct flow {
    static task<> run(two_sockets<T>& fixture, std::size_t parts) {
      const std::vector<std::byte> whole = pattern(parts * 3, parts);
      std::vector<bytes_view> views;
      for (std::size_t i = 0; i < parts; ++i) views.push_back(std::span(whole).subspan(i * 3, 3));
      std::vector<outgoing_datagram> batch{{fixture.b.local_address(), chain(std::span(views))}};
      co_await send_all(fixture.a, batch);
      std::vector<received_datagram> in = co_await receive_all(fixture.b, 1, 1);
      CHECK(same(in[0].payload.bytes(), whole));
    }
  };
  f.run(flow::run(f, 3));
  f.run(flow::run(f, 64));
  CHECK(f.a.statistics().copies == 0);
  f.run(flow::run(f, 65));
  f.run(flow::run(f, 5000));
  CHECK(f.a.statistics().copies == 2);
}

TEST_CASE_TEMPLATE("a train longer than the receiver's room is delivered over several calls", T,
                   BACKENDS) {
  two_sockets<T> f;
  for (int round = 0; round < 3; ++round)
    f.run(pass_batch(f, std::vector<std::size_t>(60, 700), 3));
  if constexpr (is_linux<T>) CHECK(f.b.statistics().trains_received >= 2);
}

TEST_CASE("segments of a received train share one slab and are not copied") {
  two_sockets<lockgate::detail::linux_udp<>> f;
  f.run(pass_batch(f, std::vector<std::size_t>(50, 1200), 64));  // memory adapts to trains
  struct flow {
    static task<> run(two_sockets<lockgate::detail::linux_udp<>>& fixture) {
      const std::vector<std::byte> payload = pattern(1200, 1);
      std::vector<outgoing_datagram> batch(
          50, outgoing_datagram{fixture.b.local_address(), chain(bytes_view(payload))});
      const auto copies = fixture.b.statistics().copies;
      co_await send_all(fixture.a, batch);
      std::vector<received_datagram> in = co_await receive_all(fixture.b, 50, 64);
      for (const received_datagram& d : in) {
        CHECK(d.payload.owner() == in[0].payload.owner());
        CHECK(same(d.payload.bytes(), payload));
      }
      CHECK(fixture.b.statistics().copies == copies);
    }
  };
  f.run(flow::run(f));
}

TEST_CASE("a train is received whole by those who ask for trains, and in parts by the others") {
  using sockets = two_sockets<lockgate::detail::linux_udp<>>;
  sockets f;
  struct flow {
    static task<> run(sockets& fixture, std::size_t size, std::size_t room) {
      constexpr std::size_t count = 20;
      const std::vector<std::byte> bytes = pattern(size * count - size / 2, size);
      const outgoing_datagram train{fixture.b.local_address(), chain(bytes_view(bytes)), size};
      std::vector<received_datagram> into(room);
      std::size_t begin = 0, datagrams = 0, longest = 0;
      for (int round = 0; round < 4; ++round) {
        REQUIRE(fixture.a.try_send({&train, 1}).count == 1);
        const bool whole = round % 2 == 0;
        for (begin = datagrams = longest = 0; begin < bytes.size();) {
          result<std::size_t> got = std::size_t{};
          if (whole) got = co_await fixture.b.receive_trains(into);
          else got = co_await fixture.b.receive(into);
          REQUIRE(got);
          for (std::size_t i = 0; i < *got; ++i) {
            const received_datagram& d = into[i];
            CHECK((whole || d.segment_size == 0));
            CHECK((d.segment_size == 0 || d.segment_size == size));
            CHECK(same(d.payload.bytes(), bytes_view(bytes).subspan(begin, d.payload.size())));
            begin += d.payload.size();
            datagrams += train_length(d.payload.size(), d.segment_size);
            longest = std::max(longest, train_length(d.payload.size(), d.segment_size));
          }
        }
        CHECK(begin == bytes.size());
        CHECK(datagrams == count);
        CHECK((longest > 1) == whole);
      }
    }
  };
  for (const std::size_t size : {3u, 90u, 100u, 1200u, 3000u})
    for (const std::size_t room : {1u, 2u, 64u}) {
      INFO("size " << size << ", room " << room);
      f.run(flow::run(f, size, room));
    }
  CHECK(f.b.statistics().dropped_no_buffer == 0);
}

TEST_CASE("what was received as a train and is sent as one is a train again") {
  using sockets = two_sockets<lockgate::detail::linux_udp<>>;
  sockets f;
  struct flow {
    static task<> run(sockets& fixture) {
      const std::vector<std::byte> bytes = pattern(30 * 1000, 5);
      const outgoing_datagram train{fixture.b.local_address(), chain(bytes_view(bytes)), 1000};
      std::array<received_datagram, 4> into;
      for (int round = 0; round < 3; ++round) {
        REQUIRE(fixture.a.try_send({&train, 1}).count == 1);
        for (std::size_t back = 0; back < 30;) {
          const result<std::size_t> got = co_await fixture.b.receive_trains(into);
          REQUIRE(got);
          std::vector<outgoing_datagram> reply;
          for (std::size_t i = 0; i < *got; ++i)
            reply.push_back({into[i].from, chain(into[i].payload.bytes()), into[i].segment_size});
          REQUIRE(fixture.b.try_send(reply).count == *got);
          for (const received_datagram& d : std::span(into).first(*got))
            back += train_length(d.payload.size(), d.segment_size);
        }
        const std::vector<received_datagram> in = co_await receive_all(fixture.a, 30, 64);
        for (std::size_t i = 0; i < 30; ++i)
          CHECK(same(in[i].payload.bytes(), bytes_view(bytes).subspan(i * 1000, 1000)));
      }
    }
  };
  f.run(flow::run(f));
  CHECK(f.b.statistics().datagrams_sent == 90);
  CHECK(f.b.statistics().segments_sent == 90);
  CHECK(f.b.statistics().copies == 30);  // the first, while memory was laid out for small ones
}

namespace {

/// Keeps what has been received until the turn ends, as an outbox does.
class kept_for_a_turn final : turn_end_item {
 public:
  explicit kept_for_a_turn(scheduler& home) noexcept
      : turn_end_item([](turn_end_item& self) noexcept {
          auto& me = static_cast<kept_for_a_turn&>(self);
          me.most_bytes = std::max(me.most_bytes, std::exchange(me.bytes_, 0));
          me.leases_.clear();
        }),
        home_(home) {}
  void keep(lease&& memory) {
    bytes_ += memory.size();
    all_bytes += memory.size();
    leases_.push_back(std::move(memory));
    home_.at_turn_end(*this);
  }
  std::size_t most_bytes = 0, all_bytes = 0;

 private:
  scheduler& home_;
  std::vector<lease> leases_;
  std::size_t bytes_ = 0;
};

}  // namespace

TEST_CASE_TEMPLATE("what fills the cache is used before more is received", T, BACKENDS) {
  struct load {
    std::size_t size, batch;
  };
  struct flow {
    static task<> run(two_sockets<T>& fixture, const load& what, kept_for_a_turn& kept) {
      const std::vector<std::byte> payload = pattern(what.size, 4);
      const std::vector<outgoing_datagram> one{
          {fixture.b.local_address(), chain(bytes_view(payload))}};
      for (int round = 0; round < 3; ++round) {  // the first ones teach the socket their size
        kept.most_bytes = kept.all_bytes = 0;
        // One by one, so that no trains come.
        for (std::size_t sent = 0; sent < 1'300'000; sent += what.size)
          co_await send_all(fixture.a, one);
        for (bool more = true; more;) {  // a small SO_RCVBUF takes a part of the burst only
          const result<bool> got = co_await with_timeout(receive_some(fixture, what, kept),
                                                         std::chrono::milliseconds(50));
          more = got && *got;
        }
      }
    }
    static task<bool> receive_some(two_sockets<T>& fixture, const load& what,
                                   kept_for_a_turn& kept) {
      std::vector<received_datagram> in(what.batch);
      const result<std::size_t> got = co_await fixture.b.receive(in);
      for (std::size_t i = 0; got && i < *got; ++i) kept.keep(std::move(in[i].payload));
      co_return got.has_value();
    }
  };
  for (const load what : {load{40'000, 8}, load{1200, 64}, load{1200, 128}}) {
    CAPTURE(what.size);
    CAPTURE(what.batch);
    two_sockets<T> f;
    kept_for_a_turn kept(f.net.home());
    f.run(flow::run(f, what, kept));
    CHECK(kept.most_bytes < 128 * 1024 + what.size * what.batch);
    // What one batch does not fill is joined by the next one in the same turn.
    const bool fits_more = what.size * what.batch < 128 * 1024;
    const std::size_t least = what.size * (fits_more ? what.batch + 1 : 1);
    CHECK(kept.most_bytes >= std::min(kept.all_bytes, least));
    CHECK(kept.all_bytes > 0);
  }
}

TEST_CASE_TEMPLATE("F43: an exhausted pool drops and counts, and recovers", T, BACKENDS) {
  network_options options;
  options.slab_limit = 4;
  two_sockets<T> f(options);
  struct flow {
    static task<> flood(two_sockets<T>& fixture, std::vector<received_datagram>& held) {
      const std::vector<std::byte> payload = pattern(60000, 2);
      std::vector<outgoing_datagram> one{{fixture.b.local_address(), chain(bytes_view(payload))}};
      std::array<received_datagram, 8> in;
      while (fixture.b.statistics().dropped_no_buffer == 0) {
        co_await send_all(fixture.a, one);
        co_await receive_some(fixture, in, held);
      }
    }
    static task<> receive_some(two_sockets<T>& fixture, std::span<received_datagram> in,
                               std::vector<received_datagram>& held) {
      const result<std::size_t> got =
          co_await with_timeout(receive_one(fixture, in), std::chrono::milliseconds(20));
      if (!got) co_return;
      for (std::size_t i = 0; i < *got; ++i) held.push_back(std::move(in[i]));
    }
    static task<result<std::size_t>> receive_one(two_sockets<T>& fixture,
                                                 std::span<received_datagram> in) {
      co_return co_await fixture.b.receive(in);
    }
  };
  std::vector<received_datagram> held;
  f.run(flow::flood(f, held));
  CHECK(held.size() >= 2);
  CHECK(f.net.buffers().statistics().exhausted > 0);
  held.clear();
  f.run(pass_batch(f, {100, 60000, 3}, 8));
}

TEST_CASE_TEMPLATE("F43: memory kept ready for small datagrams is there for a large one", T,
                   BACKENDS) {
  network_options options;
  options.slab_limit = 1;
  two_sockets<T> f(options);
  f.run(pass_batch(f, {100}, 8));
  struct flow {
    static task<> lose_one(two_sockets<T>& fixture) {
      const std::vector<std::byte> large = pattern(60000, 1);
      std::vector<outgoing_datagram> one{{fixture.b.local_address(), chain(bytes_view(large))}};
      co_await send_all(fixture.a, one);
      std::array<received_datagram, 8> in;
      const auto got = co_await with_timeout(receive(fixture, in), std::chrono::milliseconds(20));
      CHECK(got.error() == errc::timed_out);
    }
    static task<result<std::size_t>> receive(two_sockets<T>& fixture,
                                             std::span<received_datagram> in) {
      co_return co_await fixture.b.receive(in);
    }
  };
  f.run(flow::lose_one(f));  // it began in the only slab, so there is none to join it in
  CHECK(f.b.statistics().dropped_no_buffer == 1);
  f.run(pass_batch(f, {60000}, 8));
  f.run(pass_batch(f, {100}, 8));
  CHECK(f.b.statistics().dropped_no_buffer == 1);
}

TEST_CASE_TEMPLATE("F43: nothing is lost to memory that nobody uses", T, BACKENDS) {
  network_options options;
  options.udp.offload = false;
  options.slab_limit = is_linux<T> ? 5 : 2;  // those kept ready for large ones, and a shared one
  two_sockets<T> f(options);
  for (int i = 0; i < 2; ++i) f.run(pass_batch(f, {20000}, 8));
  for (int i = 0; i < 100; ++i) f.run(pass_batch(f, {64}, 8));
  f.run(pass_batch(f, {20000}, 8));
  CHECK(f.b.statistics().dropped_no_buffer == 0);
}

TEST_CASE_TEMPLATE("F43: shared slabs are filled to their end", T, BACKENDS) {
  network_options options;
  options.udp.offload = false;
  options.slab_limit = 4;
  two_sockets<T> f(options);
  f.run(pass_batch(f, std::vector<std::size_t>(512, 64), 128));
  struct flow {
    static task<> keep(two_sockets<T>& fixture, std::vector<received_datagram>& held,
                       std::size_t count) {
      const std::vector<std::byte> bytes = pattern(1400, 1);
      std::vector<outgoing_datagram> batch(
          count, outgoing_datagram{fixture.b.local_address(), chain(bytes_view(bytes))});
      co_await send_all(fixture.a, batch);
      std::vector<received_datagram> in = co_await receive_all(fixture.b, count, 128);
      for (received_datagram& d : in) held.push_back(std::move(d));
    }
  };
  std::vector<received_datagram> held;
  f.run(flow::keep(f, held, 97));
  for (int i = 0; i < 60; ++i) f.run(flow::keep(f, held, 1));
  CHECK(f.b.statistics().dropped_no_buffer == 0);
}

TEST_CASE("F43: trains among small datagrams wait in the socket until there is memory") {
  network_options options;
  options.slab_limit = 24;
  two_sockets<lockgate::detail::linux_udp<>> f(options);
  std::vector<std::size_t> small(512, 100);
  for (std::size_t i = 1; i < small.size(); i += 2) small[i] = 50;  // ends a train
  f.run(pass_batch(f, small, 128));
  struct flow {
    static task<> run(two_sockets<lockgate::detail::linux_udp<>>& fixture) {
      const std::vector<std::byte> bytes = pattern(1200, 1);
      const std::vector<outgoing_datagram> batch(
          1500, outgoing_datagram{fixture.b.local_address(), chain(bytes_view(bytes))});
      co_await send_all(fixture.a, batch);
      std::array<received_datagram, 8> in;
      std::size_t count = 0;
      while (count + fixture.b.statistics().dropped_no_buffer < batch.size()) {
        const result<std::size_t> got = co_await fixture.b.receive(in);
        count += *got;
        for (received_datagram& d : in) d.payload.reset();
      }
    }
  };
  f.run(flow::run(f));
  CHECK(f.b.statistics().dropped_no_buffer == 0);
}

TEST_CASE_TEMPLATE("F42: no train is cut off by small slabs", T, BACKENDS) {
  network_options options;
  options.slab_size = 5000;
  two_sockets<T> f(options);
  f.run(pass_batch(f, std::vector<std::size_t>(200, 1200), 32));
  CHECK(f.b.statistics().truncated == 0);
}

TEST_CASE_TEMPLATE("memory that a network cannot get is an exception", T, BACKENDS) {
  slab_pool pool(64 << 10, 4);
  std::uint64_t nth = 0;
  for (bool made = false; !made;) {
    const support::failing_allocation failing(++nth);
    try {
      const auto workspace = std::make_unique<typename T::workspace>(pool);
      made = !failing.happened();
    } catch (const std::bad_alloc&) {
      CHECK(failing.happened());
    }
  }
  CHECK(nth >= 3);
}

TEST_CASE("up to 128 small datagrams come with one call") {
  network_options options;
  options.udp.offload = false;
  two_sockets<lockgate::detail::linux_udp<>> f(options);
  f.run(pass_batch(f, std::vector<std::size_t>(512, 64), 128));  // the batch grows
  const std::uint64_t before = f.b.statistics().receive_calls;
  f.run(pass_batch(f, std::vector<std::size_t>(512, 64), 128));
  CHECK(f.b.statistics().receive_calls - before <= 6);  // 4, and those that find nothing
  std::vector<std::size_t> mixed(300, 64);
  mixed[31] = mixed[32] = mixed[100] = 1472;  // the most that lies in one piece
  mixed[63] = mixed[64] = mixed[127] = 1473;
  mixed[200] = 60000;
  f.run(pass_batch(f, mixed, 128));
  CHECK(f.b.statistics().copies == 4);
  CHECK(f.b.statistics().dropped_no_buffer == 0);
}

TEST_CASE_TEMPLATE("F42: a datagram longer than a slab is flagged", T, BACKENDS) {
  network_options options;
  options.slab_size = 4096;
  two_sockets<T> f(options);
  struct flow {
    static task<> run(two_sockets<T>& fixture) {
      const std::vector<std::byte> payload = pattern(5000, 3);
      std::vector<outgoing_datagram> one{{fixture.b.local_address(), chain(bytes_view(payload))}};
      co_await send_all(fixture.a, one);
      std::vector<received_datagram> in = co_await receive_all(fixture.b, 1, 4);
      CHECK(in[0].arrived.truncated);
      CHECK(same(in[0].payload.bytes(), std::span(payload).first(in[0].payload.size())));
    }
  };
  f.run(flow::run(f));
  CHECK(f.b.statistics().truncated == 1);
  f.run(pass_batch(f, {100, 1999, 4000, 0}, 8));
}

TEST_CASE_TEMPLATE("too large a datagram is refused where it stands", T, BACKENDS) {
  two_sockets<T> f;
  const std::vector<std::byte> good = pattern(100, 4), bad = pattern(65508, 4);
  const socket_address to = f.b.local_address();
  const std::array<outgoing_datagram, 3> batch{
      {{to, chain(bytes_view(good))}, {to, chain(bytes_view(bad))}, {to, chain(bytes_view(good))}}};
  const accepted answer = f.a.try_send(batch);
  CHECK(answer.count == 1);
  CHECK(answer.why == errc::message_too_large);
  const outgoing_datagram wrong_family{{ip_address(std::array<std::byte, 16>{}), 9, 0}, {}};
  CHECK(f.a.try_send({&wrong_family, 1}).why == errc::not_supported);
  const std::array<outgoing_datagram, 2> two{{{to, chain(bytes_view(good))}, wrong_family}};
  const accepted second = f.a.try_send(two);
  CHECK(second.count == 1);
  CHECK(second.why == errc::not_supported);
}

TEST_CASE_TEMPLATE("a steady state copies and allocates nothing", T, BACKENDS) {
  two_sockets<T> f;
  struct flow {
    static task<> run(two_sockets<T>& fixture, std::size_t rounds, std::size_t batch_size,
                      std::size_t size) {
      const std::vector<std::byte> payload(size);
      std::array<outgoing_datagram, 32> out;
      std::array<received_datagram, 32> in;
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = {fixture.b.local_address(), chain(bytes_view(payload))};
      for (std::size_t r = 0; r < rounds; ++r) {
        const accepted answer = fixture.a.try_send(std::span(out).first(batch_size));
        REQUIRE(answer.count == batch_size);
        for (std::size_t got = 0; got < batch_size;) {
          const result<std::size_t> some = co_await fixture.b.receive(in);
          got += *some;
          for (std::size_t i = 0; i < *some; ++i) in[i].payload.reset();
        }
      }
    }
  };
  for (const std::size_t size : {1000u, 5000u})
    for (const std::size_t batch : {1u, 5u, 32u}) {
      f.run(flow::run(f, 50, batch, size));
      const auto allocations = support::allocations_made();
      const auto copies = f.b.statistics().copies + f.a.statistics().copies + copies_made.copies;
      f.run(flow::run(f, 500, batch, size));
      CHECK(f.b.statistics().copies + f.a.statistics().copies + copies_made.copies == copies);
      if constexpr (LOCKGATE_ASAN == 0) CHECK(support::allocations_made() - allocations <= 3);
    }
}

TEST_CASE_TEMPLATE("a network tells what all its sockets have done, the closed ones too", T,
                   BACKENDS) {
  two_sockets<T> f;
  f.run(pass_batch(f, std::vector<std::size_t>(20, 100), 32));
  CHECK(f.net.statistics().datagrams_sent == 20);
  CHECK(f.net.statistics().datagrams_received == 20);
  f.b.close();
  const std::array<std::byte, 3> payload{};
  const outgoing_datagram one{any_port, chain(bytes_view(payload))};
  CHECK_FALSE(f.a.try_send({&one, 1}).why.ok());  // to port 0
  const std::uint64_t calls = f.a.statistics().send_calls + f.b.statistics().send_calls;
  f.a.close();
  f.a.close();
  CHECK(f.net.statistics().send_calls == calls);
  CHECK(f.net.statistics().datagrams_received == 20);
}

TEST_CASE_TEMPLATE("closing completes what waits, and refuses what comes later", T, BACKENDS) {
  two_sockets<T> f;
  status outcome;
  std::size_t count = 0;
  f.start(wait_for_one(f, outcome, count));
  f.io.run_one_for(std::chrono::milliseconds(50));
  f.b.close();
  f.run_all();
  CHECK(outcome == errc::closed);
  f.run(wait_for_one(f, outcome, count));
  CHECK(outcome == errc::closed);
  CHECK(f.b.try_send({}).why == errc::closed);
}

TEST_CASE_TEMPLATE("F89: a datagram that comes together with close is dropped", T, BACKENDS) {
  two_sockets<T> f;
  status outcome;
  std::size_t count = 0;
  f.start(wait_for_one(f, outcome, count));
  f.io.run_one_for(std::chrono::milliseconds(50));
  const std::array<std::byte, 3> payload{};
  const outgoing_datagram one{f.b.local_address(), chain(bytes_view(payload))};
  REQUIRE(f.a.try_send({&one, 1}).count == 1);
  f.b.close();
  f.run_all();
  CHECK(outcome == errc::closed);
  CHECK(count == 0);
  CHECK(f.net.buffers().statistics().outstanding <= 34);  // what the network itself keeps ready
}

TEST_CASE_TEMPLATE("a stopped receive loses no datagram", T, BACKENDS) {
  two_sockets<T> f;
  status outcome;
  std::size_t count = 0;
  f.start(wait_for_one(f, outcome, count));
  f.io.run_one_for(std::chrono::milliseconds(50));
  f.tasks.request_stop();
  f.run_all();
  CHECK(outcome == errc::canceled);
  f.tasks.stop().reset();
  f.run(pass_batch(f, {5, 6, 7}, 4));
}

TEST_CASE_TEMPLATE("F65: a peer that is not there does not disturb the socket", T, BACKENDS) {
  two_sockets<T> f;
  auto gone = f.open();
  const socket_address nobody = gone.local_address();
  gone.close();
  const std::array<std::byte, 3> payload{};
  for (int i = 0; i < 20; ++i) {
    const outgoing_datagram one{nobody, chain(bytes_view(payload))};
    CHECK(f.a.try_send({&one, 1}).count == 1);
  }
  f.run(pass_batch(f, {10, 20, 30}, 8));
}

TEST_CASE_TEMPLATE("a dual-stack socket speaks IPv4 in mapped form", T, BACKENDS) {
  two_sockets<T> f;
  auto both = f.open({ip_address(), 0, 0});
  struct flow {
    static task<> run(two_sockets<T>& fixture, typename two_sockets<T>::socket& dual) {
      const std::vector<std::byte> payload = pattern(50, 9);
      const std::uint16_t port = dual.local_address().port;
      std::vector<outgoing_datagram> one{
          {{ip_address::v4(127, 0, 0, 1), port, 0}, chain(bytes_view(payload))}};
      co_await send_all(fixture.a, one);
      std::vector<received_datagram> in = co_await receive_all(dual, 1, 1);
      CHECK(in[0].from == fixture.a.local_address());
      one[0].to = in[0].from;
      co_await send_all(dual, one);
      in = co_await receive_all(fixture.a, 1, 1);
      CHECK(in[0].from == socket_address{ip_address::v4(127, 0, 0, 1), port, 0});
    }
  };
  f.run(flow::run(f, both));
}

TEST_CASE("ancillary data tells when a datagram came, and where it was sent to") {
  two_sockets<lockgate::detail::linux_udp<>> f;
  udp_options options;
  options.ancillary = true;
  auto opened = f.net.open_datagram({ip_address::v4(0), 0, 0}, options);
  REQUIRE(opened);
  struct flow {
    using fixture_type = two_sockets<lockgate::detail::linux_udp<>>;
    static task<> run(fixture_type& fixture, fixture_type::socket& wild) {
      const std::vector<std::byte> payload = pattern(50, 9);
      std::vector<outgoing_datagram> one{
          {{ip_address::v4(127, 0, 0, 1), wild.local_address().port, 0},
           chain(bytes_view(payload))}};
      co_await send_all(fixture.a, one);
      std::vector<received_datagram> in = co_await receive_all(wild, 1, 1);
      CHECK(in[0].arrived.local_address == one[0].to);
      CHECK(in[0].arrived.time > time_point());
      CHECK(in[0].arrived.time <= fixture.net.home().now());
      CHECK(in[0].arrived.ecn == 0);
    }
  };
  f.run(flow::run(f, *opened));
}

TEST_CASE("a timer goes off while others run without end") {
  two_sockets<lockgate::detail::default_udp> f;
  struct flow {
    static task<> spin(bool& over) {
      while (!over) co_await yield();
    }
    static task<> sleep(bool& over) {
      co_await yield();  // so that the timer is armed by a loop that is never idle
      const status slept = co_await sleep_for(std::chrono::milliseconds(1));
      CHECK(slept.ok());
      over = true;
    }
  };
  bool over = false;
  f.start(flow::spin(over));
  f.run(flow::sleep(over));
  CHECK(over);
}

TEST_CASE("SO_REUSEPORT lets two sockets have one port") {
  two_sockets<lockgate::detail::linux_udp<>> f;
  udp_options options;
  options.share_port = true;
  auto first = f.net.open_datagram(any_port, options);
  REQUIRE(first);
  CHECK(f.net.open_datagram(first->local_address(), options));
  CHECK_FALSE(f.net.open_datagram(f.a.local_address()));
}

TEST_CASE_TEMPLATE("polling before waiting receives the same", T, BACKENDS) {
  network_options options;
  options.udp.busy_poll = std::chrono::microseconds(50);
  two_sockets<T> f(options);
  for (int round = 0; round < 20; ++round) f.run(pass_batch(f, {10, 500, 500, 500, 2}, 2));
  status outcome;
  std::size_t count = 0;
  f.start(wait_for_one(f, outcome, count));
  f.io.run_one_for(std::chrono::milliseconds(20));
  f.b.close();
  f.run_all();
  CHECK(outcome == errc::closed);
}

TEST_CASE_TEMPLATE("F86: an io_context destroyed with waits pending resumes nothing", T, BACKENDS) {
  status outcome;
  std::size_t count = 77;
  {
    two_sockets<T> f;
    f.start(wait_for_one(f, outcome, count));
    f.io.run_one_for(std::chrono::milliseconds(20));
    CHECK(f.tasks.size() == 1);
  }
  CHECK(count == 77);
}

TEST_CASE_TEMPLATE("F87: an io_context that was stopped goes on when it is restarted", T,
                   BACKENDS) {
  two_sockets<T> f;
  status outcome;
  std::size_t count = 0;
  f.start(wait_for_one(f, outcome, count));
  f.io.run_one_for(std::chrono::milliseconds(20));
  f.io.stop();
  const std::array<std::byte, 3> payload{};
  const outgoing_datagram one{f.b.local_address(), chain(bytes_view(payload))};
  REQUIRE(f.a.try_send({&one, 1}).count == 1);
  CHECK(f.io.run() == 0);
  CHECK(count == 0);
  f.run_all();
  CHECK(count == 1);
}

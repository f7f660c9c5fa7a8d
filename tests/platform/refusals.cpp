// What is refused, with which error, and that nothing is lost or leaked by it.
#include "lockgate/buffer/slab_pool.hpp"  // for slab_pool
#include "support/child_process.hpp"      // for in_child_process
#include "support/connected_world.hpp"

#include <chrono>    // for minutes
#include <optional>  // for optional
#include <string>    // for string

using namespace lockgate;
using namespace support;

TEST_CASE("U7: wrong messages are refused, whatever the path's state") {
  connected_world w;
  const std::string longest(65507, 'x'), too_long(65508, 'x');
  const auto refuse = [&] {
    CHECK(w.send(w.app, w.peer, "") == errc::message_empty);
    CHECK(w.send(w.app, w.peer, too_long) == errc::message_too_large);
    CHECK(w.app.forward(w.peer, lease_of("")) == errc::message_empty);
    lease big = lease_of(too_long);
    CHECK(w.app.forward(w.peer, std::move(big)) == errc::message_too_large);
    CHECK(big.has_memory());  // not consumed
    CHECK(w.app.try_send(w.peer, lease_of("")) == errc::message_empty);
    const message_to list[] = {{w.peer, chain(bytes_of(too_long))}};
    const accepted all = w.finish(w.app.send_to(list));
    CHECK(all.count == 0);
    CHECK(all.why == errc::message_too_large);
    CHECK(w.finish(w.app.send_to(std::span<const message_to>())).count == 0);
  };
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  refuse();
  CHECK(w.s.count(row::transition_active) == 0);  // a refused message is no demand
  CHECK(w.send(w.app, w.peer, longest).ok());
  refuse();
  CHECK(w.s.count(row::send_buffers) == 1);
}

TEST_CASE("U7: a batch stops at the first bad message and says how many went") {
  connected_world w;
  w.connect();
  const message_to list[] = {{w.peer, chain(bytes_of("a"))},
                             {w.peer, chain(bytes_of("b"))},
                             {w.peer, chain(bytes_of(""))},
                             {w.peer, chain(bytes_of("c"))}};
  const accepted all = w.finish(w.app.send_to(list));
  CHECK(all.count == 2);
  CHECK(all.why == errc::message_empty);
  CHECK(w.link.statistics().messages_sent == 3);
}

TEST_CASE("U7: calls on a closed or empty endpoint, and on empty handles") {
  connected_world w;
  w.connect();
  w.app.close();
  for (int i = 0; i < 2; ++i) {
    CHECK(w.send(w.app, w.peer, "x") == errc::closed);
    CHECK(w.app.forward(w.peer, lease_of("x")) == errc::closed);
    CHECK(w.app.try_send(w.peer, lease_of("x")) == errc::closed);
    CHECK(w.ready(w.app).error() == errc::closed);
    CHECK(w.finish(awaiting<result<incoming>>(w.app.receive())).error() == errc::closed);
    const message_to list[] = {{w.peer, chain(bytes_of("a"))}};
    CHECK(w.finish(w.app.send_to(list)).why == errc::closed);
    CHECK(w.app.id().is_nil());
    CHECK(w.app.luid() == 0);
    CHECK_FALSE(w.app);
    w.app = endpoint();
  }
  provider_instance none;
  CHECK(w.register_instance(none) == errc::invalid_state);
  CHECK(w.deregister(none) == errc::not_registered);
  std::span<incoming> nowhere;
  endpoint e = w.cp.open_endpoint();
  CHECK(w.finish(awaiting<result<std::size_t>>(e.receive(nowhere))).error() ==
        errc::invalid_argument);
}

TEST_CASE("try_send says would_block where send_to would wait, and leaves nothing behind") {
  connected_world w;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  lease payload = lease_of("x");
  CHECK(w.app.try_send(w.peer, std::move(payload)) == errc::would_block);
  CHECK(payload.has_memory());
  w.run();
  CHECK(w.app.statistics().paths == 0);
  CHECK(w.s.count(row::transition_active) == 0);
  REQUIRE(w.send(w.app, w.peer, "opens it").ok());
  CHECK(w.app.try_send(w.peer, std::move(payload)).ok());
  w.run();
  CHECK(w.link.statistics().messages_sent == 2);
}

TEST_CASE("queues: messages taken over per path are bounded") {
  connected_world w(platform_options{.send_queue_messages = 3});
  w.connect();
  w.s.usual(row::send_buffers).how = manner::waits;
  const auto slow = w.start_send(w.app, w.peer, "slow");
  w.run();
  for (int i = 0; i < 3; ++i) CHECK(w.app.forward(w.peer, lease_of("q")).ok());
  lease refused = lease_of("too many");
  CHECK(w.app.forward(w.peer, std::move(refused)) == errc::queue_full);
  CHECK(refused.has_memory());
  CHECK(w.app.forward(peer_id(2), lease_of("another path")).ok());
  w.s.door_of(row::send_buffers).open_for_good();
  w.run();
  CHECK(w.app.forward(w.peer, std::move(refused)).ok());
  w.run();
  CHECK(w.link.statistics().messages_sent == 7);
}

TEST_CASE("queues: the outbox of an instance is bounded while its row is pended") {
  connected_world w;
  w.connect();
  REQUIRE(w.send(w.app, peer_id(2), "open").ok());
  w.s.plan(row::send_buffers, act(manner::waits));
  REQUIRE(w.app.forward(w.peer, lease_of("in flight")).ok());
  w.run();
  constexpr std::size_t outbox = lockgate::detail::outbox::batch_size;
  std::size_t taken = 0;
  status last;
  for (; taken < 2 * outbox && last.ok(); ++taken) last = w.app.forward(peer_id(2), lease_of("x"));
  CHECK(last == errc::queue_full);
  CHECK(taken == outbox + 1);  // one batch, and the one refused
  w.s.door_of(row::send_buffers).open();
  w.run();
  CHECK(w.link.statistics().messages_sent == 3 + outbox);
}

TEST_CASE("queues: an endpoint's receive queue is bounded by the memory it pins") {
  connected_world w(platform_options{.receive_queue_bytes = 10'000});
  w.connect();
  slab_pool pool(4096, 16);
  const auto arrives = [&](std::size_t size) {
    const slab_pool::filling slab = pool.acquire();
    return w.s.self.indicate(incoming(w.local, w.peer, slab.cut(0, size)));
  };
  REQUIRE(arrives(4096).ok());
  REQUIRE(arrives(4096).ok());
  CHECK(w.app.statistics().queued_pinned == 8192);
  CHECK(arrives(4096) == errc::queue_full);
  CHECK(w.app.statistics().compacted == 0);  // copying would not have helped
  CHECK(w.link.statistics().drops[drop_cause::queue_full] == 1);
  // A small message of a large slab is copied to memory of its size, which is counted.
  const auto copies = copies_made.copies;
  CHECK(arrives(100).ok());
  CHECK(w.app.statistics().compacted == 1);
  CHECK(copies_made.copies == copies + 1);
  CHECK(w.app.statistics().queued_pinned == 8292);
  CHECK(pool.statistics().outstanding == 2);
  for (int i = 0; i < 3; ++i) CHECK(w.finish(awaiting<result<incoming>>(w.app.receive())));
  CHECK(w.app.statistics().queued_pinned == 0);
  CHECK(pool.statistics().outstanding == 0);
  CHECK(arrives(4096).ok());
  w.app.close();  // the pool goes before the endpoint
}

TEST_CASE("queues: messages of one slab pin it once, until the last of them has gone") {
  connected_world w(platform_options{.receive_queue_bytes = 5'000});
  w.connect();
  slab_pool pool(4096, 16);
  {
    const slab_pool::filling train = pool.acquire();
    for (std::size_t i = 0; i < 8; ++i)
      REQUIRE(w.s.self.indicate(incoming(w.local, w.peer, train.cut(i * 500, 500))).ok());
  }
  CHECK(w.app.statistics().queued_pinned == 4096);
  for (int i = 0; i < 7; ++i) CHECK(w.finish(awaiting<result<incoming>>(w.app.receive())));
  CHECK(w.app.statistics().queued_pinned == 4096);
  CHECK(w.finish(awaiting<result<incoming>>(w.app.receive())));
  CHECK(w.app.statistics().queued_pinned == 0);
  CHECK(pool.statistics().outstanding == 0);
}

namespace {

/// A network with nothing but a receive pool.
struct pool_network {
  struct socket {
    socket_address local_address() { return {}; }
    accepted try_send(std::span<const outgoing_datagram>) { return errc::not_supported; }
    yield writable() { return {}; }
    yield receive(std::span<received_datagram>) { return {}; }
    void close() {}
  };
  using datagram_socket_type = socket;
  scheduler& home() { return home_; }
  slab_pool& buffers() { return pool; }
  result<socket> open_datagram(const socket_address&) { return errc::not_supported; }
  scheduler& home_;
  slab_pool pool{2048, 8};
};
static_assert(datagram_network<pool_network>);

}  // namespace

TEST_CASE("queues: under pool pressure a slow consumer's small messages are copied out, counted") {
  platform_world w;
  pool_network net{w.home};
  platform cp(net);
  script& s = w.make_script();
  provider_instance link = cp.create<scripted_provider>(s);
  REQUIRE(w.register_instance(link).ok());
  endpoint app = cp.open_endpoint();
  REQUIRE(w.ready(app).has_value());
  for (int i = 0; i < 100; ++i) {
    const slab_pool::filling slab = net.pool.acquire();
    REQUIRE(slab.has_memory());  // the slow consumer starves nobody
    REQUIRE(s.self.indicate(incoming(app.id(), peer_id(1), slab.cut(0, 64))).ok());
  }
  CHECK(app.statistics().compacted >= 90);
  CHECK(app.statistics().queued_messages == 100);
  CHECK(net.pool.statistics().exhausted == 0);
  CHECK(w.finish(cp.stop()).ok());
}

TEST_CASE("F43: under pool pressure the messages of a train are copied out, each by itself") {
  platform_world w;
  pool_network net{w.home};
  platform cp(net);
  script& s = w.make_script();
  provider_instance link = cp.create<scripted_provider>(s);
  REQUIRE(w.register_instance(link).ok());
  endpoint app = cp.open_endpoint();
  REQUIRE(w.ready(app).has_value());
  std::vector<slab_pool::filling> out;
  while (!net.pool.is_under_pressure()) out.push_back(net.pool.acquire());
  incoming train(app.id(), peer_id(1), net.pool.acquire().cut(0, 2000));
  train.segment_size = 300;
  REQUIRE(s.self.indicate(std::move(train)).ok());
  CHECK(app.statistics().compacted == 7);  // six of 300 and one of 200
  CHECK(app.statistics().queued_messages == 7);
  CHECK(net.pool.statistics().outstanding == out.size());
  CHECK(w.finish(cp.stop()).ok());
}

TEST_CASE("stop of a sender: while queued it is canceled, once handed over it is not") {
  connected_world w;
  w.connect();
  w.s.usual(row::send_buffers).how = manner::ignores_stop;
  const auto handed_over = w.start_send(w.app, w.peer, "handed over");
  const auto queued = w.start_send(w.app, w.peer, "queued");
  w.run();
  handed_over->request_stop();
  queued->request_stop();
  w.run();
  CHECK_FALSE(handed_over->done());
  REQUIRE(queued->done());
  CHECK(queued->take() == errc::canceled);
  w.s.door_of(row::send_buffers).open();
  w.run();
  CHECK(handed_over->take().ok());
  CHECK(w.s.count(row::send_buffers) == 2);  // "first" and "handed over"
  // Handed over from the queue: the same.
  const auto first = w.start_send(w.app, w.peer, "a");
  const auto second = w.start_send(w.app, w.peer, "b");
  w.s.door_of(row::send_buffers).open();
  w.run();
  second->request_stop();
  w.run();
  CHECK_FALSE(second->done());
  w.s.door_of(row::send_buffers).open_for_good();
  w.run();
  CHECK(second->take().ok());
}

TEST_CASE("a sender destroyed while its row runs leaves the row to the platform") {
  for (const int steps : {0, 1, 2}) {
    connected_world w;
    w.connect();
    w.s.usual(row::send_buffers).how = manner::waits;
    std::optional<running<status>> single(std::in_place, w.home,
                                          awaiting<status>(w.app.send_to(w.peer, bytes_of("x"))));
    w.run();
    w.s.door_of(row::send_buffers).open();
    for (int i = 0; i < steps; ++i) w.step();
    single.reset();
    w.run();
    w.s.usual(row::send_buffers).how = manner::now;
    CHECK(w.send(w.app, w.peer, "the path works").ok());

    REQUIRE(w.send(w.app, peer_id(2), "open").ok());
    w.s.usual(row::send_buffers).how = manner::waits;
    const message_to list[] = {{w.peer, chain(bytes_of("a"))}, {peer_id(2), chain(bytes_of("b"))}};
    std::optional<running<accepted>> batch(std::in_place, w.home, w.app.send_to(list));
    w.run();
    REQUIRE(w.s.running == 1);
    w.s.door_of(row::send_buffers).open();
    for (int i = 0; i < steps; ++i) w.step();
    batch.reset();
    w.run();
    w.s.usual(row::send_buffers).how = manner::now;
    CHECK(w.send(w.app, w.peer, "the path works").ok());
    CHECK(w.send(w.app, peer_id(2), "that one, too").ok());
    CHECK(w.deregister(w.link).ok());
  }
}

TEST_CASE("closing an endpoint completes everything that waits on it, in each situation") {
  connected_world w;
  w.connect();
  w.s.usual(row::send_buffers).how = manner::waits;
  const auto handed_over = w.start_send(w.app, w.peer, "handed over");
  const auto queued = w.start_send(w.app, w.peer, "queued");
  w.s.usual(row::reach_transport_id).how = manner::waits;
  const auto reaching = w.start_send(w.app, peer_id(2), "reaching");
  const auto receives = w.start_receive(w.app);
  const auto delivered_to = w.start_receive(w.app);
  w.run();
  REQUIRE(w.indicate("for the first receiver").ok());
  REQUIRE(w.indicate("for the second").ok());
  REQUIRE(w.indicate("for nobody").ok());
  w.app.close();  // before the receivers have run
  w.run();
  CHECK(receives->take().has_value());
  CHECK(delivered_to->take().has_value());
  CHECK(queued->take() == errc::closed);
  CHECK(reaching->take() == errc::closed);
  CHECK_FALSE(handed_over->done());
  w.s.door_of(row::send_buffers).open_for_good();
  w.s.door_of(row::reach_transport_id).open_for_good();
  w.run();
  CHECK(handed_over->take().ok());
  CHECK(w.seen.count(event_kind::endpoint_closed) == 1);
}

TEST_CASE("closing an endpoint between its id and the waiter's turn gives the id") {
  connected_world w;
  w.s.usual(row::add_transport_id).how = manner::waits;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  const auto waits = w.start_ready(w.app);
  w.run();
  w.s.door_of(row::add_transport_id).open_for_good();
  while (w.app.id().is_nil()) REQUIRE(w.step());
  REQUIRE_FALSE(waits->done());
  w.app.close();
  w.run();
  CHECK(waits->take().has_value());
}

TEST_CASE("stop ends sessions in every state, and the handles outlive the platform") {
  endpoint open;
  provider_instance links[6];
  {
    platform_world w;
    script* s[6];
    for (int i = 0; i < 6; ++i) {
      s[i] = &w.make_script();
      links[i] = w.create(*s[i]);
    }
    s[1]->usual(row::establish_session).how = manner::waits;
    s[3]->usual(row::transition_active).how = manner::waits;
    for (int i = 1; i < 6; ++i) {
      const auto registered = w.start(links[i].register_instance({.priority = i < 3 ? 1 : 2}));
      w.run();
      REQUIRE(registered->take().ok());
      if (i == 4) CHECK(w.deregister(links[4]).ok());
    }
    open = w.cp.open_endpoint({.proposed_id = {}, .listening = true});
    const auto receives = w.start_receive(open);
    const auto sent = w.start_send(open, peer_id(1), "x");
    w.run();
    CHECK(links[0].state() == session_state::created);
    CHECK(links[1].state() == session_state::establishing);
    CHECK(links[2].state() == session_state::active);
    CHECK(links[3].state() == session_state::activating);
    CHECK(links[4].state() == session_state::deregistered);
    const auto stopped = w.start(w.cp.stop());
    w.run();
    REQUIRE(stopped->done());
    CHECK(stopped->take().ok());
    CHECK(receives->take().error() == errc::closed);
    CHECK(sent->done());
    for (const int i : {1, 2, 3, 5}) {
      CHECK(links[i].state() == session_state::ended);
      CHECK(s[i]->last(row::terminate_session).reason == termination_reason::platform_shutdown);
    }
    CHECK_FALSE(open);
    // After that everything is refused.
    CHECK(w.register_instance(links[0]) == errc::closed);
    CHECK_FALSE(w.cp.open_endpoint());
    CHECK(w.deregister(links[2]).ok());
    CHECK(w.finish(w.cp.stop()).ok());
  }
  for (const provider_instance& link : links) {
    CHECK_FALSE(link);
    CHECK(link.state() == session_state::deregistered);
    CHECK(link.friendly_name().empty());
  }
  CHECK(open.statistics().queued_messages == 0);
  open.close();
}

TEST_CASE("U7: a received message that cannot be forwarded stays its owner's") {
  connected_world w;
  w.connect();
  REQUIRE(w.indicate("keep me") == status());
  auto received = w.finish(awaiting<result<incoming>>(w.app.receive()));
  REQUIRE(received.has_value());
  w.app.close();
  CHECK(w.app.forward(w.peer, std::move(*received)) == errc::closed);
  CHECK(text_of(received->contiguous()) == "keep me");
  CHECK(received->remote == w.peer);
}

TEST_CASE("a platform refuses a provider that is none, and times with which it would never rest") {
  platform_world w;
  CHECK(in_child_process([&] {
          static_cast<void>(w.cp.create(any_provider()));
        }).died_saying("create() of an empty any_provider"));
  for (const platform_options& wrong : {platform_options{.idle_time = duration::zero()},
                                        platform_options{.first_backoff = duration::zero()}})
    CHECK(in_child_process([&] {
            platform cp(w.home, wrong);
          }).died_saying("idle_time and first_backoff are longer than zero"));
}

TEST_CASE("stop does not wait for a signal that its carrier keeps") {
  struct : signalling {
    task<status> send(signal_message) override { co_return co_await kept.wait(); }
    void attach(signal_sink&) override {}
    void detach(signal_sink&) noexcept override {}
    void id_in_use(signal_sink&, const transport_id&, bool) override {}
    wait_list kept;
  } slow;
  connected_world w;
  w.cp.use_signalling(slow);
  w.connect();
  const auto signalled = w.start(awaiting<status>(w.s.self.signal(w.local, w.peer, bytes_of("?"))));
  w.run();
  REQUIRE_FALSE(slow.kept.empty());
  const auto stopped = w.start(w.cp.stop());
  w.run();
  REQUIRE(stopped->done());
  CHECK(stopped->take() == status());
  REQUIRE(signalled->done());
  CHECK(signalled->take() == errc::canceled);
}

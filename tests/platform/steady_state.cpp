// Once warm, messages and calls pass without an allocation and without a copy.
#include "support/allocation.hpp"      // for allocations_made
#include "support/lean_provider.hpp"   // for lean_provider
#include "support/platform_world.hpp"  // for awaiting, peer_id, bytes_of

#include "lockgate/buffer/slab_pool.hpp"  // for slab_pool

#include <array>   // for array
#include <chrono>  // for seconds

using namespace lockgate;
using namespace support;

namespace {

/// An active lean provider with one endpoint; nothing is observed or recorded.
struct lean_world : world {
  explicit lean_world(lean_state::manner how) {
    link = cp.create<lean_provider>(state);
    finish(link.register_instance());
    app = cp.open_endpoint();
    finish(send(&app, peer_id(1)));
    state.how = how;
  }
  ~lean_world() {
    state.how = lean_state::manner::now;
    running<status> stop(home, cp.stop());
    advance(std::chrono::seconds(60));
    CHECK(stop.done());
  }
  static task<status> send(endpoint* e, transport_id to) {
    co_return co_await e->send_to(to, bytes_of("message"));
  }
  void finish(task<status> work) {
    running<status> root(home, std::move(work));
    home.run_ready();
    REQUIRE(root.done());
    REQUIRE(root.take().ok());
  }
  /// The allocations and copies of `work`, once it has been done often enough to be warm.
  template <class Work>
  void check_free(Work work) {
    for (int i = 0; i < 5; ++i) work();
    const auto allocations = allocations_made();
    const auto copies = copies_made;
    for (int i = 0; i < 100; ++i) work();
    // AddressSanitizer builds do not recycle frames, to see every use after free.
    if (!LOCKGATE_ASAN) CHECK(allocations_made() == allocations);
    CHECK(copies_made.copies == copies.copies);
  }

  lean_state state;
  platform cp{home};
  provider_instance link;
  endpoint app;
};

task<> receive_all(endpoint* e, std::size_t* total) {
  std::array<incoming, 8> into;
  for (;;) {
    const auto count = co_await e->receive(into);
    if (!count) co_return;
    for (std::size_t i = 0; i < *count; ++i) into[i] = incoming();
    *total += *count;
  }
}
task<> call(instance self, transport_id peer) {
  static_cast<void>(co_await self.report_unreachable(peer));
}
task<accepted> send_many(endpoint* e, std::span<const message_to> list) {
  co_return co_await e->send_to(list);
}

}  // namespace

TEST_CASE("steady state: sends allocate and copy nothing, whether the row answers now or later") {
  for (const auto how :
       {lean_state::manner::now, lean_state::manner::at_once, lean_state::manner::later}) {
    lean_world w(how);
    w.check_free([&] { w.finish(lean_world::send(&w.app, peer_id(1))); });
    const std::array<message_to, 3> list = {message_to{peer_id(1), chain(bytes_of("a"))},
                                            message_to{peer_id(1), chain(bytes_of("b"))},
                                            message_to{peer_id(1), chain(bytes_of("c"))}};
    w.check_free([&] {
      running<accepted> root(w.home, send_many(&w.app, list));
      w.home.run_ready();
      REQUIRE(root.done());
      CHECK(root.take().count == 3);
    });
    CHECK(w.state.sends == 1 + 105 * 4);
  }
}

TEST_CASE("steady state: senders that queue behind a pended row allocate nothing") {
  lean_world w(lean_state::manner::held);
  w.check_free([&] {
    running<status> first(w.home, lean_world::send(&w.app, peer_id(1)));
    running<status> second(w.home, lean_world::send(&w.app, peer_id(1)));
    w.home.run_ready();
    CHECK_FALSE(second.done());
    while (!second.done()) {
      w.state.held.complete_all();
      w.home.run_ready();
    }
    CHECK(first.done());
  });
}

TEST_CASE("steady state: receiving and forwarding move leases: no allocation, no copy") {
  for (const auto how : {lean_state::manner::now, lean_state::manner::later}) {
    lean_world w(how);
    slab_pool pool(2048, 64);
    std::size_t received = 0;
    running<> receiver(w.home, receive_all(&w.app, &received));
    const transport_id local = w.app.id();
    w.check_free([&] {
      for (int i = 0; i < 3; ++i) {
        const slab_pool::filling slab = pool.acquire();
        REQUIRE(w.state.self.indicate(incoming(local, peer_id(1), slab.cut(0, 100))).ok());
        REQUIRE(w.app.forward(peer_id(1), slab.cut(100, 200)).ok());
      }
      w.home.run_ready();
    });
    CHECK(received == 315);
    CHECK(w.state.sends == 1 + 315);
    CHECK(w.state.rows == 1 + 105);  // one row call a turn
    CHECK(pool.statistics().allocated <= 4);
    receiver.request_stop();
    w.home.run_ready();
    CHECK(receiver.done());
  }
}

TEST_CASE("steady state: queued messages and single receives allocate nothing") {
  lean_world w(lean_state::manner::now);
  slab_pool pool(2048, 64);
  w.check_free([&] {
    for (int i = 0; i < 5; ++i) {
      const slab_pool::filling slab = pool.acquire();
      REQUIRE(w.state.self.indicate(incoming(w.app.id(), peer_id(1), slab.cut(0, 100))).ok());
    }
    for (int i = 0; i < 5; ++i) {
      running<result<incoming>> one(w.home, awaiting<result<incoming>>(w.app.receive()));
      REQUIRE(one.done());
      CHECK(one.take().has_value());
    }
  });
}

TEST_CASE(
    "steady state: a provider's calls and tasks, a lost route and a dormancy cost nothing new") {
  lean_world w(lean_state::manner::later);
  w.check_free([&] {
    running<> root(w.home, call(w.state.self, peer_id(1)));
    REQUIRE(w.state.self.spawn(call(w.state.self, peer_id(2))).ok());
    w.home.run_ready();
    CHECK(root.done());
  });
}

TEST_CASE("one resumption for the messages of one turn") {
  lean_world w(lean_state::manner::now);
  std::array<incoming, 8> into;
  struct receiving {
    static task<std::size_t> run(endpoint* e, std::span<incoming> into) {
      const auto count = co_await e->receive(into);
      co_return count ? *count : 0;
    }
  };
  running<std::size_t> root(w.home, receiving::run(&w.app, into));
  for (int i = 0; i < 10; ++i)
    REQUIRE(w.state.self.indicate(incoming(w.app.id(), peer_id(1), lease_of("x"))).ok());
  w.home.run_ready();
  REQUIRE(root.done());
  CHECK(root.take() == 8);
  CHECK(w.app.statistics().queued_messages == 2);
}

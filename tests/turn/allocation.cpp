// Relayed data neither allocates nor is copied: counted, not claimed.
#include "support/allocation.hpp"  // for allocations_made
#include "support/scripted_turn.hpp"

#include <doctest/doctest.h>

using namespace lockgate_test;

TEST_CASE("turn: relayed data in both directions allocates nothing and is not copied") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  const auto peer = rig.client.add_peer(peer_a, rig.now).value();
  rig.pump();
  rig.serve(server);
  packet datagram(1204);
  std::array<std::byte, stun::max_turn_header_size> header{};
  REQUIRE(rig.client.frame(peer, 1200, header));
  std::copy_n(header.begin(), 4, datagram.begin());
  const packet indication = scripted_server::data_indication(peer_a, packet(1200));

  const auto before = support::allocations_made();
  std::size_t received = 0, framed = 0;
  for (int i = 0; i < 1000; ++i) {
    received += rig.client.receive(datagram, rig.now).length;
    received += rig.client.receive(indication, rig.now).length;
    framed += rig.client.frame(peer, 1200, header)->header;
    framed += rig.client.next(rig.now).type == stun::turn_action_type::wait;
  }
  CHECK(support::allocations_made() == before);
  CHECK(received == 2'400'000);
  CHECK(framed == 5000);
  ::operator delete(::operator new(1));  // the counter does count
  CHECK(support::allocations_made() > before);
}

TEST_CASE("turn: a keep-alive in the steady state allocates nothing of ours") {
  turn_rig rig;
  scripted_server server;
  rig.allocate(server);
  rig.advance_to(rig.deadline);
  rig.give(server.honest(rig.take()));
  rig.now = rig.deadline;
  const auto before = support::allocations_made();
  const auto action = rig.client.next(rig.now);
  CHECK(action.type == stun::turn_action_type::send);
  CHECK(support::allocations_made() == before);
}

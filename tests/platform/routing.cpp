// Who carries a message: ids are added, peers reached, instances asked by rank.
#include "support/connected_world.hpp"

#include <chrono>  // for minutes, seconds
#include <map>     // for map
#include <set>     // for set

using namespace lockgate;
using namespace support;

namespace {

/// What the loop providers of one test share: which instance serves an id.
struct loop_registry {
  std::map<transport_id, instance> serves;
  std::vector<outgoing> sent;  // the payload is gone
};

/// Carries messages between the ids of all its instances.
class loop_provider {
 public:
  explicit loop_provider(loop_registry& registry) noexcept : registry_(&registry) {}
  void establish_session(instance self) { instance_ = self; }
  status transition_active() { return {}; }
  status add_transport_id(transport_id id) {
    if (!registry_->serves.emplace(id, instance_).second) return errc::duplicate_transport_id;
    return {};
  }
  status remove_transport_id(transport_id id) {
    registry_->serves.erase(id);
    return {};
  }
  status reach_transport_id(transport_id id) {
    return registry_->serves.contains(id) ? status() : status(errc::unreachable);
  }
  accepted send_buffers(std::span<const outgoing> messages) {
    std::size_t accepted = 0;
    for (const outgoing& m : messages) {
      registry_->sent.push_back({m.local, m.remote, m.endpoint, {}});
      std::string text(m.payload.size(), ' ');
      m.payload.copy_to(reinterpret_cast<std::byte*>(text.data()));
      const auto to = registry_->serves.find(m.remote);
      if (to == registry_->serves.end()) return {accepted, errc::unreachable};
      const status indicated = to->second.indicate(incoming(m.remote, m.local, lease_of(text)));
      if (!indicated.ok()) return {accepted, indicated};
      ++accepted;
    }
    return accepted;
  }
  void terminate_session(termination_reason) {}

 private:
  loop_registry* registry_;
  instance instance_;
};

/// Two platforms, one instance and one ready endpoint on each, joined by loop providers.
struct pair_world : platform_world {
  pair_world() : other(home) {
    here = cp.create<loop_provider>(registry);
    there = other.create<loop_provider>(registry);
    REQUIRE(register_instance(here).ok());
    REQUIRE(register_instance(there).ok());
    near = cp.open_endpoint();
    far = other.open_endpoint({.proposed_id = {}, .listening = true});
    near_id = *ready(near);
    far_id = *ready(far);
  }
  ~pair_world() {
    const auto stopped = start(other.stop());
    CHECK(run_until([&] { return stopped->done(); }));
  }
  loop_registry registry;
  platform other;
  provider_instance here, there;
  endpoint near, far;
  transport_id near_id, far_id;
};

}  // namespace

TEST_CASE("G30: nothing is sent to a peer before it was reached") {
  connected_world w;
  w.s.usual(row::reach_transport_id).how = manner::waits;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  const auto sent = w.start_send(w.app, w.peer, "hello");
  w.run();
  CHECK(w.s.last(row::reach_transport_id).id == w.peer);
  CHECK(w.s.count(row::send_buffers) == 0);
  w.s.door_of(row::reach_transport_id).open();
  w.run();
  CHECK(sent->take().ok());
  CHECK(w.s.count(row::send_buffers) == 1);
  CHECK(w.s.last(row::send_buffers).messages.at(0).remote == w.peer);
}

TEST_CASE("G30: a failed reach means no send, and the reason reaches the application") {
  for (const errc why : {errc::unreachable, errc::ambiguous, errc::would_block}) {
    for (const manner how : {manner::now, manner::later}) {
      connected_world w;
      w.s.usual(row::reach_transport_id) = act(how, why);
      REQUIRE(w.register_instance(w.link).ok());
      w.app = w.cp.open_endpoint();
      CHECK(w.send(w.app, w.peer, "hello") == why);
      CHECK(w.s.count(row::send_buffers) == 0);
      // Asked again for the next message: the failure is not kept.
      w.s.usual(row::reach_transport_id) = act();
      CHECK(w.send(w.app, w.peer, "again").ok());
    }
  }
}

TEST_CASE("G30: with no instance at all, or none that is registered, a send is refused") {
  connected_world w;
  w.app = w.cp.open_endpoint();
  CHECK(w.send(w.app, w.peer, "nobody there") == errc::unreachable);
  CHECK(w.seen.count(event_kind::send_refused) == 1);
}

TEST_CASE("G31: in a send, local is the sender's id and remote the destination") {
  connected_world w;
  w.connect();
  endpoint second = w.cp.open_endpoint();
  const auto second_id = w.ready(second);
  REQUIRE(second_id.has_value());
  for (const bool path_is_open : {false, true}) {
    CAPTURE(path_is_open);
    REQUIRE(w.send(w.app, peer_id(7), "from the first").ok());
    auto m = w.s.last(row::send_buffers).messages.at(0);
    CHECK(m.local == w.app.id());
    CHECK(m.remote == peer_id(7));
    CHECK(m.endpoint == w.app.luid());
    CHECK(text_of(m.bytes) == "from the first");
    REQUIRE(w.send(second, peer_id(8), "from the second").ok());
    m = w.s.last(row::send_buffers).messages.at(0);
    CHECK(m.local == *second_id);
    CHECK(m.remote == peer_id(8));
    CHECK(m.endpoint == second.luid());
  }
}

TEST_CASE("U11: an endpoint's number is not zero, stays, and is never used again") {
  connected_world w;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10; ++i) {
    endpoint e = w.cp.open_endpoint();
    const std::uint64_t luid = e.luid();
    CHECK(luid != 0);
    endpoint moved = std::move(e);
    CHECK(moved.luid() == luid);
    CHECK(seen.insert(luid).second);
  }
}

TEST_CASE("G32: in an indication, local is the destination and remote the source") {
  pair_world w;
  const auto received = w.start_receive(w.far);
  REQUIRE(w.send(w.near, w.far_id, "ping").ok());
  w.run();
  REQUIRE(received->done());
  auto got = received->take();
  REQUIRE(got.has_value());
  CHECK(got->local == w.far_id);
  CHECK(got->remote == w.near_id);
  CHECK(text_of(got->contiguous()) == "ping");
  REQUIRE(w.registry.sent.size() == 1);
  CHECK(w.registry.sent[0].local == w.near_id);
  CHECK(w.registry.sent[0].remote == w.far_id);
  // And back, to where it came from.
  const auto answered = w.start_receive(w.near);
  REQUIRE(w.send(w.far, got->remote, "pong").ok());
  w.run();
  got = answered->take();
  REQUIRE(got.has_value());
  CHECK(got->local == w.near_id);
  CHECK(got->remote == w.far_id);
}

TEST_CASE("G33: ids come from the platform: random, distinct, of one range") {
  connected_world w;
  REQUIRE(w.register_instance(w.link).ok());
  std::set<transport_id> ids;
  std::vector<endpoint> endpoints;
  for (int i = 0; i < 50; ++i) {
    endpoints.push_back(w.cp.open_endpoint());
    const auto id = w.ready(endpoints.back());
    REQUIRE(id.has_value());
    CHECK(id->bytes()[0] == std::byte{0xfd});
    CHECK(ids.insert(*id).second);
  }
  const auto asked = w.finish(awaiting<result<transport_id>>(w.s.self.request_transport_id()));
  REQUIRE(asked.has_value());
  CHECK(ids.insert(*asked).second);
}

TEST_CASE("G33: an indication to an id that nobody was given here is rejected and counted") {
  connected_world w;
  w.connect();
  const auto to = [&](const transport_id& local) {
    incoming m(local, w.peer, lease_of("stray"));
    const status said = w.s.self.indicate(std::move(m));
    if (!said.ok()) CHECK(m.size() == 5);  // still the provider's
    return said;
  };
  CHECK(to(w.local).ok());
  CHECK(to(transport_id()) == errc::unknown_transport_id);
  CHECK(to(w.peer) == errc::unknown_transport_id);
  CHECK(to(peer_id(99)) == errc::unknown_transport_id);
  const auto reserved = w.finish(awaiting<result<transport_id>>(w.s.self.request_transport_id()));
  CHECK(to(*reserved) == errc::unknown_transport_id);
  CHECK(w.link.statistics().drops[drop_cause::unknown_id] == 4);
  // An endpoint's id that this instance refused to serve is unknown to it, too.
  script& t = w.make_script();
  t.usual(row::add_transport_id).answer = errc::duplicate_transport_id;
  provider_instance refuses = w.create(t);
  REQUIRE(w.register_instance(refuses).ok());
  const auto receiving = w.start_receive(w.app);
  w.run();
  REQUIRE(receiving->done());  // "stray" of the first line
  const auto again = w.start_receive(w.app);
  w.run();
  REQUIRE(refuses.state() == session_state::active);
  CHECK(t.self.indicate(incoming(w.local, w.peer, lease_of("no"))) == errc::unknown_transport_id);
  CHECK(to(w.local).ok());
  // Closed: gone.
  w.app.close();
  CHECK(to(w.local) == errc::unknown_transport_id);
}

TEST_CASE("G34: the provider is asked about each id, and may call it a duplicate") {
  pair_world w;
  CHECK(w.registry.serves.contains(w.near_id));
  CHECK(w.registry.serves.contains(w.far_id));
  // The far side knows the near id as taken: proposing it there fails, and only that one is tried.
  endpoint twin = w.other.open_endpoint({.proposed_id = w.near_id});
  const auto id = w.ready(twin);
  REQUIRE_FALSE(id.has_value());
  CHECK(id.error() == errc::duplicate_transport_id);
  CHECK(twin.id().is_nil());
}

TEST_CASE("G35: a refused id is replaced by another one, up to eight (U22)") {
  for (int refusals = 0; refusals < 8; ++refusals) {
    connected_world w;
    for (int i = 0; i < refusals; ++i)
      w.s.plan(row::add_transport_id,
               act(i % 2 ? manner::now : manner::later, errc::duplicate_transport_id));
    REQUIRE(w.register_instance(w.link).ok());
    w.app = w.cp.open_endpoint();
    const auto id = w.ready(w.app);
    REQUIRE(id.has_value());
    std::set<transport_id> proposed;
    for (const row_called& c : w.s.calls)
      if (c.which == row::add_transport_id) CHECK(proposed.insert(c.id).second);
    CHECK(proposed.size() == static_cast<std::size_t>(refusals) + 1);
    CHECK(w.s.last(row::add_transport_id).id == *id);
    CHECK(w.app.id() == *id);
  }
}

TEST_CASE("G35: when every proposal is refused, connectivity is denied") {
  connected_world w;
  w.s.usual(row::add_transport_id).answer = errc::duplicate_transport_id;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  const auto sent = w.start_send(w.app, w.peer, "hello");
  const auto id = w.ready(w.app);
  REQUIRE_FALSE(id.has_value());
  CHECK(id.error() == errc::unreachable);
  w.run();
  REQUIRE(sent->done());
  CHECK(sent->take() == errc::unreachable);
  CHECK(w.s.count(row::add_transport_id) == 8);
  CHECK(w.s.count(row::send_buffers) == 0);
  CHECK(w.app.id().is_nil());
  // Who asks again gets eight new proposals, not silence.
  const auto refused_again = w.start_ready(w.app);
  w.run();
  REQUIRE(refused_again->done());
  CHECK(refused_again->take().error() == errc::unreachable);
  CHECK(w.s.count(row::add_transport_id) == 16);
  w.s.usual(row::add_transport_id).answer = {};
  CHECK(w.ready(w.app).has_value());
  CHECK(w.send(w.app, w.peer, "now it works").ok());
}

TEST_CASE("G35: an id that one instance refuses and another accepts is no denial") {
  connected_world w;
  script& t = w.make_script();
  provider_instance accepts = w.create(t);
  w.s.usual(row::add_transport_id).answer = errc::duplicate_transport_id;
  REQUIRE(w.register_instance(w.link).ok());
  REQUIRE(w.register_instance(accepts).ok());
  w.app = w.cp.open_endpoint();
  const auto id = w.ready(w.app);
  REQUIRE(id.has_value());
  CHECK(t.last(row::add_transport_id).id == *id);
  CHECK(w.send(w.app, w.peer, "through the other").ok());
  CHECK(w.s.count(row::send_buffers) == 0);
  CHECK(t.count(row::send_buffers) == 1);
}

TEST_CASE("U27: an endpoint has no id before add has succeeded, and then keeps it") {
  connected_world w;
  w.s.usual(row::add_transport_id).how = manner::waits;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  const auto waits = w.start_ready(w.app);
  w.run();
  REQUIRE(w.s.count(row::add_transport_id) == 1);
  CHECK(w.app.id().is_nil());
  CHECK_FALSE(waits->done());
  w.s.door_of(row::add_transport_id).open_for_good();
  w.run();
  const auto id = waits->take();
  REQUIRE(id.has_value());
  CHECK(w.app.id() == *id);
  w.advance(std::chrono::minutes(10));
  REQUIRE(w.link.state() == session_state::idle);
  CHECK(w.app.id() == *id);
  CHECK(*w.ready(w.app) == *id);
  REQUIRE(w.send(w.app, w.peer, "awake").ok());
  CHECK(w.s.last(row::add_transport_id).id == *id);  // the same after dormancy
}

TEST_CASE("U27: a proposed id is the only one that is tried") {
  connected_world w;
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint({.proposed_id = peer_id(42)});
  CHECK(*w.ready(w.app) == peer_id(42));
  // Taken on this platform: the provider, which may not notice, is not even asked.
  const int asked = w.s.count(row::add_transport_id);
  endpoint twin = w.cp.open_endpoint({.proposed_id = peer_id(42)});
  const auto id = w.ready(twin);
  REQUIRE_FALSE(id.has_value());
  CHECK(id.error() == errc::duplicate_transport_id);
  CHECK(w.s.count(row::add_transport_id) == asked);
  twin.close();
  w.run();
  CHECK(w.s.self.indicate(incoming(peer_id(42), w.peer, lease_of("first's"))).ok());
  CHECK(w.app.statistics().queued_messages == 1);
  // An id that a provider has reserved and told its peer can be proposed.
  const auto reserved = w.finish(awaiting<result<transport_id>>(w.s.self.request_transport_id()));
  endpoint third = w.cp.open_endpoint({.proposed_id = *reserved});
  REQUIRE(w.ready(third).has_value());
  CHECK(w.s.self.indicate(incoming(*reserved, w.peer, lease_of("third's"))).ok());
  CHECK(third.statistics().queued_messages == 1);
}

TEST_CASE("G36: reach is answered per instance and per id") {
  connected_world w;
  script& t = w.make_script();
  provider_instance other = w.create(t);
  w.s.usual(row::reach_transport_id).answer = errc::unreachable;
  REQUIRE(w.register_instance(w.link).ok());
  REQUIRE(w.register_instance(other).ok());
  w.app = w.cp.open_endpoint();
  CHECK(w.send(w.app, w.peer, "through the other").ok());
  CHECK(w.s.count(row::reach_transport_id) == 1);
  CHECK(t.count(row::reach_transport_id) == 1);
  CHECK(w.s.count(row::send_buffers) == 0);
  CHECK(t.count(row::send_buffers) == 1);
  // Another id is another question.
  w.s.plan(row::reach_transport_id, act());
  t.plan(row::reach_transport_id, act(manner::now, errc::unreachable));
  CHECK(w.send(w.app, peer_id(2), "through the first").ok());
  CHECK(w.s.last(row::reach_transport_id).id == peer_id(2));
  CHECK(w.s.count(row::send_buffers) == 1);
  CHECK(t.count(row::send_buffers) == 1);
  // Both answers are remembered, apart.
  CHECK(w.send(w.app, w.peer, "again").ok());
  CHECK(w.send(w.app, peer_id(2), "again").ok());
  CHECK(w.s.count(row::reach_transport_id) == 2);
  CHECK(t.count(row::reach_transport_id) == 2);
  CHECK(t.count(row::send_buffers) == 2);
}

TEST_CASE("U23: instances are asked by priority, all of one priority at the same time") {
  connected_world w;
  script* scripts[4] = {&w.s, &w.make_script(), &w.make_script(), &w.make_script()};
  provider_instance links[3] = {w.create(*scripts[1]), w.create(*scripts[2]),
                                w.create(*scripts[3])};
  REQUIRE(w.register_instance(w.link, {.priority = -5}).ok());
  REQUIRE(w.register_instance(links[0], {.priority = 7}).ok());
  REQUIRE(w.register_instance(links[1], {.priority = 7}).ok());
  REQUIRE(w.register_instance(links[2], {.priority = 1}).ok());
  for (script* const s : scripts) s->usual(row::reach_transport_id).how = manner::waits;
  scripts[1]->usual(row::reach_transport_id).answer = errc::unreachable;
  w.app = w.cp.open_endpoint();
  const auto sent = w.start_send(w.app, w.peer, "hello");
  w.run();
  CHECK(scripts[0]->count(row::reach_transport_id) == 0);
  CHECK(scripts[1]->count(row::reach_transport_id) == 1);
  CHECK(scripts[2]->count(row::reach_transport_id) == 1);
  CHECK(scripts[3]->count(row::reach_transport_id) == 0);
  CHECK(scripts[3]->count(row::transition_active) == 0);  // nobody woke it either
  // The whole rank is heard before a lower one is asked.
  scripts[1]->door_of(row::reach_transport_id).open_for_good();
  w.run();
  CHECK(scripts[3]->count(row::reach_transport_id) == 0);
  scripts[2]->door_of(row::reach_transport_id).open_for_good();
  w.run();
  CHECK(sent->take().ok());
  CHECK(scripts[2]->count(row::send_buffers) == 1);
  CHECK(scripts[3]->count(row::reach_transport_id) == 0);
  CHECK(scripts[0]->count(row::reach_transport_id) == 0);
}

TEST_CASE("U23: where no instance of a rank reaches the peer, the next rank is asked") {
  connected_world w;
  script& t = w.make_script();
  provider_instance high = w.create(t);
  REQUIRE(w.register_instance(w.link, {.priority = 1}).ok());
  REQUIRE(w.register_instance(high, {.priority = 2}).ok());
  t.usual(row::reach_transport_id).answer = errc::unreachable;
  w.app = w.cp.open_endpoint();
  CHECK(w.send(w.app, w.peer, "hello").ok());
  CHECK(t.count(row::reach_transport_id) == 1);
  CHECK(w.s.count(row::send_buffers) == 1);
  // The same for a rank whose activation fails.
  script& u = w.make_script();
  provider_instance highest = w.create(u);
  u.usual(row::transition_active).answer = errc::timed_out;
  REQUIRE(w.register_instance(highest, {.priority = 3}).ok());
  CHECK(w.send(w.app, peer_id(2), "hello").ok());
  CHECK(u.count(row::transition_active) == 1);
  CHECK(u.count(row::reach_transport_id) == 0);
}

TEST_CASE("U23: several that reach a peer are ambiguous within a rank, and only there") {
  connected_world w;
  script& t = w.make_script();
  provider_instance second = w.create(t);
  REQUIRE(w.register_instance(w.link, {.priority = 1}).ok());
  REQUIRE(w.register_instance(second, {.priority = 1}).ok());
  w.app = w.cp.open_endpoint();
  CHECK(w.send(w.app, w.peer, "hello") == errc::ambiguous);
  CHECK(w.s.count(row::send_buffers) + t.count(row::send_buffers) == 0);
  // A higher rank settles it.
  script& u = w.make_script();
  provider_instance higher = w.create(u);
  REQUIRE(w.register_instance(higher, {.priority = 2}).ok());
  CHECK(w.send(w.app, w.peer, "hello").ok());
  CHECK(u.count(row::send_buffers) == 1);
  // A lower one does not.
  CHECK(w.deregister(higher).ok());
  script& v = w.make_script();
  provider_instance lower = w.create(v);
  REQUIRE(w.register_instance(lower, {.priority = 0}).ok());
  CHECK(w.send(w.app, w.peer, "hello") == errc::ambiguous);
  CHECK(v.count(row::reach_transport_id) == 0);
}

TEST_CASE("U23: a reach answer is believed for a time, then asked again") {
  connected_world w;
  w.connect();
  endpoint listens = w.cp.open_endpoint({.proposed_id = {}, .listening = true});
  const auto half = w.cp.options().reach_lifetime / 2;
  w.advance(half);
  REQUIRE(w.send(w.app, w.peer, "believed").ok());
  CHECK(w.s.count(row::reach_transport_id) == 1);
  w.advance(half);
  REQUIRE(w.link.state() == session_state::active);
  CHECK(w.seen.count(event_kind::path_closed) == 1);
  REQUIRE(w.send(w.app, w.peer, "asked again").ok());
  CHECK(w.s.count(row::reach_transport_id) == 2);
}

TEST_CASE("U23: a reach answer that expires during a row spoils neither the row nor its count") {
  connected_world w(platform_options{.reach_lifetime = std::chrono::seconds(10)});
  w.connect();
  w.s.usual(row::send_buffers).how = manner::waits;
  const auto slow = w.start_send(w.app, w.peer, "slow");
  w.advance(std::chrono::seconds(15));
  CHECK(w.seen.count(event_kind::path_closed) == 1);
  CHECK_FALSE(slow->done());
  const auto queued = w.start_send(w.app, w.peer, "behind it");
  w.run();
  CHECK(w.s.count(row::send_buffers) == 2);
  w.s.door_of(row::send_buffers).open_for_good();
  w.run();
  CHECK(slow->take().ok());
  CHECK(queued->take().ok());
  CHECK(w.s.count(row::reach_transport_id) == 2);
  CHECK(w.link.statistics().messages_sent == 3);
  CHECK(w.seen.count(event_kind::message_sent) == 3);
  CHECK(w.seen.count(event_kind::row_began, row::send_buffers) ==
        w.seen.count(event_kind::row_ended, row::send_buffers));
}

TEST_CASE("U23: an unreachable send drops the route of that peer, and no other") {
  connected_world w;
  w.connect();
  REQUIRE(w.send(w.app, peer_id(2), "first").ok());
  REQUIRE(w.s.count(row::reach_transport_id) == 2);
  SUBCASE("one message") {
    for (const manner how : {manner::now, manner::later}) {
      const int before = w.s.count(row::reach_transport_id);
      w.s.plan(row::send_buffers, act(how, errc::unreachable));
      CHECK(w.send(w.app, peer_id(2), "lost") == errc::unreachable);
      REQUIRE(w.send(w.app, w.peer, "other").ok());
      CHECK(w.s.count(row::reach_transport_id) == before);
      REQUIRE(w.send(w.app, peer_id(2), "again").ok());
      CHECK(w.s.count(row::reach_transport_id) == before + 1);
      CHECK(w.s.last(row::reach_transport_id).id == peer_id(2));
    }
  }
  SUBCASE("a batch, of which the second is unreachable") {
    for (const manner how : {manner::now, manner::later}) {
      const int before = w.s.count(row::reach_transport_id);
      act partly(how, errc::unreachable);
      partly.accepts = 1;
      w.s.plan(row::send_buffers, partly);
      const message_to batch[] = {{w.peer, chain(bytes_of("one"))},
                                  {peer_id(2), chain(bytes_of("two"))}};
      const accepted said = w.finish(w.app.send_to(batch));
      CHECK(said.count == (how == manner::now ? 1u : 0u));  // perform_sent refuses all
      CHECK(said.why == errc::unreachable);
      const transport_id lost = how == manner::now ? peer_id(2) : w.peer;
      const transport_id kept = how == manner::now ? w.peer : peer_id(2);
      REQUIRE(w.send(w.app, kept, "kept").ok());
      CHECK(w.s.count(row::reach_transport_id) == before);
      REQUIRE(w.send(w.app, lost, "again").ok());
      CHECK(w.s.count(row::reach_transport_id) == before + 1);
    }
  }
  SUBCASE("gathered") {
    act partly(manner::now, errc::unreachable);
    partly.accepts = 1;
    w.s.plan(row::send_buffers, partly);
    REQUIRE(w.app.forward(w.peer, lease_of("one")).ok());
    REQUIRE(w.app.forward(peer_id(2), lease_of("two")).ok());
    w.run();
    CHECK(w.link.statistics().drops[drop_cause::send_failed] == 1);
    REQUIRE(w.send(w.app, w.peer, "kept").ok());
    CHECK(w.s.count(row::reach_transport_id) == 2);
    REQUIRE(w.send(w.app, peer_id(2), "again").ok());
    CHECK(w.s.count(row::reach_transport_id) == 3);
  }
  SUBCASE("the provider reports it") {
    CHECK(w.finish(awaiting<status>(w.s.self.report_unreachable(peer_id(2)))).ok());
    REQUIRE(w.send(w.app, w.peer, "kept").ok());
    CHECK(w.s.count(row::reach_transport_id) == 2);
    REQUIRE(w.send(w.app, peer_id(2), "again").ok());
    CHECK(w.s.count(row::reach_transport_id) == 3);
  }
  SUBCASE("any other error does not") {
    w.s.plan(row::send_buffers, act(manner::now, errc::would_block));
    CHECK(w.send(w.app, w.peer, "later") == errc::would_block);
    REQUIRE(w.send(w.app, w.peer, "again").ok());
    CHECK(w.s.count(row::reach_transport_id) == 2);
  }
}

TEST_CASE("U23: a peer reported unreachable while messages for it and others are gathered") {
  connected_world w;
  w.connect();
  const transport_id other = peer_id(2);
  REQUIRE(w.send(w.app, other, "first") == status());
  REQUIRE(w.app.forward(other, lease_of("for the other")) == status());
  REQUIRE(w.app.forward(w.peer, lease_of("for the peer")) == status());
  act refuses(manner::now, errc::unreachable);
  refuses.accepts = 0;
  w.s.plan(row::send_buffers, refuses);
  const auto reported = w.start(awaiting<status>(w.s.self.report_unreachable(w.peer)));
  w.run();
  CHECK(reported->done());
  CHECK(w.seen.count(event_kind::path_closed) == 2);
  CHECK(w.link.statistics().drops[drop_cause::send_failed] == 1);
}

// What the signalling knows of an id that no provider has accepted yet.
#include "support/connected_world.hpp"

#include <chrono>  // for seconds
#include <new>     // for bad_alloc
#include <set>     // for set

using namespace lockgate;
using namespace support;

namespace {

/// Signalling to one platform. It checks that ids come and go by turns, and keeps those in use.
class noting_signalling final : public signalling {
 public:
  task<status> send(signal_message message) override {
    if (!sink_ || !sink_->has_id(message.to)) co_return errc::unreachable;
    sink_->signal_arrived(std::move(message));
    co_return status();
  }
  void attach(signal_sink& sink) override { sink_ = &sink; }
  void detach(signal_sink&) noexcept override { sink_ = nullptr; }
  void id_in_use(signal_sink& sink, const transport_id& id, bool in_use) override {
    CHECK(sink.has_id(id) == in_use);
    if (in_use && refusals > 0 && refusals--) throw std::bad_alloc();
    CHECK((in_use ? ids.insert(id).second : ids.erase(id) == 1));
  }

  std::set<transport_id> ids;
  int refusals = 0;  ///< how often there is no memory for an id

 private:
  signal_sink* sink_ = nullptr;
};

const transport_id wanted = peer_id(42);

/// A registered instance, and an endpoint that has asked for an id.
struct proposing_world {
  proposing_world() { w.cp.use_signalling(signals); }
  ~proposing_world() {
    w.s.open_all_for_good();
    CHECK(w.finish(w.cp.stop()).ok());
    CHECK(signals.ids.empty());
  }
  void begin() {
    REQUIRE(w.register_instance(w.link).ok());
    w.app = open();
    w.run();
  }
  endpoint open() { return w.cp.open_endpoint({.proposed_id = wanted, .listening = true}); }
  /// Whether a peer's blob comes to the provider.
  bool hears(std::string_view text) {
    signal_message message;
    message.to = wanted;
    message.from = w.peer;
    message.blob.assign(bytes_of(text).begin(), bytes_of(text).end());
    if (!w.finish(signals.send(std::move(message))).ok()) return false;
    const auto got = w.finish(awaiting<result<peer_signal>>(w.s.self.receive_signal()));
    return got && got->local == wanted && got->from == w.peer && text_of(got->blob) == text;
  }
  [[nodiscard]] bool is_known() const { return signals.ids == std::set{wanted}; }

  noting_signalling signals;
  connected_world w;
};

}  // namespace

TEST_CASE("a proposed id takes signals from the beginning of the activation that it is for") {
  proposing_world t;
  t.w.s.usual(row::transition_active).how = manner::waits;
  t.w.s.usual(row::add_transport_id).how = manner::waits;
  t.begin();
  REQUIRE(t.w.link.state() == session_state::activating);
  CHECK(t.is_known());
  CHECK(t.hears("while it activates"));
  t.w.s.door_of(row::transition_active).open();
  t.w.run();
  REQUIRE(t.w.s.count(row::add_transport_id) == 1);
  CHECK(t.w.app.id().is_nil());
  CHECK(t.hears("while it is added"));
  CHECK(t.w.s.self.indicate(incoming(wanted, t.w.peer, lease_of("early"))) ==
        errc::unknown_transport_id);
  t.w.s.door_of(row::add_transport_id).open();
  CHECK(*t.w.ready(t.w.app) == wanted);
  CHECK(t.is_known());
  CHECK(t.hears("when it is there"));
  t.w.app.close();
  CHECK(t.signals.ids.empty());
  CHECK_FALSE(t.hears("afterwards"));
}

TEST_CASE("what is signalled to a proposed id waits for the provider") {
  proposing_world t;
  t.w.s.usual(row::transition_active).how = manner::waits;
  t.begin();
  signal_message message;
  message.to = wanted;
  message.from = t.w.peer;
  CHECK(t.w.finish(t.signals.send(std::move(message))).ok());
  t.w.s.door_of(row::transition_active).open();
  CHECK(*t.w.ready(t.w.app) == wanted);
  const auto got = t.w.finish(awaiting<result<peer_signal>>(t.w.s.self.receive_signal()));
  REQUIRE(got);
  CHECK(got->from == t.w.peer);
}

TEST_CASE("nothing is proposed without an instance that is wanted, nor an id that none asked for") {
  proposing_world t;
  t.w.app = t.open();
  t.w.run();
  CHECK(t.signals.ids.empty());  // nobody would hear
  t.w.app.close();
  t.w.s.usual(row::add_transport_id).how = manner::waits;
  REQUIRE(t.w.register_instance(t.w.link).ok());
  t.w.app = t.w.cp.open_endpoint({.proposed_id = wanted});
  t.w.run();
  REQUIRE(t.w.link.state() == session_state::idle);
  CHECK(t.signals.ids.empty());
  endpoint other = t.w.cp.open_endpoint({.proposed_id = {}, .listening = true});
  t.w.run();
  REQUIRE(t.w.link.state() == session_state::active);
  CHECK(t.is_known());  // the one that somebody may know of
}

TEST_CASE("a refused proposal is withdrawn, and made again when somebody wants the id") {
  proposing_world t;
  t.w.s.plan(row::add_transport_id, act(manner::now, errc::duplicate_transport_id));
  t.w.s.usual(row::add_transport_id).how = manner::waits;
  t.begin();
  REQUIRE(t.w.s.count(row::add_transport_id) == 1);
  CHECK(t.signals.ids.empty());
  CHECK_FALSE(t.hears("not ours"));
  const auto ready = t.w.start_ready(t.w.app);
  t.w.run();
  CHECK(t.is_known());
  t.w.s.door_of(row::add_transport_id).open();
  t.w.run();
  REQUIRE(ready->done());
  CHECK(*ready->take() == wanted);
  CHECK(t.is_known());
}

TEST_CASE("a proposal stands while one of several instances seeks it") {
  proposing_world t;
  script& s = t.w.make_script();
  provider_instance second = t.w.create(s);
  t.w.s.usual(row::add_transport_id).answer = errc::duplicate_transport_id;
  s.usual(row::transition_active).how = manner::waits;
  REQUIRE(t.w.register_instance(second).ok());
  t.begin();
  REQUIRE(t.w.s.count(row::add_transport_id) == 1);
  REQUIRE(second.state() == session_state::activating);
  CHECK(t.is_known());
  SUBCASE("which accepts it") {
    s.door_of(row::transition_active).open();
    CHECK(*t.w.ready(t.w.app) == wanted);
    CHECK(t.is_known());
  }
  SUBCASE("which ends") {
    CHECK(t.w.deregister(second).ok());
    CHECK(t.signals.ids.empty());
  }
}

TEST_CASE("a proposal ends with the activation that fails, and comes with the next one") {
  proposing_world t;
  t.w.s.plan(row::transition_active, act(manner::later, errc::unreachable));
  t.w.s.usual(row::transition_active).how = manner::waits;
  t.begin();
  REQUIRE(t.w.link.state() == session_state::idle);
  CHECK(t.signals.ids.empty());
  t.w.advance(std::chrono::seconds(1));  // the back-off
  REQUIRE(t.w.link.state() == session_state::activating);
  CHECK(t.is_known());
}

TEST_CASE("a proposal ends with its endpoint, wherever it is") {
  for (const row at : {row::transition_active, row::add_transport_id}) {
    CAPTURE(to_string(at));
    proposing_world t;
    t.w.s.usual(at).how = manner::waits;
    t.begin();
    REQUIRE(t.w.s.count(at) == 1);
    REQUIRE(t.is_known());
    t.w.app.close();
    CHECK(t.signals.ids.empty());
    CHECK_FALSE(t.hears("gone"));
    t.w.s.door_of(at).open();
    t.w.run();
    CHECK(t.w.s.count(row::remove_transport_id) == t.w.s.count(row::add_transport_id));
    CHECK(t.signals.ids.empty());
  }
}

TEST_CASE("a proposal ends with the session, also while a row runs on") {
  for (const row at : {row::transition_active, row::add_transport_id}) {
    CAPTURE(to_string(at));
    proposing_world t;
    t.w.s.usual(at).how = manner::ignores_stop;
    t.begin();
    REQUIRE(t.w.s.count(at) == 1);
    REQUIRE(t.is_known());
    const auto ended = t.w.start_deregister(t.w.link);
    t.w.run();
    CHECK(t.signals.ids.empty());
    CHECK_FALSE(t.hears("gone"));
    t.w.s.door_of(at).open();
    t.w.run();
    CHECK(ended->done());
    CHECK(t.is_known() == (t.w.app.id() == wanted));  // an add that succeeds late counts
  }
}

TEST_CASE("of two endpoints that propose one id, one gets it and the other has no part in it") {
  proposing_world t;
  t.w.s.usual(row::add_transport_id).how = manner::waits;
  t.begin();
  endpoint twin = t.open();
  t.w.run();
  REQUIRE(t.is_known());
  SUBCASE("when it is accepted") {
    t.w.s.door_of(row::add_transport_id).open();
    CHECK(*t.w.ready(t.w.app) == wanted);
    CHECK(t.w.ready(twin).error() == errc::duplicate_transport_id);
    CHECK(t.w.s.count(row::add_transport_id) == 1);
    twin.close();
    CHECK(t.is_known());
    t.w.app.close();
  }
  SUBCASE("when the first one goes") {
    t.w.app.close();
    CHECK(t.is_known());
    t.w.s.door_of(row::add_transport_id).open_for_good();
    CHECK(*t.w.ready(twin) == wanted);
    twin.close();
  }
  CHECK(t.signals.ids.empty());
}

TEST_CASE("an id reserved for another instance is not proposed") {
  proposing_world t;
  script& s = t.w.make_script();
  provider_instance second = t.w.create(s);
  REQUIRE(t.w.register_instance(second).ok());
  const auto reserved = t.w.finish(awaiting<result<transport_id>>(s.self.request_transport_id()));
  REQUIRE(reserved);
  s.usual(row::transition_active).answer = errc::unreachable;
  t.w.s.usual(row::transition_active).how = manner::waits;
  REQUIRE(t.w.register_instance(t.w.link).ok());
  endpoint taken = t.w.cp.open_endpoint({.proposed_id = *reserved, .listening = true});
  t.w.run();
  REQUIRE(t.w.link.state() == session_state::activating);
  CHECK(t.signals.ids.empty());
}

TEST_CASE("a proposal for which the signalling has no memory costs nothing but time") {
  proposing_world t;
  t.w.s.usual(row::add_transport_id).how = manner::waits;
  t.signals.refusals = 1000;
  t.begin();
  REQUIRE(t.w.s.count(row::add_transport_id) == 1);
  CHECK(t.signals.ids.empty());
  CHECK_FALSE(t.hears("not yet"));
  t.signals.refusals = 0;
  t.w.s.door_of(row::add_transport_id).open();
  CHECK(*t.w.ready(t.w.app) == wanted);
  CHECK(t.is_known());
}

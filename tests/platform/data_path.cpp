// Messages: their parts, their order, and who owns their bytes when.
#include "support/connected_world.hpp"

#include <array>   // for array
#include <chrono>  // for minutes
#include <memory>  // for unique_ptr
#include <string>  // for string, to_string

using namespace lockgate;
using namespace support;

namespace {

std::string sent_text(const script& s) {
  std::string all;
  for (const row_called& c : s.calls)
    for (const auto& m : c.messages) all += text_of(m.bytes) + ' ';
  return all;
}

/// Memory whose release is counted.
struct memory {
  std::array<std::byte, 64> bytes{};
  int released = 0;
  lease wrap(std::size_t size) {
    return lease::wrap(
        {bytes.data(), size}, [](void* m) noexcept { ++static_cast<memory*>(m)->released; }, this);
  }
};

/// Sees the very memory it is given.
class looking_provider {
 public:
  explicit looking_provider(std::vector<const std::byte*>& seen) noexcept : seen_(&seen) {}
  void establish_session(instance) {}
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) {
    for (const outgoing& m : messages)
      for (std::size_t i = 0; i < m.payload.part_count(); ++i)
        seen_->push_back(m.payload.part(i).data());
    return messages.size();
  }
  void terminate_session(termination_reason) {}

 private:
  std::vector<const std::byte*>* seen_;
};

}  // namespace

TEST_CASE("G37: an outgoing message is the concatenation of its parts, empty ones allowed") {
  connected_world w;
  w.connect();
  const std::string a = "one ", b, c = "two ", d = "three";
  const std::vector<std::vector<bytes_view>> chains = {
      {bytes_of(d)},
      {bytes_of(a), bytes_of(d)},
      {bytes_of(a), bytes_of(b), bytes_of(c), bytes_of(b), bytes_of(d)},
      {bytes_of(b), bytes_of(d)},
      {bytes_of(d), bytes_of(b)}};
  const std::string expected[] = {"three", "one three", "one two three", "three", "three"};
  for (std::size_t i = 0; i < chains.size(); ++i) {
    const auto sent = w.start(
        awaiting<status>(w.app.send_to(w.peer, chain(std::span<const bytes_view>(chains[i])))));
    w.run();
    CHECK(sent->take().ok());
    const auto& m = w.s.last(row::send_buffers).messages.at(0);
    CHECK(text_of(m.bytes) == expected[i]);
    CHECK(m.parts == chains[i].size());
  }
  const std::vector<bytes_view> nothing = {bytes_of(b), bytes_of(b)};
  const auto refused =
      w.start(awaiting<status>(w.app.send_to(w.peer, chain(std::span<const bytes_view>(nothing)))));
  CHECK(refused->take() == errc::message_empty);
}

TEST_CASE("G37: an incoming message is the concatenation of its parts, in order") {
  connected_world w;
  w.connect();
  const std::vector<std::vector<std::string>> lists = {
      {"whole"}, {"a", "b"}, {"a", "", "bc", "", "d"}, {"", "x"}, {"x", ""}};
  for (const auto& list : lists) {
    std::vector<lease> parts;
    std::string expected;
    for (const std::string& text : list) {
      parts.push_back(lease_of(text));
      expected += text;
    }
    const auto received = w.start_receive(w.app);
    REQUIRE(w.s.self.indicate(incoming(w.local, w.peer, std::move(parts))).ok());
    w.run();
    auto got = received->take();
    REQUIRE(got.has_value());
    CHECK(got->part_count() == list.size());
    CHECK(got->size() == expected.size());
    for (std::size_t i = 0; i < list.size(); ++i) CHECK(text_of(got->part(i).bytes()) == list[i]);
    CHECK(text_of(got->contiguous()) == expected);
  }
  CHECK(w.s.self.indicate(incoming(w.local, w.peer, std::vector<lease>())) == errc::message_empty);
  CHECK(w.s.self.indicate(incoming(w.local, w.peer, lease_of(""))) == errc::message_empty);
  CHECK(w.link.statistics().drops[drop_cause::empty] == 2);
}

namespace {

/// A registered instance of a platform that is observed or not: messages take other ways then.
struct one_instance : platform_world {
  explicit one_instance(bool observed) : unobserved(home), used(observed ? cp : unobserved) {
    link = used.create<scripted_provider>(s);
    REQUIRE(register_instance(link).ok());
  }
  ~one_instance() { CHECK(finish(unobserved.stop()).ok()); }

  platform unobserved;
  platform& used;
  script& s = make_script();
  provider_instance link;
};

}  // namespace

TEST_CASE("a batch for several endpoints is handed over message by message, observed or not") {
  for (const bool observed : {false, true}) {
    CAPTURE(observed);
    one_instance w(observed);
    script& s = w.s;
    provider_instance& link = w.link;
    endpoint near = w.used.open_endpoint(), far = w.used.open_endpoint();
    REQUIRE(w.ready(near).has_value());
    REQUIRE(w.ready(far).has_value());
    std::array<incoming, 4> for_near, for_far;
    const auto near_receives =
        w.start(awaiting<result<std::size_t>>(near.receive(std::span(for_near))));
    const auto far_receives =
        w.start(awaiting<result<std::size_t>>(far.receive(std::span(for_far))));

    std::vector<incoming> batch;
    const auto add = [&](const endpoint& to, std::string_view text) {
      batch.emplace_back(to.id(), peer_id(1), lease_of(text));
    };
    for (const char* const text : {"one", "two", ""}) add(near, text);
    batch[1].segment_size = 100;  // a train of one
    add(far, "threealso");
    batch.back().segment_size = 5;
    add(near, "four");
    add(far, "seven");
    for (const char* const text : {"five", "six"}) add(near, text);  // room for one
    const accepted first = s.self.indicate(batch);
    CHECK(first.count == 2);
    CHECK(first.why == errc::message_empty);
    const accepted rest = s.self.indicate(std::span(batch).subspan(3));
    CHECK(rest.count == 5);
    CHECK(rest.why.ok());
    w.run();

    REQUIRE(*near_receives->take() == 4);
    CHECK(text_of(for_near[0].contiguous()) == "one");
    CHECK(text_of(for_near[1].contiguous()) == "two");
    CHECK(text_of(for_near[2].contiguous()) == "four");
    CHECK(text_of(for_near[3].contiguous()) == "five");
    REQUIRE(*far_receives->take() == 3);
    CHECK(text_of(for_far[0].contiguous()) == "three");
    CHECK(text_of(for_far[1].contiguous()) == "also");
    CHECK(text_of(for_far[2].contiguous()) == "seven");
    for (const auto& message : for_near) CHECK(message.segment_size == 0);
    for (const auto& message : for_far) CHECK(message.segment_size == 0);
    CHECK(text_of(w.finish(awaiting<result<incoming>>(near.receive()))->contiguous()) == "six");
    CHECK(near.statistics().messages_received == 5);
    CHECK(near.statistics().bytes_received == 17);
    CHECK(far.statistics().messages_received == 3);
    CHECK(far.statistics().bytes_received == 14);
    CHECK(link.statistics().messages_received == 8);
    CHECK(link.statistics().bytes_received == 31);
    CHECK(link.statistics().drops[drop_cause::empty] == 1);
  }
}

namespace {

/// Hands the next message up whenever memory comes back, as a provider with credit does.
struct credit {
  instance* cp;
  transport_id to;
  int left;
  lease wrap() {
    static std::array<std::byte, 8> bytes{};
    return lease::wrap(
        bytes,
        [](void* m) noexcept {
          auto& me = *static_cast<credit*>(m);
          if (me.left == 0) return;
          --me.left;
          CHECK(me.cp->indicate(incoming(me.to, peer_id(1), lease_of("next"))).ok());
        },
        this);
  }
};

}  // namespace

TEST_CASE("memory that comes home while messages are handed over may bring the next one") {
  for (const bool observed : {false, true})
    for (const bool as_train : {false, true}) {
      CAPTURE(observed);
      CAPTURE(as_train);
      one_instance w(observed);
      script& s = w.s;
      endpoint app = w.used.open_endpoint();
      REQUIRE(w.ready(app).has_value());
      credit c{&s.self, app.id(), 2};
      std::vector<incoming> into(4);
      for (std::size_t i = 0; i < 2; ++i) into[i] = incoming(app.id(), peer_id(1), c.wrap());
      const auto receives = w.start(awaiting<result<std::size_t>>(app.receive(std::span(into))));
      std::vector<incoming> batch;
      for (const char* const text : {"1111", "2222", "3333", "4444"})
        if (!as_train) batch.emplace_back(app.id(), peer_id(1), lease_of(text));
      if (as_train) {
        batch.emplace_back(app.id(), peer_id(1), lease_of("1111222233334444"));
        batch.front().segment_size = 4;
      }
      CHECK(s.self.indicate(batch).why.ok());
      w.run();
      std::string received;
      const std::size_t count = *receives->take();
      REQUIRE(count == into.size());
      for (incoming& message : into) received += text_of(message.contiguous()) + ' ';
      for (int i = 0; i < 2; ++i)
        received +=
            text_of(w.finish(awaiting<result<incoming>>(app.receive()))->contiguous()) + ' ';
      for (const char* const text : {"1111", "2222", "3333", "4444"})
        CHECK(received.find(text) != std::string::npos);
      CHECK(app.statistics().messages_received == 6);
    }
}

TEST_CASE("7.1: what the provider reads is the application's memory, until the row completes") {
  std::vector<const std::byte*> seen;
  platform_world w;
  provider_instance link = w.cp.create<looking_provider>(seen);
  REQUIRE(w.register_instance(link).ok());
  endpoint app = w.cp.open_endpoint();
  REQUIRE(w.send(app, peer_id(1), "first").ok());
  const std::string a = "in one", b = "or two parts";
  const std::vector<bytes_view> parts = {bytes_of(a), bytes_of(b)};
  seen.clear();
  const auto before = copies_made;
  const auto sent =
      w.start(awaiting<status>(app.send_to(peer_id(1), chain(std::span<const bytes_view>(parts)))));
  CHECK(sent->take().ok());
  CHECK(seen == std::vector<const std::byte*>{parts[0].data(), parts[1].data()});
  memory forwarded;
  seen.clear();
  REQUIRE(app.forward(peer_id(1), forwarded.wrap(10)).ok());
  CHECK(forwarded.released == 0);
  w.run();
  CHECK(seen == std::vector<const std::byte*>{forwarded.bytes.data()});
  CHECK(forwarded.released == 1);
  CHECK(copies_made.copies == before.copies);
}

TEST_CASE("7.1: a forwarded message is released when the pended row has completed, not before") {
  connected_world w;
  w.connect();
  memory m;
  w.s.usual(row::send_buffers).how = manner::waits;
  SUBCASE("taken into the batch of the turn") {
    REQUIRE(w.app.forward(w.peer, m.wrap(5)).ok());
  }
  SUBCASE("queued behind another") {
    const auto slow = w.start_send(w.app, w.peer, "slow");
    REQUIRE(w.app.forward(w.peer, m.wrap(5)).ok());
    w.run();
    CHECK(m.released == 0);
    w.s.door_of(row::send_buffers).open();
    w.run();
    CHECK(slow->done());
  }
  w.run();
  CHECK(w.s.running == 1);
  CHECK(m.released == 0);
  w.s.door_of(row::send_buffers).open();
  w.run();
  CHECK(m.released == 1);
}

TEST_CASE("7.2: a failed send loses that message only") {
  for (const manner how : {manner::now, manner::later}) {
    connected_world w;
    w.connect();
    w.s.plan(row::send_buffers, act(how, errc::would_block));
    w.s.plan(row::send_buffers, act(how));
    const auto first = w.start_send(w.app, w.peer, "lost");
    const auto second = w.start_send(w.app, w.peer, "sent");
    w.run();
    CHECK(first->take() == errc::would_block);
    CHECK(second->take().ok());
    CHECK(w.link.state() == session_state::active);
    CHECK(w.s.count(row::reach_transport_id) == 1);
  }
}

TEST_CASE("7.2: of a queue handed over together, only the refused message fails") {
  connected_world w;
  w.connect();
  w.s.plan(row::send_buffers, act(manner::waits));
  const auto slow = w.start_send(w.app, w.peer, "0");
  std::vector<std::unique_ptr<running<status>>> queued;
  const char* const texts[] = {"1", "2", "3", "4"};
  for (const char* const text : texts) queued.push_back(w.start_send(w.app, w.peer, text));
  act partly(manner::now, errc::would_block);
  partly.accepts = 1;
  w.s.plan(row::send_buffers, partly);
  w.s.door_of(row::send_buffers).open();
  w.run();
  CHECK(slow->take().ok());
  CHECK(queued[0]->take().ok());
  CHECK(queued[1]->take() == errc::would_block);
  CHECK(queued[2]->take().ok());
  CHECK(queued[3]->take().ok());
  CHECK(sent_text(w.s) == "first 0 1 2 3 4 3 4 ");
}

TEST_CASE("F23: a later row whose sender is gone is seen to end") {
  connected_world w;
  w.connect();
  w.s.plan(row::send_buffers, act(manner::later));
  const auto sending = w.start_send(w.app, w.peer, "whoever sent this is gone");
  sending->destroy();
  w.run();
  w.advance(std::chrono::minutes(3));
  CHECK(w.seen.count(event_kind::row_began) == w.seen.count(event_kind::row_ended));
}

TEST_CASE("7.3: what the application receives is the provider's memory, released once at its end") {
  connected_world w;
  w.connect();
  memory queued, waited_for;
  const auto before = copies_made;
  REQUIRE(w.s.self.indicate(incoming(w.local, w.peer, queued.wrap(7))).ok());
  const auto first = w.start_receive(w.app);
  CHECK(first->done());  // it was there already
  const auto second = w.start_receive(w.app);
  REQUIRE(w.s.self.indicate(incoming(w.local, w.peer, waited_for.wrap(9))).ok());
  w.run();
  {
    auto a = first->take();
    auto b = second->take();
    REQUIRE(a.has_value());
    REQUIRE(b.has_value());
    CHECK(a->contiguous().data() == queued.bytes.data());
    CHECK(a->size() == 7);
    CHECK(b->contiguous().data() == waited_for.bytes.data());
    CHECK(b->size() == 9);
    CHECK(queued.released == 0);
    CHECK(waited_for.released == 0);
  }
  first->destroy();
  second->destroy();
  CHECK(queued.released == 1);
  CHECK(waited_for.released == 1);
  CHECK(copies_made.copies == before.copies);
}

TEST_CASE("7.4: a refused indication keeps no reference") {
  connected_world w(platform_options{.receive_queue_bytes = 100});
  w.connect();
  const auto refused = [&](const transport_id& local, std::size_t size, errc why) {
    memory m;
    {
      incoming message(local, w.peer, m.wrap(size));
      CHECK(w.s.self.indicate(std::move(message)) == why);
      CHECK(message.size() == size);
      CHECK(m.released == 0);
    }
    CHECK(m.released == 1);
  };
  refused(peer_id(9), 5, errc::unknown_transport_id);
  refused(w.local, 0, errc::message_empty);
  REQUIRE(w.indicate(std::string(60, 'x')).ok());
  refused(w.local, 60, errc::queue_full);
  w.advance(std::chrono::minutes(3));
  refused(w.local, 5, errc::not_active);
  REQUIRE(w.deregister(w.link).ok());
}

TEST_CASE("7.5: message boundaries are kept in both directions") {
  connected_world w;
  w.connect();
  for (const char* const text : {"a", "bc", "def"}) {
    REQUIRE(w.send(w.app, w.peer, text).ok());
    REQUIRE(w.indicate(text).ok());
  }
  CHECK(sent_text(w.s) == "first a bc def ");
  for (const std::string text : {"a", "bc", "def"}) {
    auto got = w.finish(awaiting<result<incoming>>(w.app.receive()));
    CHECK(text_of(got->contiguous()) == text);
  }
}

namespace {

/// Sends "1 2 3 ..." by every means in turn. A batch is awaited, as its place in the order is its
/// caller's; the others are not.
struct mixed_sender {
  connected_world& w;
  transport_id to;
  std::deque<std::string> texts{};
  std::vector<std::unique_ptr<running<status>>> singles{};
  std::string expected{};
  int number = 0;

  const std::string& next() {
    texts.push_back(std::to_string(++number));
    expected += texts.back() + ' ';
    return texts.back();
  }
  static task<> send(mixed_sender* me, int means) {
    for (int i = 0; i < 4; ++i, means /= 4) {
      if (means % 4 == 0) {
        me->singles.push_back(me->w.start_send(me->w.app, me->to, me->next()));
      } else if (means % 4 == 1) {
        CHECK(me->w.app.forward(me->to, lease_of(me->next())).ok());
      } else if (means % 4 == 2) {
        const message_to list[2] = {{me->to, chain(bytes_of(me->next()))},
                                    {me->to, chain(bytes_of(me->next()))}};
        const accepted all = co_await me->w.app.send_to(list);
        CHECK(all.count == 2);
      } else {
        co_await yield();
      }
    }
  }
};

std::string sent_to(const script& s, const transport_id& to) {
  std::string all;
  for (const row_called& c : s.calls)
    for (const auto& m : c.messages)
      if (m.remote == to) all += text_of(m.bytes) + ' ';
  return all;
}

}  // namespace

TEST_CASE("7.6: messages of one path keep their order under every mix of sends and answers") {
  // Four steps of four kinds; rows that answer now, later, or much later; and another path that
  // keeps the instance's outbox busy.
  for (int mix = 0; mix < 256 * 8; ++mix) {
    CAPTURE(mix);
    connected_world w;
    w.connect();
    REQUIRE(w.send(w.app, peer_id(2), "other").ok());
    const std::string before = sent_to(w.s, w.peer);
    const int answers = mix / 256;
    w.s.plan(row::send_buffers, act(answers & 1 ? manner::waits : manner::now));
    w.s.plan(row::send_buffers, act(answers & 2 ? manner::later : manner::now));
    if (answers & 4) REQUIRE(w.app.forward(peer_id(2), lease_of("busy")).ok());
    if (answers & 4) w.run();
    mixed_sender sender{w, w.peer};
    const auto sending = w.start(mixed_sender::send(&sender, mix % 256));
    w.run();
    w.s.door_of(row::send_buffers).open_for_good();
    w.run();
    REQUIRE(sending->done());
    CHECK(sent_to(w.s, w.peer) == before + sender.expected);
    for (const auto& s : sender.singles) CHECK(s->take().ok());
  }
}

TEST_CASE("7.6: another path does not wait for a slow one") {
  connected_world w;
  w.connect();
  REQUIRE(w.send(w.app, peer_id(2), "open").ok());
  w.s.plan(row::send_buffers, act(manner::waits));
  const auto slow = w.start_send(w.app, w.peer, "slow");
  w.run();
  const auto fast = w.start_send(w.app, peer_id(2), "fast");
  CHECK(fast->done());
  CHECK_FALSE(slow->done());
}

TEST_CASE("7.7: at the end, pended operations complete and every buffer is back") {
  connected_world w;
  w.connect();
  memory queued, handed_over, received;
  w.s.usual(row::send_buffers).how = manner::waits;
  REQUIRE(w.app.forward(w.peer, handed_over.wrap(4)).ok());
  w.run();
  const auto waits = w.start_send(w.app, w.peer, "queued");
  REQUIRE(w.app.forward(w.peer, queued.wrap(5)).ok());
  REQUIRE(w.s.self.indicate(incoming(w.local, w.peer, received.wrap(6))).ok());
  CHECK(w.deregister(w.link).ok());
  REQUIRE(waits->done());
  CHECK(!waits->take().ok());
  CHECK(handed_over.released == 1);
  CHECK(queued.released == 1);
  CHECK(w.app.statistics().drops[drop_cause::send_failed] == 1);
  CHECK(w.link.statistics().drops[drop_cause::send_failed] == 1);
  // What was received is the application's, whatever became of the instance.
  CHECK(received.released == 0);
  auto got = w.finish(awaiting<result<incoming>>(w.app.receive()));
  REQUIRE(got.has_value());
  CHECK(got->size() == 6);
}

TEST_CASE("7.8: dormancy waits for pended sends; nothing is sent meanwhile") {
  connected_world w(platform_options{.row_timeout = std::chrono::hours(1),
                                     .idle_time = std::chrono::seconds(10)});
  w.connect();
  w.s.plan(row::send_buffers, act(manner::waits));
  const auto pended = w.start_send(w.app, w.peer, "slow");
  w.advance(std::chrono::seconds(60));
  CHECK(w.link.state() == session_state::deactivating);
  CHECK(w.s.count(row::remove_transport_id) == 0);
  CHECK(w.s.count(row::transition_dormant) == 0);
  const auto meanwhile = w.start_send(w.app, w.peer, "meanwhile");
  w.run();
  CHECK(w.s.count(row::send_buffers) == 2);
  w.s.door_of(row::send_buffers).open();
  w.run();
  CHECK(pended->take().ok());
  CHECK(w.s.count(row::transition_dormant) == 1);
  REQUIRE(meanwhile->done());  // served by the next activation
  CHECK(meanwhile->take().ok());
  CHECK(w.s.count(row::transition_active) == 2);
}

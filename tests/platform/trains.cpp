// Trains: what a provider indicates as one and an application receives as messages, and the other
// way round.
#include "support/connected_world.hpp"

#include <algorithm>  // for min
#include <memory>     // for unique_ptr
#include <string>     // for string, to_string
#include <vector>     // for vector

using namespace lockgate;
using namespace support;

namespace {

constexpr std::size_t segment_size = 4;

/// The text of `count` messages of four characters each: "1000" and so on.
std::string numbered(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += std::to_string(1000 + i);
  return all;
}

/// Memory for one train, whose release is counted.
class train_memory {
 public:
  explicit train_memory(std::string bytes) : text_(std::move(bytes)) {}
  lease wrap() {
    return lease::wrap(
        std::as_writable_bytes(std::span(text_)),
        [](void* m) noexcept { ++static_cast<train_memory*>(m)->released; }, this);
  }
  incoming train(const transport_id& to, const transport_id& from) {
    incoming out(to, from, wrap());
    out.segment_size = segment_size;
    return out;
  }
  int released = 0;

 private:
  std::string text_;
};

/// Receives all there is, `room` messages at most with one call.
task<std::vector<std::string>> drain(endpoint* from, std::size_t count, std::size_t room) {
  std::vector<std::string> texts;
  std::vector<incoming> into(room);
  while (texts.size() < count) {
    const result<std::size_t> got = co_await from->receive(into);
    REQUIRE(got);
    for (std::size_t i = 0; i < *got; ++i) {
      CHECK(into[i].segment_size == 0);
      CHECK_FALSE(into[i].arrived.truncated);
      texts.push_back(text_of(into[i].contiguous()));
      into[i].reset();
    }
  }
  co_return texts;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text;
  return all;
}

/// What send_buffers was given.
struct row_entry {
  std::string bytes;
  std::size_t segment_size;
};

/// Sends, or refuses from an entry on, and notes what it was given.
class train_provider {
 public:
  static constexpr bool sends_trains = true;
  struct notes {
    std::vector<row_entry> entries;
    std::size_t accepts = 1000;
    status refusal;
    instance self;
  };
  explicit train_provider(notes& n) noexcept : notes_(&n) {}
  void establish_session(instance self) { notes_->self = self; }
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) {
    const std::size_t accepted = std::min(messages.size(), notes_->accepts);
    for (const outgoing& m : messages.first(accepted))
      notes_->entries.push_back({text_of(m.payload.part(0)), m.segment_size});
    return {accepted, accepted < messages.size() ? notes_->refusal : status()};
  }
  void terminate_session(termination_reason) {}

 private:
  notes* notes_;
};
static_assert(sends_trains<train_provider> && !sends_trains<scripted_provider>);

/// A platform with a provider that sends trains, which has reached two peers.
struct train_world : platform_world {
  explicit train_world(const platform_options& options = {})
      : platform_world(options), link(cp.create<train_provider>(notes)) {
    REQUIRE(register_instance(link).ok());
    app = cp.open_endpoint();
    REQUIRE(ready(app).has_value());
    REQUIRE(send(app, alice, "hello").ok());
    REQUIRE(send(app, bob, "hello").ok());
    notes.entries.clear();
  }
  /// Forwards parts of `memory` of the sizes given, one behind the other, each to its peer.
  void forward_parts(const lease& memory, const std::vector<std::size_t>& sizes,
                     const std::vector<transport_id>& to) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < sizes.size(); at += sizes[i++])
      REQUIRE(app.forward(to[i % to.size()], memory.share(at, sizes[i])).ok());
  }
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> out;
    for (const row_entry& e : notes.entries) out.push_back(e.bytes.size());
    return out;
  }

  train_provider::notes notes;
  provider_instance link;
  endpoint app;
  const transport_id alice = peer_id(1), bob = peer_id(2);
};

}  // namespace

TEST_CASE("an indicated train is received as its messages, whatever room there is") {
  for (const std::size_t room : {1u, 3u, 7u, 8u, 64u}) {
    for (const bool waits : {false, true}) {
      for (const int tail : {4, 1}) {
        INFO("room " << room << ", waits " << waits << ", tail " << tail);
        connected_world w;
        w.connect();
        const std::string text = numbered(7) + std::string(static_cast<std::size_t>(tail), 'z');
        train_memory memory(text);
        const auto copies = copies_made.copies;
        std::unique_ptr<running<std::vector<std::string>>> received;
        if (waits) received = w.start(drain(&w.app, 8, room));
        REQUIRE(w.s.self.indicate(memory.train(w.local, w.peer)).ok());
        if (!waits) received = w.start(drain(&w.app, 8, room));
        w.run();
        REQUIRE(received->done());
        const std::vector<std::string> texts = received->take();
        CHECK(texts.size() == 8);
        CHECK(joined(texts) == text);
        CHECK(copies_made.copies == copies);
        CHECK(memory.released == 1);
        CHECK(w.link.statistics().messages_received == 8);
        CHECK(w.link.statistics().bytes_received == text.size());
        CHECK(w.app.statistics().messages_received == 8);
        CHECK(w.app.statistics().bytes_received == text.size());
        CHECK(w.app.statistics().queued_messages == 0);
        CHECK(w.app.statistics().queued_pinned == 0);
        CHECK(w.seen.count(event_kind::message_received) == 8);
      }
    }
  }
}

TEST_CASE("the messages of a train know what the train knew") {
  connected_world w;
  w.connect();
  train_memory memory(numbered(3));
  incoming train = memory.train(w.local, w.peer);
  train.arrived.ecn = 3;
  train.arrived.time = time_point(std::chrono::seconds(5));
  train.arrived.local_address = {ip_address::v4(127, 0, 0, 1), 7, 0};
  REQUIRE(w.s.self.indicate(std::move(train)).ok());
  for (int i = 0; i < 3; ++i) {
    auto got = w.finish(awaiting<result<incoming>>(w.app.receive()));
    REQUIRE(got.has_value());
    CHECK(got->local == w.local);
    CHECK(got->remote == w.peer);
    CHECK(got->arrived.ecn == 3);
    CHECK(got->arrived.time == time_point(std::chrono::seconds(5)));
    CHECK(got->arrived.local_address.port == 7);
    CHECK(got->segment_size == 0);
  }
}

TEST_CASE("trains and messages keep their order") {
  connected_world w;
  w.connect();
  train_memory first(numbered(5)), second(numbered(2) + "x");
  REQUIRE(w.indicate("begin").ok());
  REQUIRE(w.s.self.indicate(first.train(w.local, w.peer)).ok());
  REQUIRE(w.indicate("between").ok());
  REQUIRE(w.s.self.indicate(second.train(w.local, w.peer)).ok());
  CHECK(w.app.statistics().queued_messages == 10);
  const std::vector<std::string> texts = w.finish(drain(&w.app, 10, 4));
  CHECK(joined(texts) == "begin" + numbered(5) + "between" + numbered(2) + "x");
}

TEST_CASE("what is left of a refused train begins with the message that was refused") {
  connected_world w(platform_options{.receive_queue_bytes = 100});
  w.connect();
  REQUIRE(w.indicate(std::string(90, 'x')).ok());
  train_memory memory(numbered(6));
  std::vector<incoming> into(1);
  REQUIRE(w.finish(awaiting<result<std::size_t>>(w.app.receive(into))).has_value());
  REQUIRE(w.indicate(std::string(90, 'y')).ok());
  incoming train = memory.train(w.local, w.peer);
  SUBCASE("its first one, when nobody waits") {
    CHECK(w.s.self.indicate({&train, 1}).count == 0);
    CHECK(train.size() == 6 * segment_size);
    CHECK(w.link.statistics().drops[drop_cause::queue_full] == 1);
    CHECK(w.link.statistics().messages_received == 2);
  }
  SUBCASE("a later one, when there is room for some") {
    std::vector<incoming> two(2);
    REQUIRE(w.finish(awaiting<result<std::size_t>>(w.app.receive(into))).has_value());
    const auto waiting = w.start(awaiting<result<std::size_t>>(w.app.receive(two)));
    // Two of it are received; the others, and the slab with them, do not fit.
    train_memory large(numbered(40));
    train = large.train(w.local, w.peer);
    const accepted taken = w.s.self.indicate({&train, 1});
    CHECK(taken.count == 0);
    CHECK(taken.why == errc::queue_full);
    CHECK(train.size() == 38 * segment_size);
    CHECK(text_of(train.part(0).bytes().first(segment_size)) == "1002");
    CHECK(w.link.statistics().messages_received == 4);
    CHECK(w.link.statistics().bytes_received == 90 + 90 + 2 * segment_size);
    CHECK(w.seen.count(event_kind::message_received) == 4);
    w.run();
    CHECK(*waiting->take() == 2);
    CHECK(text_of(two[1].contiguous()) == "1001");
    two.clear();
    train.reset();
    CHECK(large.released == 1);
  }
}

TEST_CASE("an endpoint that closes gives the memory of a queued train back") {
  connected_world w;
  w.connect();
  train_memory memory(numbered(9));
  REQUIRE(w.s.self.indicate(memory.train(w.local, w.peer)).ok());
  std::vector<incoming> two(2);
  REQUIRE(w.finish(awaiting<result<std::size_t>>(w.app.receive(two))).has_value());
  two.clear();
  CHECK(w.app.statistics().queued_messages == 7);
  CHECK(memory.released == 0);
  w.app.close();
  CHECK(memory.released == 1);
}

TEST_CASE("forwarded messages that lie end to end are sent as a train") {
  train_world w;
  train_memory memory(numbered(6) + "12");
  {
    const lease whole = memory.wrap();
    w.forward_parts(whole, {4, 4, 4, 4, 4, 4, 2}, {w.alice});
  }
  w.run();
  REQUIRE(w.notes.entries.size() == 1);
  CHECK(w.notes.entries[0].segment_size == segment_size);
  CHECK(w.notes.entries[0].bytes == numbered(6) + "12");
  CHECK(memory.released == 1);
  CHECK(w.link.statistics().messages_sent == 2 + 7);
  CHECK(w.link.statistics().bytes_sent == 2 * 5 + 26);
  CHECK(w.seen.count(event_kind::message_sent) == 2 + 7);
}

TEST_CASE("only messages of one size, path and memory become a train, and the last one ends it") {
  train_world w;
  const std::string text = numbered(100);
  train_memory memory(text), other(text);
  const lease whole = memory.wrap();
  SUBCASE("a shorter one is the last") {
    w.forward_parts(whole, {4, 3, 3, 4, 4}, {w.alice});
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{7, 3, 8});
    CHECK(w.notes.entries[1].segment_size == 0);
  }
  SUBCASE("a longer one begins the next") {
    w.forward_parts(whole, {3, 4, 4}, {w.alice});
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{3, 8});
  }
  SUBCASE("each path has its own") {
    w.forward_parts(whole, {4, 4, 4, 4}, {w.alice, w.alice, w.bob, w.bob});
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{8, 8});
  }
  SUBCASE("interleaved paths have none") {
    w.forward_parts(whole, {4, 4, 4, 4}, {w.alice, w.bob});
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{4, 4, 4, 4});
  }
  SUBCASE("a gap is no train") {
    REQUIRE(w.app.forward(w.alice, whole.share(0, 4)).ok());
    REQUIRE(w.app.forward(w.alice, whole.share(8, 4)).ok());
    REQUIRE(w.app.forward(w.alice, whole.share(4, 4)).ok());
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{4, 4, 4});
  }
  SUBCASE("other memory is no train") {
    REQUIRE(w.app.forward(w.alice, whole.share(0, 4)).ok());
    REQUIRE(w.app.forward(w.alice, other.wrap().share(4, 4)).ok());
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{4, 4});
  }
  SUBCASE("64 are the most") {
    w.forward_parts(whole, std::vector<std::size_t>(100, 4), {w.alice});
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{64 * 4, 36 * 4});
  }
  SUBCASE("65,000 bytes are the most") {
    train_memory large(std::string(3 * 30'000, 'l'));
    w.forward_parts(large.wrap(), std::vector<std::size_t>(3, 30'000), {w.alice});
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{60'000, 30'000});
  }
  SUBCASE("the next turn begins anew") {
    w.forward_parts(whole, {4, 4}, {w.alice});
    w.run();
    REQUIRE(w.app.forward(w.alice, whole.share(8, 4)).ok());
    w.run();
    CHECK(w.sizes() == std::vector<std::size_t>{8, 4});
  }
}

TEST_CASE("a provider that does not say so is given no trains") {
  connected_world w;
  w.connect();
  train_memory memory(numbered(3));
  for (std::size_t at = 0; at < 12; at += segment_size)
    REQUIRE(w.app.forward(w.peer, memory.wrap().share(at, segment_size)).ok());
  const lease whole = memory.wrap();
  for (std::size_t at = 0; at < 12; at += segment_size)
    REQUIRE(w.app.forward(w.peer, whole.share(at, segment_size)).ok());
  w.run();
  CHECK(w.s.last(row::send_buffers).messages.size() == 6);
}

TEST_CASE("a train that is refused is so many dropped messages, and costs the others nothing") {
  train_world w;
  train_memory memory(numbered(20));
  w.notes.accepts = 1;
  w.notes.refusal = errc::message_too_large;
  {
    const lease whole = memory.wrap();
    w.forward_parts(whole, {4, 4, 4, 3, 3, 3, 2, 2}, {w.alice});  // 4 4 4 3, 3 3 2, 2
  }
  w.run();
  CHECK(w.sizes() == std::vector<std::size_t>{15, 2});
  CHECK(w.link.statistics().messages_sent == 2 + 4 + 1);
  CHECK(w.link.statistics().drops[drop_cause::send_failed] == 3);
  CHECK(w.seen.count(event_kind::message_dropped) == 3);
  CHECK(memory.released == 1);
  w.notes.accepts = 1000;
  w.notes.entries.clear();
  REQUIRE(w.send(w.app, w.alice, "again").ok());
  CHECK(w.sizes() == std::vector<std::size_t>{5});
}

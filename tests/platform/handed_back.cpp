// Received messages handed back many at a time: all of them, in order, and none that was refused.
#include "lockgate/buffer/slab_pool.hpp"  // for slab_pool
#include "support/connected_world.hpp"

#include <array>        // for array
#include <cstring>      // for memcpy
#include <span>         // for span
#include <string>       // for string, to_string
#include <string_view>  // for string_view
#include <vector>       // for vector

using namespace lockgate;
using namespace support;

namespace {

constexpr std::size_t outbox = lockgate::detail::outbox::batch_size;

std::string sent_text(const script& s, const transport_id& to) {
  std::string all;
  for (const row_called& c : s.calls)
    for (const auto& m : c.messages)
      if (m.remote == to) all += text_of(m.bytes) + ' ';
  return all;
}

/// A slab that holds messages side by side, as the segments of a received train.
class train {
 public:
  explicit train(slab_pool& pool) : slab_(pool.acquire()) {}
  incoming cut(const transport_id& from, std::string_view text) {
    std::memcpy(slab_.memory().data() + used_, text.data(), text.size());
    lease part = slab_.cut(used_, text.size());
    used_ += text.size();
    return incoming(transport_id(), from, std::move(part));
  }

 private:
  slab_pool::filling slab_;
  std::size_t used_ = 0;
};

incoming message(const transport_id& from, std::string_view text) {
  return incoming(transport_id(), from, lease_of(text));
}

/// An active instance that has reached two peers.
struct two_peers : connected_world {
  explicit two_peers(const platform_options& options = {}) : connected_world(options) {
    connect();
    REQUIRE(send(app, other, "first").ok());
  }
  const transport_id other = peer_id(2);
};

}  // namespace

TEST_CASE("forward of many: to each its own, in order, with one row call and no copy") {
  two_peers w;
  slab_pool pool(2048, 8);
  const auto rows = w.s.count(row::send_buffers);
  std::string expected = "first ", expected_other = "first ";
  std::vector<incoming> batch;
  const auto before = copies_made;
  {
    train a(pool), b(pool);
    for (int i = 0; i < 60; ++i) {
      // Runs of one train, of two in turn, and of memory that belongs to nobody else.
      const std::string text = std::to_string(i);
      const bool to_other = i % 20 >= 15;
      const transport_id to = to_other ? w.other : w.peer;
      (to_other ? expected_other : expected) += text + ' ';
      if (i % 7 == 3) batch.push_back(message(to, text));
      else batch.push_back((i % 11 < 6 ? a : b).cut(to, text));
    }
  }
  const accepted taken = w.app.forward(batch);
  CHECK(taken.count == batch.size());
  CHECK(taken.why.ok());
  for (const incoming& m : batch) CHECK(m.size() == 0);
  w.run();
  CHECK(w.s.count(row::send_buffers) == rows + 1);
  CHECK(sent_text(w.s, w.peer) == expected);
  CHECK(sent_text(w.s, w.other) == expected_other);
  CHECK(w.link.statistics().messages_sent == 2 + 60);
  CHECK(copies_made.copies == before.copies);
  CHECK(pool.statistics().outstanding == 0);
}

TEST_CASE(
    "forward of many: a batch of none is none, and a bad message stops it with the rest whole") {
  two_peers w(platform_options{.longest_message = 8});
  CHECK(w.app.forward(std::span<incoming>()).count == 0);
  for (const std::string_view bad : {"", "far too long"}) {
    std::array<incoming, 4> batch{message(w.peer, "a"), message(w.other, "b"), message(w.peer, bad),
                                  message(w.peer, "c")};
    const status why = bad.empty() ? errc::message_empty : errc::message_too_large;
    for (const std::size_t fitting : {2u, 0u}) {
      const accepted taken = w.app.forward(std::span(batch).subspan(2 - fitting));
      CHECK(taken.count == fitting);
      CHECK(taken.why == why);
    }
    CHECK(text_of(batch[2].contiguous()) == bad);
    CHECK(text_of(batch[3].contiguous()) == "c");
    CHECK(batch[3].remote == w.peer);
    w.run();
  }
  CHECK(sent_text(w.s, w.peer) == "first a a ");
  CHECK(sent_text(w.s, w.other) == "first b b ");
}

TEST_CASE("forward of many: what is not taken into a full outbox can be offered again") {
  two_peers w;
  slab_pool pool(1 << 16, 8);
  w.s.plan(row::send_buffers, act(manner::waits));
  REQUIRE(w.app.forward(w.peer, lease_of("in flight")).ok());
  w.run();
  std::string expected = "first ";
  std::vector<incoming> batch;
  {
    train all(pool);
    for (std::size_t i = 0; i < outbox + 144; ++i) {
      batch.push_back(all.cut(w.other, std::to_string(i)));
      expected += std::to_string(i) + ' ';
    }
  }
  const accepted taken = w.app.forward(batch);
  CHECK(taken.count == outbox);  // one batch waits for the row
  CHECK(taken.why == errc::queue_full);
  CHECK(text_of(batch[outbox].contiguous()) == std::to_string(outbox));
  CHECK(w.app.forward(std::span(batch).subspan(outbox)).why == errc::queue_full);
  w.s.door_of(row::send_buffers).open_for_good();
  w.run();
  CHECK(w.app.forward(std::span(batch).subspan(outbox)).count == 144);
  w.run();
  CHECK(sent_text(w.s, w.other) == expected);
  CHECK(pool.statistics().outstanding == 0);
}

TEST_CASE("forward of many: more than one batch goes in several rows of one turn, in order") {
  two_peers w;
  std::string expected = "first ";
  std::vector<incoming> batch;
  for (int i = 0; i < 600; ++i) {
    batch.push_back(message(w.peer, std::to_string(i)));
    expected += std::to_string(i) + ' ';
  }
  CHECK(w.app.forward(batch).count == 600);
  w.run();
  CHECK(sent_text(w.s, w.peer) == expected);
}

TEST_CASE("forward of many: an instance that sleeps is woken, and the path's queue is bounded") {
  connected_world w(platform_options{.send_queue_messages = 3});
  REQUIRE(w.register_instance(w.link).ok());
  w.app = w.cp.open_endpoint();
  const transport_id other = peer_id(2);
  std::array<incoming, 6> batch{message(w.peer, "1"), message(other, "2"),  message(w.peer, "3"),
                                message(w.peer, "4"), message(w.peer, "5"), message(other, "6")};
  const accepted taken = w.app.forward(batch);  // the endpoint has no id yet
  CHECK(taken.count == 4);
  CHECK(taken.why == errc::queue_full);
  CHECK(text_of(batch[4].contiguous()) == "5");
  w.run();
  CHECK(w.app.forward(std::span(batch).subspan(4)).count == 2);
  w.run();
  CHECK(sent_text(w.s, w.peer) == "1 3 4 5 ");
  CHECK(sent_text(w.s, other) == "2 6 ");
}

TEST_CASE("forward of many: nothing is consumed at an endpoint that is closed, or none") {
  two_peers w;
  std::array<incoming, 2> batch{message(w.peer, "a"), message(w.other, "b")};
  w.app.close();
  for (int i = 0; i < 2; ++i) {
    const accepted taken = w.app.forward(batch);
    CHECK(taken.count == 0);
    CHECK(taken.why == errc::closed);
    CHECK(text_of(batch[0].contiguous()) == "a");
    w.app = endpoint();
  }
}

TEST_CASE("forward of many: a row that takes a part costs one message, whichever the part") {
  for (std::size_t part = 0; part < 6; ++part) {
    CAPTURE(part);
    two_peers w;
    slab_pool pool(2048, 8);
    act partly(manner::now, errc::unreachable);
    partly.accepts = part;
    w.s.plan(row::send_buffers, partly);
    std::vector<incoming> batch;
    std::string expected = "first ", expected_other = "first ";  // offered, not accepted
    {
      train all(pool);
      for (std::size_t i = 0; i < 6; ++i) {
        batch.push_back(all.cut(i < 4 ? w.peer : w.other, std::to_string(i)));
        (i < 4 ? expected : expected_other) += std::to_string(i) + ' ';
      }
    }
    for (std::size_t i = part + 1; i < 6; ++i)
      (i < 4 ? expected : expected_other) += std::to_string(i) + ' ';
    CHECK(w.app.forward(batch).count == 6);
    w.run();
    CHECK(sent_text(w.s, w.peer) == expected);
    CHECK(sent_text(w.s, w.other) == expected_other);
    CHECK(w.link.statistics().drops[drop_cause::send_failed] == 1);
    CHECK(w.link.statistics().messages_sent == 2 + 5);
    CHECK(w.seen.count(event_kind::path_closed) == 1);
    const auto reached = w.s.count(row::reach_transport_id);
    REQUIRE(w.send(w.app, part < 4 ? w.other : w.peer, "kept").ok());
    CHECK(w.s.count(row::reach_transport_id) == reached);
    CHECK(pool.statistics().outstanding == 0);
  }
}

TEST_CASE("forward of many: a later row keeps the paths and the memory of all it was given") {
  two_peers w;
  slab_pool pool(2048, 8);
  w.s.plan(row::send_buffers, act(manner::waits, errc::would_block));  // refuses the first
  std::vector<incoming> batch;
  {
    train all(pool);
    for (int i = 0; i < 6; ++i)
      batch.push_back(all.cut(i < 4 ? w.peer : w.other, std::to_string(i)));
  }
  CHECK(w.app.forward(batch).count == 6);
  w.run();
  CHECK(pool.statistics().outstanding == 1);
  const auto behind = w.start_send(w.app, w.peer, "behind");
  const auto behind_other = w.start_send(w.app, w.other, "behind");
  w.run();
  CHECK_FALSE(behind->done());
  CHECK_FALSE(behind_other->done());
  w.s.door_of(row::send_buffers).open();
  w.run();
  CHECK(behind->done());
  CHECK(behind_other->done());
  CHECK(pool.statistics().outstanding == 0);
  CHECK(w.link.statistics().drops[drop_cause::send_failed] == 1);
  CHECK(w.link.statistics().messages_sent == 2 + 5 + 2);
  CHECK(sent_text(w.s, w.peer) == "first 0 1 2 3 1 2 3 behind ");
  CHECK(sent_text(w.s, w.other) == "first 4 5 4 5 behind ");
}

TEST_CASE("G30: what follows a full batch that has cost the path its route waits for a new one") {
  for (const bool at_once : {true, false}) {
    two_peers w;
    act refuses(manner::now, errc::unreachable);
    refuses.accepts = 0;
    w.s.plan(row::send_buffers, refuses);
    std::vector<incoming> batch;
    for (std::size_t i = 0; i < outbox + 44; ++i)
      batch.push_back(message(w.peer, std::to_string(i)));
    if (at_once) CHECK(w.app.forward(batch).count == batch.size());
    else
      for (incoming& m : batch) REQUIRE(w.app.forward(w.peer, std::move(m)).ok());
    CHECK(w.s.count(row::reach_transport_id) == 2);
    CHECK(w.seen.count(event_kind::path_closed) == 1);
    const std::size_t before = w.s.calls.size();
    w.run();
    REQUIRE(w.s.calls.size() > before);
    CHECK(w.s.calls[before].which == row::reach_transport_id);
    CHECK(w.link.statistics().messages_sent == 2 + outbox + 43);
  }
}

TEST_CASE("F11: gathered messages that cost their path its route while its endpoint closes") {
  two_peers w;
  act refuses(manner::now, errc::unreachable);
  refuses.accepts = 0;
  w.s.plan(row::send_buffers, refuses);
  std::vector<incoming> batch;
  batch.push_back(message(w.peer, "too late"));
  REQUIRE(w.app.forward(batch).count == 1);
  w.app.close();
  w.run();
  CHECK(w.seen.count(event_kind::path_closed) == 2);  // each path once
  CHECK(w.link.statistics().drops[drop_cause::send_failed] == 1);
}

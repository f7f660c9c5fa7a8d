// One rule for every way in which messages reach send_buffers: alone, queued, as a batch, and
// through the outbox; answered now and later.
#include "support/connected_world.hpp"

#include <array>     // for array
#include <memory>    // for unique_ptr
#include <optional>  // for optional
#include <string>    // for string
#include <utility>   // for in_place
#include <vector>    // for vector

using namespace lockgate;
using namespace support;

namespace {

enum class way { queued, batch, outbox };
constexpr std::array every_way{way::queued, way::batch, way::outbox};

std::string to_text(way by) {
  if (by == way::queued) return "queued";
  return by == way::batch ? "batch" : "outbox";
}

/// Sends A, B, C and D to one peer, so that they are offered in one row.
class four_messages {
 public:
  four_messages() { w.connect(); }

  void send(way by, const act& first_row) {
    if (by == way::queued) {
      w.s.plan(row::send_buffers, act(manner::waits));
      ahead_ = w.start_send(w.app, w.peer, "ahead");
    }
    rows_before_ = w.s.calls.size();
    w.s.plan(row::send_buffers, first_row);
    if (by == way::queued) {
      for (const char* text : texts) queued_.push_back(w.start_send(w.app, w.peer, text));
      w.run();
      w.s.door_of(row::send_buffers).open();
    } else if (by == way::batch) {
      for (const char* text : texts) list_.push_back({w.peer, chain(bytes_of(text))});
      batch_.emplace(w.home, w.app.send_to(list_));
    } else {
      for (const char* text : texts) REQUIRE(w.app.forward(w.peer, lease_of(text)).ok());
    }
    w.run();
    if (ahead_) REQUIRE_MESSAGE(ahead_->done(), "the sender ahead still waits for its row");
    for (const auto& each : queued_)
      REQUIRE_MESSAGE(each->done(), "a queued sender waits for ever");
    if (batch_) REQUIRE_MESSAGE(batch_->done(), "the batch waits for ever");
  }
  /// What was asked of the provider since: "ABCD reach CD".
  std::string asked() const {
    std::string out;
    for (std::size_t i = rows_before_; i < w.s.calls.size(); ++i) {
      const row_called& call = w.s.calls[i];
      if (call.which != row::send_buffers && call.which != row::reach_transport_id) continue;
      if (!out.empty()) out += ' ';
      if (call.which == row::reach_transport_id) out += "reach";
      for (const auto& message : call.messages) out += text_of(message.bytes);
    }
    return out;
  }
  /// What became of message `i`. Requires: queued.
  status outcome(std::size_t i) { return queued_[i]->take(); }
  accepted batch_outcome() { return batch_->take(); }
  std::uint64_t dropped() const {
    return w.link.statistics().drops[drop_cause::send_failed] +
           w.app.statistics().drops[drop_cause::send_failed];
  }

  connected_world w;

 private:
  static constexpr std::array texts{"A", "B", "C", "D"};
  std::unique_ptr<running<status>> ahead_;
  std::vector<std::unique_ptr<running<status>>> queued_;
  std::vector<message_to> list_;
  std::optional<running<accepted>> batch_;
  std::size_t rows_before_ = 0;
};

act accepts_one(manner how, status why) {
  act some(how, why);
  some.accepts = 1;
  some.refuses_next = true;
  return some;
}

}  // namespace

TEST_CASE(
    "a refusal concerns one message; those behind it keep their order, whatever way they go") {
  for (const way by : every_way)
    for (const manner how : {manner::now, manner::later})
      for (const status why : {status(errc::timed_out), status()}) {
        CAPTURE(to_text(by));
        CAPTURE(how == manner::later);
        CAPTURE(why.message());
        const status expected = why.ok() ? status(errc::provider_failed) : why;
        four_messages f;
        f.send(by, accepts_one(how, why));
        if (by == way::queued) {
          CHECK(f.asked() == "ABCD CD");
          CHECK(f.outcome(0).ok());
          CHECK(f.outcome(1) == expected);
          CHECK(f.outcome(2).ok());
          CHECK(f.outcome(3).ok());
        } else if (by == way::batch) {
          CHECK(f.asked() == "ABCD");  // the sender decides about the rest
          const accepted taken = f.batch_outcome();
          CHECK(taken.count == 1);
          CHECK(taken.why == expected);
        } else {
          CHECK(f.asked() == "ABCD CD");
          CHECK(f.dropped() == 1);
        }
      }
}

TEST_CASE("U23: unreachable costs the route, and what waits behind asks for a new one") {
  for (const way by : every_way)
    for (const manner how : {manner::now, manner::later}) {
      CAPTURE(to_text(by));
      CAPTURE(how == manner::later);
      four_messages f;
      f.send(by, accepts_one(how, errc::unreachable));
      if (by == way::queued) {
        CHECK(f.asked() == "ABCD reach CD");
        CHECK(f.outcome(0).ok());
        CHECK(f.outcome(1) == errc::unreachable);
        CHECK(f.outcome(2).ok());
        CHECK(f.outcome(3).ok());
      } else if (by == way::batch) {
        CHECK(f.asked() == "ABCD");
        const accepted taken = f.batch_outcome();
        CHECK(taken.count == 1);
        CHECK(taken.why == errc::unreachable);
      } else {
        CHECK(f.asked() == "ABCD reach CD");
        CHECK(f.dropped() == 1);
      }
      CHECK(f.w.seen.count(event_kind::path_closed) == 1);
      const int reached = f.w.s.count(row::reach_transport_id);
      CHECK(f.w.send(f.w.app, f.w.peer, "again").ok());
      CHECK(f.w.s.count(row::reach_transport_id) == reached + (by == way::batch ? 1 : 0));
    }
}

TEST_CASE("U16: a row that throws accepts nothing, whatever way the messages go") {
  for (const way by : every_way)
    for (const manner how : {manner::throws, manner::throws_later}) {
      CAPTURE(to_text(by));
      CAPTURE(how == manner::throws_later);
      four_messages f;
      f.send(by, act(how));
      CHECK(f.asked() == "ABCD");
      CHECK(f.w.link.state() == session_state::ended);
      CHECK(f.w.link.statistics().messages_sent == (by == way::queued ? 2 : 1));
      if (by == way::queued) {
        CHECK(f.outcome(0) == errc::provider_failed);
        for (std::size_t i = 1; i < 4; ++i) CHECK(f.outcome(i) == errc::unreachable);
      } else if (by == way::batch) {
        const accepted taken = f.batch_outcome();
        CHECK(taken.count == 0);
        CHECK(taken.why == errc::provider_failed);
      } else {
        CHECK(f.dropped() == 4);
      }
    }
}

TEST_CASE("a refused message alone is told its reason, and unreachable costs the route (U23)") {
  for (const manner how : {manner::now, manner::later})
    for (const status why : {status(errc::timed_out), status(errc::unreachable)}) {
      CAPTURE(how == manner::later);
      CAPTURE(why.message());
      connected_world w;
      w.connect();
      w.s.plan(row::send_buffers, act(how, why));
      CHECK(w.send(w.app, w.peer, "refused") == why);
      CHECK(w.send(w.app, w.peer, "again").ok());
      CHECK(w.s.count(row::reach_transport_id) == (why == errc::unreachable ? 2 : 1));
    }
}

TEST_CASE("an answer that comes after its sender has gone counts, and may cost the route (U23)") {
  for (const bool is_queued : {false, true})
    for (const bool is_batch : {false, true})
      for (const status answer : {status(), status(errc::unreachable)}) {
        if (is_queued && is_batch) continue;
        CAPTURE(is_queued);
        CAPTURE(is_batch);
        CAPTURE(answer.message());
        connected_world w;
        w.connect();
        REQUIRE(w.send(w.app, peer_id(2), "open").ok());
        if (is_queued) {  // a path without a route queues
          w.s.plan(row::send_buffers, act(manner::now, errc::unreachable));
          REQUIRE(w.send(w.app, w.peer, "closes the path") == errc::unreachable);
        }
        const auto sent_before = w.link.statistics().messages_sent;
        w.s.plan(row::send_buffers, act(manner::waits, answer));
        const std::array list{message_to{w.peer, chain(bytes_of("a"))},
                              message_to{peer_id(2), chain(bytes_of("b"))}};
        std::optional<running<accepted>> batch;
        std::optional<running<status>> single;
        if (is_batch) batch.emplace(w.home, w.app.send_to(list));
        else single.emplace(w.home, awaiting<status>(w.app.send_to(w.peer, bytes_of("x"))));
        w.run();
        REQUIRE(w.s.running == 1);
        batch.reset();
        single.reset();
        w.run();
        w.s.door_of(row::send_buffers).open();
        w.run();
        const std::uint64_t expected = answer.ok() ? (is_batch ? 2 : 1) : 0;
        CHECK(w.link.statistics().messages_sent - sent_before == expected);
        const int reached = w.s.count(row::reach_transport_id);
        CHECK(w.send(w.app, w.peer, "again").ok());
        CHECK(w.s.count(row::reach_transport_id) == reached + (answer.ok() ? 0 : 1));
      }
}

TEST_CASE("closing an endpoint while its row answers later tells those behind the row") {
  connected_world w;
  w.connect();
  w.s.plan(row::send_buffers, act(manner::waits));
  const auto ahead = w.start_send(w.app, w.peer, "ahead");
  act some(manner::ignores_stop);
  some.accepts = 1;
  w.s.plan(row::send_buffers, some);
  const auto first = w.start_send(w.app, w.peer, "A");
  const auto second = w.start_send(w.app, w.peer, "B");
  const auto third = w.start_send(w.app, w.peer, "C");
  w.run();
  w.s.door_of(row::send_buffers).open();
  w.run();
  REQUIRE(w.s.last(row::send_buffers).messages.size() == 3);
  const int reached = w.s.count(row::reach_transport_id);
  w.app.close();
  w.s.door_of(row::send_buffers).open();
  w.run();
  REQUIRE_MESSAGE((first->done() && second->done() && third->done()),
                  "a sender behind the row waits for ever");
  CHECK(first->take().ok());
  CHECK(second->take() == errc::provider_failed);
  CHECK(third->take() == errc::closed);
  CHECK(w.s.count(row::reach_transport_id) == reached);
}

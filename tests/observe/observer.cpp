// Who is told what: events, messages with their bytes, or both; and nothing that nobody asked for.
#include "lockgate/platform/observer.hpp"  // for observer, observes_messages

#include "lockgate/observe/fan_out.hpp"   // for fan_out
#include "lockgate/observe/timeline.hpp"  // for timeline

#include "support/connected_world.hpp"  // for connected_world
#include "support/doctest.hpp"
#include "support/observed_session.hpp"  // for run_observed_session

#include <string>  // for string
#include <vector>  // for vector

using namespace lockgate;
using direction = observed_message::direction;

namespace {

/// Takes messages, and nothing else.
class listener {
 public:
  struct heard {
    direction way;
    std::uint32_t instance;
    transport_id local, remote;
    std::uint64_t endpoint;
    std::size_t size;
    std::string bytes;
    std::size_t parts = 0;
    bool has_bytes;
  };
  void on_message(const observed_message& m) noexcept {
    heard& h = all.emplace_back();
    h.way = m.way;
    h.instance = m.instance;
    h.local = m.local;
    h.remote = m.remote;
    h.endpoint = m.endpoint;
    h.size = m.size;
    h.has_bytes = m.has_bytes();
    m.for_each_part([&h](bytes_view part) {
      h.bytes += support::text_of(part);
      ++h.parts;
    });
  }
  std::vector<heard> all;
};
static_assert(observer<listener> && observes_messages<listener> && !observes_events<listener>);
static_assert(observer<timeline> && !observes_messages<timeline>);

struct misspelt {
  void on_event(const event&) noexcept {}
};
struct may_throw {
  void on(const event&) {}
};
struct wrong_message {
  void on(const event&) noexcept {}
  void on_message(const event&) noexcept {}
};
struct nothing final {};
static_assert(!observer<misspelt> && !observer<may_throw> && !observer<wrong_message> &&
              !observer<nothing> && !observer<int>);

// Who takes only events keeps messages unseen, also among others.
static_assert(observes_messages<fan_out<timeline, listener>> &&
              !observes_messages<fan_out<timeline>>);

}  // namespace

TEST_CASE("a listener is shown every message, with its ends and its bytes where they lie") {
  listener seen;
  support::run_observed_session(seen);
  REQUIRE(seen.all.size() == 6);  // three sent, each of them echoed at once
  int sent = 0;
  for (const listener::heard& h : seen.all) {
    sent += h.way == direction::sent;
    CHECK(h.local == support::id_of(1));
    CHECK(h.remote == support::id_of(3));
    CHECK(h.instance == 1);
    CHECK(h.endpoint == 1);
    CHECK(h.size == 3);
    CHECK(h.bytes == "abc");
    CHECK(h.has_bytes);
  }
  CHECK(sent == 3);
  int in_parts = 0;
  for (const listener::heard& h : seen.all) in_parts += h.way == direction::sent && h.parts == 2;
  CHECK(in_parts == 1);
}

TEST_CASE("events and messages of a fan-out each reach those who take them, messages first") {
  struct order {
    void on(const event& e) noexcept {
      if (e.kind == event_kind::message_sent || e.kind == event_kind::message_received)
        steps += 'e';
    }
    void on_message(const observed_message&) noexcept { steps += 'm'; }
    std::string steps;
  };
  timeline events(256);
  listener messages;
  order both;
  fan_out all(events, messages, both);
  support::run_observed_session(all);
  CHECK(messages.all.size() == 6);
  CHECK(events.count(event_kind::message_sent) == 3);
  REQUIRE(both.steps.size() == 12);
  for (std::size_t i = 0; i < both.steps.size(); i += 2) CHECK(both.steps.substr(i, 2) == "me");
}

TEST_CASE("a message that no queue has room for is shown, and then dropped") {
  platform_options small;
  small.receive_queue_bytes = 4;
  support::connected_world w(small);
  w.connect();
  listener messages;
  timeline events;
  fan_out both(messages, events);
  w.cp.observe(both);
  CHECK(w.indicate("more than four bytes") == errc::queue_full);
  REQUIRE(messages.all.size() == 1);
  CHECK(messages.all[0].way == direction::received);
  CHECK(events.count(event_kind::message_received) == 0);
  CHECK(events.count(event_kind::message_dropped) == 1);
  w.cp.observe(w.seen);
}

TEST_CASE("a message whose sender is gone before the row has answered is shown without bytes") {
  support::connected_world w;
  w.connect();
  listener messages;
  w.cp.observe(messages);
  w.s.usual(row::send_buffers) = support::act(support::manner::waits);
  const auto first = w.start_send(w.app, w.peer, "first");
  auto second = w.start_send(w.app, w.peer, "second");  // queues behind it
  w.run();
  w.s.door_of(row::send_buffers).open();
  w.run();
  second.reset();  // its row has been called with the message by now
  w.s.open_all_for_good();
  w.run();
  REQUIRE(messages.all.size() == 2);
  CHECK(messages.all[0].bytes == "first");
  CHECK_FALSE(messages.all[1].has_bytes);
  CHECK(messages.all[1].size == 6);
  CHECK(messages.all[1].bytes.empty());
  w.cp.observe(w.seen);
}

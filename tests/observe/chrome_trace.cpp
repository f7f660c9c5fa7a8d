// Traces for the Perfetto UI: what they show, and that they are JSON whenever they end.
#include "lockgate/observe/chrome_trace.hpp"  // for chrome_trace

#include "support/doctest.hpp"
#include "support/golden.hpp"            // for golden
#include "support/json.hpp"              // for json_reader
#include "support/observed_events.hpp"   // for teller
#include "support/observed_session.hpp"  // for run_observed_session, id_of

#include <map>      // for map
#include <sstream>  // for istringstream
#include <string>   // for string
#include <vector>   // for vector

using namespace lockgate;
using support::id_of;

namespace {

/// Keeps events, to tell them again.
struct recorder {
  void on(const event& e) noexcept { events.push_back(e); }
  std::vector<event> events;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The begins of a trace without an end, or ends without a begin, on any track.
int unbalanced(const std::string& trace) {
  std::map<std::string, int> open;
  int wrong = 0;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const auto from = line.find("\"pid\""), to = line.find(',', line.find("\"tid\""));
    if (from == line.npos) continue;
    int& here = open[line.substr(from, to - from)];
    if (line.find("\"ph\":\"B\"") != line.npos) ++here;
    if (line.find("\"ph\":\"E\"") != line.npos && --here < 0) ++wrong;
  }
  for (const auto& [track, left] : open) wrong += left;
  return wrong;
}

}  // namespace

TEST_CASE("the trace of a session shows it as it went") {
  std::string text;
  {
    chrome_trace trace(text);
    support::run_observed_session(trace,
                                  [&](std::uint32_t id) { trace.name_instance(id, "moody"); });
  }
  CHECK(text == support::golden("observe/golden/session.trace.json"));
}

TEST_CASE("a trace that ends after any event is JSON, and every begin in it has its end") {
  recorder all;
  support::run_observed_session(all);
  REQUIRE(all.events.size() > 30);
  for (std::size_t length = 0; length <= all.events.size(); ++length) {
    std::string text;
    {
      chrome_trace trace(text);
      for (std::size_t i = 0; i < length; ++i) trace.on(all.events[i]);
    }
    REQUIRE_MESSAGE(support::json_reader(text).is_one_value(), text);
    REQUIRE_MESSAGE(unbalanced(text) == 0, text);
  }
}

TEST_CASE("a trace is finished once, and takes nothing after that") {
  std::string text;
  chrome_trace trace(text);
  trace.finish();
  const std::string finished = text;
  trace.finish();
  support::teller(trace).state(1, session_state::created, session_state::registering);
  CHECK(text == finished);
}

TEST_CASE("what people called an instance cannot break the JSON") {
  std::string text;
  {
    chrome_trace trace(text);
    trace.name_instance(1, "a \"name\"\\\n\x01");
  }
  CHECK(support::json_reader(text).is_one_value());
  CHECK(count(text, R"(a \"name\"\\\u000a\u0001)") == 1);
}

TEST_CASE("rows that run side by side are on tracks of their own") {
  std::string text;
  chrome_trace trace(text);
  support::teller tell(trace);
  tell.began(1, row::reach_transport_id, id_of(1));
  tell.began(2, row::reach_transport_id, id_of(2));
  tell.ended(3, row::reach_transport_id, {}, id_of(1));
  tell.began(4, row::reach_transport_id, id_of(3));  // where the first one was
  trace.finish();
  CHECK(count(text, R"("ph":"B","pid":1,"tid":2)") == 2);
  CHECK(count(text, R"("ph":"B","pid":1,"tid":3)") == 1);
  CHECK(unbalanced(text) == 0);
}

TEST_CASE("calls of send_buffers are shown where they took long") {
  std::string text;
  chrome_trace trace(text);
  support::teller tell(trace);
  tell.began(1, row::send_buffers, id_of(1));
  tell.ended(1, row::send_buffers, {}, id_of(1));
  tell.began(2, row::send_buffers, id_of(1));
  tell.ended(7, row::send_buffers, errc::would_block, id_of(1));
  trace.finish();
  CHECK(count(text, R"("ph":"X")") == 1);
  CHECK(count(text,
              R"("ts":2000.000,"dur":5000.000,"args":{"result":"not possible without waiting")") ==
        1);
}

TEST_CASE("an arrow leads from each held call to where it is let go") {
  std::string text;
  chrome_trace trace(text);
  support::teller one(trace, 1), two(trace, 2);
  one.began(1, row::establish_session);
  one(2, event_kind::call_pended);
  one(3, event_kind::call_pended);
  two(3, event_kind::call_pended);
  one(4, event_kind::call_resumed);
  one(4, event_kind::call_refused);
  one(5, event_kind::call_resumed);  // held before the trace began: no arrow can lead to it
  trace.finish();
  for (const char* id : {"1.0", "1.1"}) {
    CHECK(count(text, std::string(R"("cat":"gate","id":")") + id + '"') == 1);
    CHECK(count(text, std::string(R"("cat":"gate","bp":"e","id":")") + id + '"') == 1);
  }
  CHECK(count(text, R"("cat":"gate","id":"2.0")") == 1);
  CHECK(count(text, R"("ph":"f")") == 2);
}

TEST_CASE("counters are sampled, however much happens between two samples") {
  std::string text;
  chrome_trace trace(text);
  support::teller tell(trace);
  for (int i = 0; i < 1000; ++i) {
    tell.message(i / 100, event_kind::message_sent, 1000);  // a hundred in each millisecond
    tell.drop(i / 100, drop_cause::queue_full);
  }
  tell.message(200, event_kind::message_received, 7);  // long after: down to zero in between
  trace.finish();
  CHECK(count(text, R"("name":"bytes per second")") <= 5);
  CHECK(count(text, R"("sent":0,"received":0)") == 2);
  CHECK(count(text, R"("messages dropped")") == 2);
  CHECK(count(text, R"("queue_full":1000)") == 1);  // the last sample has all of them
  CHECK(support::json_reader(text).is_one_value());
}

// The live view: what stands on a terminal, and the lines elsewhere.
#include "lockgate/observe/live_view.hpp"  // for live_view

#include "support/doctest.hpp"
#include "support/golden.hpp"            // for golden
#include "support/observed_events.hpp"   // for teller
#include "support/observed_session.hpp"  // for id_of
#include "support/world.hpp"             // for world

#include <algorithm>  // for min
#include <string>     // for string
#include <vector>     // for vector

using namespace lockgate;
using namespace std::chrono_literals;
using support::id_of;

namespace {

/// As much of a terminal as the view needs: new lines, going up, clearing, colours.
class terminal {
 public:
  void operator()(std::string_view bytes) {
    while (!bytes.empty()) {
      if (bytes.front() == '\n') {
        ++row_;
        column_ = 0;
        bytes.remove_prefix(1);
      } else if (bytes.front() == '\033') {
        bytes.remove_prefix(obey(bytes));
      } else {
        put(bytes.front());
        bytes.remove_prefix(1);
      }
    }
  }
  [[nodiscard]] std::string screen() const {
    std::string out;
    for (const std::string& line : lines_) out += line + '\n';
    return out;
  }
  [[nodiscard]] std::size_t widest() const {
    std::size_t most = 0;
    for (const std::string& line : lines_) most = std::max(most, line.size());
    return most;
  }

 private:
  std::size_t obey(std::string_view sequence) {
    const std::size_t end = sequence.find_first_of("AJKm");
    REQUIRE(end != sequence.npos);
    REQUIRE(sequence[1] == '[');
    switch (sequence[end]) {
      case 'A':
        row_ -= static_cast<std::size_t>(std::stoi(std::string(sequence.substr(2, end - 2))));
        break;
      case 'J': lines_.resize(std::min(lines_.size(), row_)); break;
      case 'K':
        if (row_ < lines_.size()) lines_[row_].resize(std::min(lines_[row_].size(), column_));
        break;
      default: break;
    }
    return end + 1;
  }
  void put(char c) {
    if (row_ >= lines_.size()) lines_.resize(row_ + 1);
    if (column_ >= lines_[row_].size()) lines_[row_].resize(column_ + 1, ' ');
    lines_[row_][column_++] = c;
  }
  std::vector<std::string> lines_;
  std::size_t row_ = 0, column_ = 0;
};

/// Events of a slow provider, each at its time.
void play(support::world& w, live_view& view) {
  support::teller tell(view);
  const auto now = [&w] {
    return static_cast<int>(w.time.at.time_since_epoch() / std::chrono::milliseconds(1));
  };
  view.name_instance(1, "slow");
  tell.state(now(), session_state::created, session_state::establishing);
  tell.began(now(), row::establish_session);
  tell(now(), event_kind::call_pended);
  w.advance(1s);
  tell.ended(now(), row::establish_session);
  tell.state(now(), session_state::establishing, session_state::idle);
  tell(now(), event_kind::call_resumed);
  tell.state(now(), session_state::idle, session_state::active);
  view.set_caption("half of it");
  for (int i = 0; i < 20; ++i) {
    tell.message(now(), event_kind::message_sent, 50000);
    tell.message(now(), event_kind::message_received, 100);
    tell.drop(now(), drop_cause::queue_full);
    w.advance(50ms);
  }
  tell.began(now(), row::reach_transport_id, id_of(7));
  w.advance(2s);
}

}  // namespace

TEST_CASE("on a terminal the picture is redrawn in place, and fits") {
  support::world w;
  terminal screen;
  live_view view(w.home, screen, {.on_terminal = true});
  view.begin();
  support::teller tell(view);
  play(w, view);
  CHECK(screen.screen() == support::golden("observe/golden/live_view.terminal"));
  CHECK(screen.widest() <= 80);
  view.end();
  CHECK(w.home.next_deadline() == never);  // nothing is left to wake a loop for
}

TEST_CASE("elsewhere it is lines, and silent when nothing moves and nothing waits") {
  support::world w;
  std::string text;
  live_view view(w.home, text);
  view.begin();
  play(w, view);
  CHECK(text == support::golden("observe/golden/live_view.lines"));
  support::teller(view).ended(4000, row::reach_transport_id, {}, id_of(7));
  w.advance(1s);
  text.clear();
  w.advance(10s);
  CHECK(text.empty());
  view.end();
}

TEST_CASE("a narrow terminal loses no word of why something waits") {
  support::world w;
  terminal screen;
  live_view view(w.home, screen, {.on_terminal = true, .columns = 40});
  view.begin();
  support::teller(view).began(0, row::transition_active);
  w.advance(1s);
  CHECK(screen.widest() <= 40);
  std::string words;
  for (const char c : screen.screen())
    if (c != '\n' && (c != ' ' || words.back() != ' ')) words += c;
  CHECK(words.find("instance 1: transition_active has run for") != std::string::npos);
  CHECK(words.find("endpoints without an id wait for it") != std::string::npos);
  view.end();
}

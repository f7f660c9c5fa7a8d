// Log lines: their form, their levels, and what never stands in them.
#include "lockgate/observe/log_line.hpp"  // for log_lines, append_log_line

#include "support/doctest.hpp"
#include "support/golden.hpp"            // for golden
#include "support/observed_events.hpp"   // for teller
#include "support/observed_session.hpp"  // for run_observed_session

#include <functional>    // for function
#include <string>        // for string
#include <string_view>   // for string_view
#include <system_error>  // for error_category, error_code

using namespace lockgate;

namespace {

/// All lines from `least` up, each with its level.
class collected {
 public:
  explicit collected(log_level least)
      : lines_(
            [this](log_level level, std::string_view line) {
              text += std::string(to_string(level)) + ' ' + std::string(line) + '\n';
            },
            least) {}
  void on(const event& e) noexcept { lines_.on(e); }
  std::string text;

 private:
  log_lines<std::function<void(log_level, std::string_view)>> lines_;
};

}  // namespace

TEST_CASE("the log of a session has a line for every event") {
  collected all(log_level::trace);
  support::run_observed_session(all);
  CHECK(all.text == support::golden("observe/golden/session.log"));
}

TEST_CASE("lines below the level asked for are not written") {
  collected warnings(log_level::warning);
  support::run_observed_session(warnings);
  CHECK(warnings.text.find("info ") == std::string::npos);
  CHECK(warnings.text.find("warning t=") != std::string::npos);
}

TEST_CASE("what ends a session is an error, what is dealt with a warning") {
  event e;
  for (const event_kind kind : {event_kind::row_threw, event_kind::task_threw,
                                event_kind::row_overran, event_kind::provider_stuck}) {
    e.kind = kind;
    CHECK(level_of(e) == log_level::error);
  }
  for (const event_kind kind :
       {event_kind::message_dropped, event_kind::send_refused, event_kind::call_refused}) {
    e.kind = kind;
    CHECK(level_of(e) == log_level::warning);
  }
  e.kind = event_kind::row_ended;
  e.which = row::transition_active;
  CHECK(level_of(e) == log_level::debug);
  e.result = errc::timed_out;
  CHECK(level_of(e) == log_level::warning);
}

TEST_CASE("a failure of another library is quoted in its own words, on one line") {
  class strange final : public std::error_category {
   public:
    const char* name() const noexcept override { return "strange"; }
    std::string message(int) const override { return "said \"no\"\nand left"; }
  };
  static const strange category;
  event e;
  e.kind = event_kind::registration_ended;
  e.instance = 1;
  e.result = std::error_code(3, category);
  std::string line;
  append_log_line(line, e);
  CHECK(line ==
        R"(t=0.000000000 instance=1 event=registration_ended error="said \"no\"\u000aand left")");
}

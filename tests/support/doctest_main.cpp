// The main function of every test program, compiled once, and the limit that every test case has.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>  // for main

#ifdef __unix__
#include <signal.h>  // for sigaction
#include <unistd.h>  // for alarm, write

#include <cstring>  // for strlen

namespace {

/// Wall clock, and below ctest's limit, which could name the program only.
constexpr unsigned seconds_per_test_case = 120;

const char* running = "";

void say(const char* text) noexcept {
  (void)!write(STDERR_FILENO, text, std::strlen(text));
}

void end_program(int) noexcept {
  say("\nTEST CASE:  ");
  say(running);
  say("\nERROR: still waiting at the limit of a test case, the program ends\n");
  _exit(1);
}

/// A test case that waits for what never comes ends the program, and its name is printed. An alarm,
/// since a thread would be seen by the tests that count allocations.
struct test_case_limit : doctest::IReporter {
  explicit test_case_limit(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData& test_case) override {
    running = test_case.m_name;
    struct sigaction at_limit{};
    at_limit.sa_handler = end_program;
    sigaction(SIGALRM, &at_limit, nullptr);
    alarm(seconds_per_test_case);
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override { alarm(0); }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
DOCTEST_REGISTER_LISTENER("test_case_limit", 1, test_case_limit);

}  // namespace
#endif

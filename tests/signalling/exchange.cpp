// When something is said again that nobody has answered.
#include "lockgate/net/exchange.hpp"  // for exchange
#include "support/doctest.hpp"

#include <chrono>  // for milliseconds, seconds

using namespace lockgate;
using namespace std::chrono_literals;

TEST_CASE("an exchange starts at once, and its pauses double up to the longest") {
  exchange hello(250ms, 1500ms);
  time_point now{1h};
  REQUIRE(hello.is_due(now));
  for (const duration pause : {250ms, 500ms, 1000ms, 1500ms, 1500ms}) {
    hello.said(now);
    CHECK(hello.due() == now + pause);
    CHECK_FALSE(hello.is_due(hello.due() - 1ns));
    now = hello.due();
    CHECK(hello.is_due(now));
  }
}

TEST_CASE("an exchange that was heard goes on with the longest pause only") {
  exchange hello(250ms, 15s);
  const time_point now{1h};
  hello.said(now);
  hello.heard();
  CHECK(hello.due() == now + 250ms);  // it was under way already
  hello.said(now + 250ms);
  CHECK(hello.due() == now + 250ms + 15s);
}

TEST_CASE("the pauses of an exchange without a longest one never overflow") {
  exchange hello(1s);
  time_point now{1h};
  for (int i = 0; i < 200; ++i) {
    hello.said(now);
    REQUIRE(hello.due() > now);
    if (hello.due() == never) return;
    now = hello.due();
  }
  FAIL("the pauses stopped growing");
}

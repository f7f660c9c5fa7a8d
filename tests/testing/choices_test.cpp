#include "lockgate/testing/choices.hpp"  // for choices, shrink

#include <doctest/doctest.h>  // for TEST_CASE

#include <set>     // for set
#include <string>  // for string
#include <vector>  // for vector

namespace lt = lockgate::testing;

TEST_CASE("an exhaustive search visits every combination once") {
  lt::choices source = lt::choices::exhaustive();
  std::set<std::vector<std::size_t>> seen;
  int runs = 0;
  do {
    const std::size_t first = source.choose(3);
    const std::size_t second = first == 1 ? source.choose(2) : 0;
    const std::size_t third = source.pick(2);
    seen.insert({first, second, third});
    ++runs;
  } while (source.next_run());
  CHECK(runs == 8);
  CHECK(seen.size() == 8);
  CHECK_FALSE(source.was_bounded());
}

TEST_CASE("a depth bound cuts the search off, and says so") {
  lt::search_bounds bounds;
  bounds.depth = 2;
  lt::choices source = lt::choices::exhaustive(bounds);
  int runs = 0;
  do {
    for (int i = 0; i < 4; ++i) static_cast<void>(source.choose(3));
    ++runs;
  } while (source.next_run());
  CHECK(runs == 9);
  CHECK(source.was_bounded());
}

TEST_CASE("a bound on deviations counts picks out of line, not other decisions") {
  lt::search_bounds bounds;
  bounds.deviations = 1;
  lt::choices source = lt::choices::exhaustive(bounds);
  int runs = 0;
  do {
    static_cast<void>(source.choose(2));
    int deviations = 0;
    for (int i = 0; i < 3; ++i) deviations += source.pick(2) > 0;
    CHECK(deviations <= 1);
    ++runs;
  } while (source.next_run());
  CHECK(runs == 8);  // 2 x (no deviation, or one at 3 places)
}

TEST_CASE("a string repeats a run, and trailing zeros do not matter") {
  lt::choices source = lt::choices::seeded(7);
  std::vector<std::size_t> first;
  for (int i = 0; i < 20; ++i) first.push_back(i % 2 ? source.choose(5) : source.pick(3));
  lt::choices again = lt::choices::replay(source.text());
  for (int i = 0; i < 20; ++i)
    CHECK((i % 2 ? again.choose(5) : again.pick(3)) == first[std::size_t(i)]);
  CHECK(again.text() == source.text());
  CHECK(lt::choices::replay("0.0").text() == "0");
}

TEST_CASE("an answer that is too large for a replayed decision is the last one") {
  lt::choices source = lt::choices::replay("9.1");
  CHECK(source.choose(3) == 2);
  CHECK(source.choose(3) == 1);
  CHECK(source.choose(3) == 0);
}

TEST_CASE("seeds repeat, and differ from each other") {
  lt::choices a = lt::choices::seeded(1), b = lt::choices::seeded(1), c = lt::choices::seeded(2);
  std::string one, same, other;
  for (int i = 0; i < 30; ++i) {
    one += char('0' + a.choose(4));
    same += char('0' + b.choose(4));
    other += char('0' + c.choose(4));
  }
  CHECK(one == same);
  CHECK(one != other);
  a.next_run();
  CHECK(a.seed() == 2);
}

TEST_CASE("priorities: what has a low rank waits, however often it is first in line") {
  lt::choices source = lt::choices::by_priority(3, 0, 100);
  std::size_t firsts = 0;
  for (int i = 0; i < 1000; ++i) firsts += source.pick(2) == 0;
  CHECK(firsts < 100);  // uniform choice would take it 500 times
}

TEST_CASE("shrinking finds the decisions that matter") {
  const auto fails = [](const std::string& text) {
    lt::choices run = lt::choices::replay(text);
    bool two = false;
    for (int i = 0; i < 10; ++i) {
      const std::size_t d = run.choose(4);
      two = two || (d >= 2 && i == 3);
    }
    return two;
  };
  REQUIRE(fails("3.1.0.3.2.2.1"));
  CHECK(lt::shrink("3.1.0.3.2.2.1", fails) == "0.0.0.2");
}

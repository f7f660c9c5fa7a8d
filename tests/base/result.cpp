// base/result.hpp: the same test for our result and, where there is one, for std::expected.
#include "lockgate/base/result.hpp"
#include "support/child_process.hpp"
#include "support/counted.hpp"
#include "support/doctest.hpp"

#include <version>  // for __cpp_lib_expected

#ifdef __cpp_lib_expected
#include <expected>  // for expected
#endif
#include <memory>     // for unique_ptr
#include <stdexcept>  // for runtime_error
#include <string>     // for string

using lockgate::errc;
using lockgate::result;
using lockgate::status;

namespace {

struct ours {
  template <class T>
  using type = result<T>;
  template <class T>
  static constexpr type<T> failed(errc code) {
    return code;
  }
};

#ifdef __cpp_lib_expected
struct standard {
  template <class T>
  using type = std::expected<T, status>;
  template <class T>
  static constexpr type<T> failed(errc code) {
    return std::unexpected(status(code));
  }
};
#define RESULT_FAMILIES ours, standard
#else
#define RESULT_FAMILIES ours
#endif
#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202211L  // the first one had no chains
#define CHAINING_FAMILIES RESULT_FAMILIES
#else
#define CHAINING_FAMILIES ours
#endif

TEST_CASE_TEMPLATE("result: a value or a status", R, RESULT_FAMILIES) {
  typename R::template type<std::string> good = "hello";
  REQUIRE(good.has_value());
  CHECK(static_cast<bool>(good));
  CHECK(*good == "hello");
  CHECK(good->size() == 5);
  CHECK(good.value() == "hello");
  CHECK(std::as_const(good).value() == "hello");

  const auto bad = R::template failed<std::string>(errc::closed);
  CHECK_FALSE(bad.has_value());
  CHECK(bad.error() == errc::closed);
  CHECK(bad.value_or("other") == "other");
  CHECK(std::as_const(good).value_or("other") == "hello");
}

TEST_CASE_TEMPLATE("result: values that can only be moved", R, RESULT_FAMILIES) {
  typename R::template type<std::unique_ptr<int>> r = std::make_unique<int>(4);
  auto taken = std::move(r).value();
  CHECK(*taken == 4);
  typename R::template type<std::unique_ptr<int>> other = std::move(taken);
  r = std::move(other);
  CHECK(**r == 4);
  r = R::template failed<std::unique_ptr<int>>(errc::canceled);
  CHECK_FALSE(r.has_value());
  CHECK(std::move(r).value_or(nullptr) == nullptr);
}

TEST_CASE_TEMPLATE("result: each value is destroyed once", R, RESULT_FAMILIES) {
  support::counted_totals totals;
  {
    typename R::template type<support::counted> a{support::counted(totals)};
    typename R::template type<support::counted> b = a;
    typename R::template type<support::counted> c = std::move(b);
    auto d = R::template failed<support::counted>(errc::closed);
    auto e = d;
    CHECK(e.error() == errc::closed);
    CHECK(c.has_value());
  }
  CHECK(totals.made >= 3);
  CHECK(totals.alive() == 0);
}

TEST_CASE_TEMPLATE("result: chains of steps", R, CHAINING_FAMILIES) {
  using number = typename R::template type<int>;
  const auto half = [](int x) -> number {
    if (x % 2 != 0) return R::template failed<int>(errc::invalid_argument);
    return x / 2;
  };
  CHECK(*number(8).and_then(half).and_then(half) == 2);
  CHECK(number(6).and_then(half).and_then(half).error() == errc::invalid_argument);
  CHECK(*number(3).transform([](int x) { return std::to_string(x); }) == "3");
  CHECK(R::template failed<int>(errc::closed).transform([](int x) { return x + 1; }).error() ==
        errc::closed);
  CHECK(*R::template failed<int>(errc::closed).or_else([](status) { return number(9); }) == 9);
  CHECK(*number(1).or_else([](status) { return number(9); }) == 1);
}

TEST_CASE_TEMPLATE("result: in constant expressions", R, RESULT_FAMILIES) {
  using number = typename R::template type<int>;
  static_assert(*number(3) == 3);
  static_assert([] {
    number a = R::template failed<int>(errc::closed);
    number b = a;
    number c = std::move(b);
    return c.error() == errc::closed;
  }());
  static_assert([] {
    number a = 1;
    a = R::template failed<int>(errc::closed);
    const bool failed = !a.has_value();
    a = number(2);
    return failed && *a == 2;
  }());
}

/// Its move constructor throws after a number of moves.
struct fragile {
  explicit fragile(support::counted_totals& t) : life(t) {}
  fragile(fragile&& other) : life(other.life), moves_left(other.moves_left - 1) {
    if (moves_left == 0) throw std::runtime_error("broke");
  }
  fragile& operator=(fragile&&) = delete;
  support::counted life;
  int moves_left = 100;
};

TEST_CASE("F29: an assignment whose move throws leaves no value behind") {
  for (const int moves : {1, 2}) {  // into the argument, and from there
    support::counted_totals totals;
    {
      result<fragile> to(errc::closed);
      result<fragile> from{fragile(totals)};
      from->moves_left = moves;
      CHECK_THROWS_AS(to = std::move(from), std::runtime_error);
      CHECK_FALSE(to.has_value());
    }
    CHECK(totals.alive() == 0);
  }
}

TEST_CASE("result: error() of a value is success") {
  CHECK(result<int>(3).error().ok());
}

TEST_CASE("result: value() of a failure stops the program, naming the rule") {
  const auto end = support::in_child_process([] {
    result<int> r = errc::closed;
    static_cast<void>(r.value());
  });
  CHECK(end.died_saying("value() of a failed result"));
}

}  // namespace

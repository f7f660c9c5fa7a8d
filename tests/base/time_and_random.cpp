// base/clock.hpp, base/random.hpp.
#include "lockgate/base/clock.hpp"
#include "lockgate/base/random.hpp"
#include "lockgate/base/system_random.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <array>    // for array
#include <cstring>  // for memcpy
#include <vector>   // for vector

using lockgate::duration;
using lockgate::never;
using lockgate::saturating_add;
using lockgate::time_point;

namespace {

TEST_CASE("F56: adding to a time stops at never") {
  const time_point now(duration(1'000));
  CHECK(saturating_add(now, duration(1)) == time_point(duration(1'001)));
  CHECK(saturating_add(now, -duration(1)) == time_point(duration(999)));
  CHECK(saturating_add(now, duration::max()) == never);
  CHECK(saturating_add(never, duration(1)) == never);
  CHECK(saturating_add(never, duration::max()) == never);
  CHECK(saturating_add(never - duration(1), duration(1)) == never);
  CHECK(saturating_add(time_point(), duration::max()) == never);
}

TEST_CASE("F54: the system's time source never goes back") {
  lockgate::steady_time time;
  time_point before = time.now();
  for (int i = 0; i < 10'000; ++i) {
    const time_point now = time.now();
    REQUIRE(now >= before);
    before = now;
  }
}

TEST_CASE("random: below() stays below and reaches everything") {
  support::seeded_random random;
  std::array<int, 5> hits{};
  for (int i = 0; i < 1'000; ++i) ++hits[random.below(hits.size())];
  for (const int count : hits) CHECK(count > 100);
  CHECK(random.below(1) == 0);
}

/// Gives the numbers it is told, from the first to the last.
class scripted_random final : public lockgate::random_source {
 public:
  explicit scripted_random(std::vector<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
  void fill(std::span<std::byte> out) override {
    REQUIRE(used < numbers_.size());
    std::memcpy(out.data(), &numbers_[used++], out.size());
  }
  std::size_t used = 0;

 private:
  std::vector<std::uint64_t> numbers_;
};

TEST_CASE("random: numbers that would favour low results are thrown away") {
  // 2^64 mod 6 is 4: four values are too many, and are drawn again.
  scripted_random random({0, 3, 4});
  CHECK(random.below(6) == 4);
  CHECK(random.used == 3);
}

TEST_CASE("random: the system's source fills ranges of any length") {
  lockgate::system_random random;
  for (std::size_t size : {0u, 1u, 3u, 4u, 5u, 64u, 255u, 256u, 257u, 600u}) {
    std::vector<std::byte> bytes(size);
    random.fill(bytes);
  }
  CHECK(random.next() != random.next());
}

}  // namespace

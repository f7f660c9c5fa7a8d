// buffer/slab_pool.hpp: slabs come back, are bounded, and are out of reach while they are home.
#include "lockgate/buffer/slab_pool.hpp"
#include "support/allocation.hpp"
#include "support/child_process.hpp"
#include "support/doctest.hpp"

#include <array>     // for array
#include <cstring>   // for memset
#include <optional>  // for optional
#include <vector>    // for vector

using lockgate::lease;
using lockgate::slab_pool;

namespace {

TEST_CASE("slab_pool: what is written into a slab is what the leases read") {
  slab_pool pool(64, 2);
  lease front, back;
  {
    auto slab = pool.acquire();
    REQUIRE(slab.has_memory());
    CHECK(slab.memory().size() == 64);
    slab.memory()[0] = std::byte{1};
    slab.memory()[63] = std::byte{2};
    CHECK(slab.is_unshared());
    front = slab.cut(0, 32);
    back = slab.cut(32, 32);
    CHECK_FALSE(slab.is_unshared());
  }
  CHECK(front.bytes()[0] == std::byte{1});
  CHECK(back.bytes()[31] == std::byte{2});
  CHECK(front.pinned() == 64);
  CHECK(pool.statistics().outstanding == 1);
  front.reset();
  CHECK(pool.statistics().outstanding == 1);
  back.reset();
  CHECK(pool.statistics().outstanding == 0);
}

TEST_CASE("slab_pool: the last one returned is the first one reused, without an allocation") {
  slab_pool pool(64, 4);
  const std::byte* where = nullptr;
  {
    const auto first = pool.acquire();
    where = first.memory().data();
  }
  const auto before = support::allocations_made();
  for (int i = 0; i < 100; ++i) {
    const auto again = pool.acquire();
    const lease part = again.cut(0, 1);
    REQUIRE(again.memory().data() == where);
  }
  const auto made = support::allocations_made() - before;
  CHECK(made == 0);
  CHECK(pool.statistics().allocated == 1);
  CHECK(pool.statistics().acquired == 101);
}

TEST_CASE("slab_pool: slabs reserved ahead cost no allocation later, and count against the limit") {
  slab_pool pool(64, 3);
  CHECK(pool.reserve(2).ok());
  CHECK(pool.reserve(2).ok());  // they exist already
  CHECK(pool.statistics().allocated == 2);
  CHECK(pool.statistics().outstanding == 0);
  CHECK(pool.statistics().acquired == 0);
  {
    const auto before = support::allocations_made();
    const auto one = pool.acquire(), two = pool.acquire();
    const auto made = support::allocations_made() - before;
    CHECK(made == 0);
    CHECK(one.has_memory());
    CHECK(two.has_memory());
  }
  CHECK(pool.reserve(100).ok());
  CHECK(pool.statistics().allocated == 3);
}

TEST_CASE("F43: an exhausted pool says so, counts it, and recovers") {
  slab_pool pool(64, 2);
  {
    const auto a = pool.acquire();
    const auto b = pool.acquire();
    CHECK(b.has_memory());
    const auto none = pool.acquire();
    CHECK_FALSE(none.has_memory());
    CHECK(none.memory().empty());
    CHECK(pool.statistics().exhausted == 1);
    CHECK_FALSE(pool.copy(std::array{std::byte{1}}).has_memory());
    CHECK(pool.statistics().exhausted == 2);
  }
  CHECK(pool.acquire().has_memory());
  CHECK(pool.statistics().allocated == 2);
}

TEST_CASE("F36: a slab, or the pool itself, without memory") {
  slab_pool pool(64, 2);
  {
    const support::failing_allocation fail(1);
    CHECK_FALSE(pool.acquire().has_memory());
  }
  CHECK(pool.statistics().exhausted == 1);
  CHECK(pool.acquire().has_memory());

  std::optional<slab_pool> none;
  {
    const support::failing_allocation fail(1);
    none.emplace(64u, 2u);
  }
  CHECK(none->slab_size() == 0);
  CHECK(none->slab_limit() == 0);
  CHECK_FALSE(none->acquire().has_memory());
  CHECK_FALSE(none->copy({}).has_memory());
  CHECK(none->reserve(1) == lockgate::errc::no_memory);
  CHECK(none->statistics().outstanding == 0);
  const support::failing_allocation fail(1);
  CHECK(pool.reserve(2) == lockgate::errc::no_memory);
}

TEST_CASE("slab_pool: copies are counted") {
  slab_pool pool(4, 2);
  const auto before = lockgate::copies_made;
  const std::array bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  const lease copy = pool.copy(bytes);
  REQUIRE(copy.size() == 3);
  CHECK(copy.bytes()[2] == std::byte{3});
  CHECK(lockgate::copies_made.copies - before.copies == 1);
  CHECK(lockgate::copies_made.bytes - before.bytes == 3);
  CHECK(pool.copy({}).has_memory());
  CHECK_FALSE(pool.copy(std::array<std::byte, 5>{}).has_memory());
  CHECK(lockgate::copies_made.copies - before.copies == 2);
}

int reported_leaks = 0;

TEST_CASE("F40: leases outlive their pool, which reports them; nothing is lost") {
  const auto blocks = support::blocks_alive();
  const auto print_leak = std::exchange(
      slab_pool::report_leak, [](std::size_t n) noexcept { reported_leaks = static_cast<int>(n); });
  lease a, b;
  {
    slab_pool pool(64, 3);
    auto slab = pool.acquire();
    slab.memory()[0] = std::byte{9};
    a = slab.cut(0, 1);
    b = pool.acquire().cut(0, 1);
    const auto home_again = pool.acquire();
  }
  slab_pool::report_leak = print_leak;
  CHECK(reported_leaks == 2);
  CHECK(a.bytes()[0] == std::byte{9});
  b.reset();
  CHECK(a.bytes()[0] == std::byte{9});
  a.reset();
  CHECK(support::blocks_alive() == blocks);
}

TEST_CASE("slab_pool: one without leases goes silently") {
  const auto blocks = support::blocks_alive();
  const auto end = support::in_child_process([] {
    slab_pool pool(64, 3);
    const lease part = pool.acquire().cut(0, 1);
  });
  CHECK(end.orderly);
  CHECK(end.output.empty());
  CHECK(support::blocks_alive() == blocks);
}

#if LOCKGATE_ASAN
TEST_CASE("F41: the sanitizer reports whoever touches a slab that is home") {
  slab_pool pool(64, 1);
  std::byte* kept = nullptr;
  {
    const auto slab = pool.acquire();
    kept = slab.memory().data();
    CHECK(__asan_region_is_poisoned(kept, 64) == nullptr);
  }
  CHECK(__asan_address_is_poisoned(kept) != 0);
  CHECK(__asan_address_is_poisoned(kept + 63) != 0);
  CHECK(support::in_child_process([&] {
          *const_cast<volatile std::byte*>(kept) = std::byte{1};
        }).died_saying("use-after-poison"));
  const auto again = pool.acquire();
  CHECK(again.memory().data() == kept);
  CHECK(__asan_region_is_poisoned(kept, 64) == nullptr);
}
#elif LOCKGATE_CHECKED
TEST_CASE("F41, F46: returned memory is overwritten") {
  slab_pool pool(64, 1);
  {
    const auto slab = pool.acquire();
    std::memset(slab.memory().data(), 0x11, slab.memory().size());
  }
  const auto again = pool.acquire();
  for (const std::byte b : again.memory()) REQUIRE(b == std::byte{0xDD});
}
#endif

}  // namespace

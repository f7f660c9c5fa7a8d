// base/cursor.hpp: whatever is asked of it, a cursor stays within its bytes.
#include "lockgate/base/cursor.hpp"
#include "support/doctest.hpp"
#include "support/world.hpp"

#include <array>   // for array
#include <vector>  // for vector

namespace {

constexpr std::array bytes{std::byte{0x01}, std::byte{0x02}, std::byte{0x03},
                           std::byte{0x04}, std::byte{0x05}, std::byte{0x06},
                           std::byte{0x07}, std::byte{0x08}, std::byte{0x09}};

TEST_CASE("cursor: reads big-endian numbers in order") {
  lockgate::cursor c(bytes);
  CHECK(c.u8() == 0x01);
  CHECK(c.u16() == 0x0203);
  CHECK(c.u32() == 0x04050607);
  CHECK(c.remaining() == 2);
  CHECK(c.ok());
  CHECK(lockgate::cursor(bytes).u64() == 0x0102030405060708u);
}

TEST_CASE("cursor: one read past the end fails it for good") {
  const std::span<const std::byte> all(bytes);
  lockgate::cursor c(all.first(3));
  CHECK(c.u32() == 0);
  CHECK_FALSE(c.ok());
  CHECK(c.remaining() == 0);  // the three bytes that were left are not offered again
  CHECK(c.u8() == 0);
  CHECK(c.take(0).empty());
  CHECK_FALSE(c.ok());
}

TEST_CASE("cursor: a huge length does not wrap around") {
  lockgate::cursor c(bytes);
  c.skip(4);
  CHECK(c.take(static_cast<std::size_t>(-1)).empty());
  CHECK_FALSE(c.ok());
}

TEST_CASE("cursor: an inner cursor ends where its outer length says") {
  lockgate::cursor c(bytes);
  lockgate::cursor inner = c.sub(2);
  CHECK(inner.u16() == 0x0102);
  CHECK(inner.u8() == 0);
  CHECK_FALSE(inner.ok());
  CHECK(c.ok());  // the inner range was wrong, the outer one was not
  CHECK(c.u8() == 0x03);
}

TEST_CASE("cursor: an inner cursor of a failed one has failed too") {
  lockgate::cursor c(bytes);
  CHECK_FALSE(c.sub(10).ok());
  CHECK_FALSE(c.sub(0).ok());
}

TEST_CASE("cursor: an empty range, also without an address") {
  lockgate::cursor c{std::span<const std::byte>()};
  CHECK(c.take(0).empty());
  CHECK(c.ok());
  CHECK(c.u8() == 0);
  CHECK_FALSE(c.ok());
}

TEST_CASE("cursor: usable in constant expressions") {
  static_assert(lockgate::cursor(bytes).u16() == 0x0102);
  static_assert([] {
    lockgate::cursor c(bytes);
    c.skip(10);
    return !c.ok();
  }());
}

TEST_CASE("cursor: random reads on exact-sized memory never leave it") {
  support::seeded_random random(7);
  for (int round = 0; round < 2'000; ++round) {
    const std::vector<std::byte> memory(random.below(20));  // AddressSanitizer guards both ends
    lockgate::cursor c(memory);
    std::size_t consumed = 0;
    while (c.ok()) {
      const std::size_t before = c.remaining();
      switch (random.below(6)) {
        case 0: c.u8(); break;
        case 1: c.u16(); break;
        case 2: c.u32(); break;
        case 3: c.u64(); break;
        case 4: c.sub(random.below(24)).u32(); break;
        default: {
          for (const std::byte b : c.take(random.below(24))) REQUIRE(b == std::byte{0});
        }
      }
      consumed += before - c.remaining();
      REQUIRE(consumed <= memory.size());
      if (c.ok() && c.remaining() == 0) break;
    }
  }
}

}  // namespace

// capi/slot_table.hpp: handles keep number and generation apart, the table is full at its limit,
// and what one thread adds another finds whole, with nothing else between them.
#include "lockgate/capi/slot_table.hpp"  // for slot_table
#include "support/doctest.hpp"

#include <cstddef>  // for size_t
#include <cstdint>  // for uint32_t
#include <thread>   // for thread, this_thread::yield

namespace {

struct numbered_slot {
  explicit numbered_slot(std::size_t n) noexcept : number(n), twice(2 * n) {}
  std::size_t number, twice;
};

/// The most slots that a table has.
constexpr std::size_t limit = 65536;

}  // namespace

using lockgate::capi::detail::slot_handle;

TEST_CASE("C: a handle gives back number and generation, also at their edges") {
  for (const std::size_t number : {std::size_t{0}, std::size_t{1}, std::size_t{255}, limit - 1})
    for (const std::uint32_t generation : {1u, 2u, 0xffffu, slot_handle::last_generation}) {
      const slot_handle made(number, generation & slot_handle::last_generation);
      const slot_handle read(made.value());
      CHECK(read.index() == number);
      CHECK(read.generation() == (generation & slot_handle::last_generation));
      CHECK(made.value() != nullptr);
    }
}

TEST_CASE("G18: C: the generation after the last one is the first, never 0") {
  CHECK(slot_handle::next(1) == 2);
  CHECK(slot_handle::next(slot_handle::last_generation - 1) == slot_handle::last_generation);
  CHECK(slot_handle::next(slot_handle::last_generation) == 1);
  CHECK(slot_handle(0, slot_handle::next(slot_handle::last_generation)).value() != nullptr);
}

TEST_CASE("C: a full table says so, keeps what it has, and knows no number beyond") {
  static lockgate::capi::detail::slot_table<numbered_slot> table;  // slots are never freed
  CHECK(table.find(0) == nullptr);
  const numbered_slot* const first = table.add();
  REQUIRE(first);
  for (std::size_t i = 1; i < limit; ++i) {
    const numbered_slot* const made = table.add();
    REQUIRE_MESSAGE((made && made->number == i), "slot " << i << " was not made");
  }
  CHECK(table.add() == nullptr);
  CHECK(table.add() == nullptr);
  CHECK(table.find(0) == first);
  REQUIRE(table.find(limit - 1));
  CHECK(table.find(limit - 1)->number == limit - 1);
  CHECK(table.find(limit) == nullptr);
  CHECK(table.find(slot_handle::mask) == nullptr);
}

TEST_CASE("F47: C: a slot is found whole by a thread that was told of it by nobody") {
  constexpr std::size_t count = 2000;                              // over several chunks
  static lockgate::capi::detail::slot_table<numbered_slot> table;  // slots are never freed
  std::size_t whole = 0;
  std::thread finder([&whole] {
    for (std::size_t i = 0; i < count; ++i) {
      const numbered_slot* found = nullptr;
      while (!(found = table.find(i))) std::this_thread::yield();
      if (found->number == i && found->twice == 2 * i) ++whole;
    }
  });
  bool added = true;
  for (std::size_t i = 0; i < count; ++i) added = table.add() != nullptr && added;
  if (!added) {  // the finder would wait for ever
    finder.detach();
    FAIL("no memory");
  }
  finder.join();
  CHECK(whole == count);
}

// capi/slot_table.hpp: what one thread adds another finds whole, with nothing else between them.
#include "lockgate/capi/slot_table.hpp"  // for slot_table
#include "support/doctest.hpp"

#include <cstddef>  // for size_t
#include <thread>   // for thread, this_thread::yield

namespace {

struct numbered_slot {
  explicit numbered_slot(std::size_t n) noexcept : number(n), twice(2 * n) {}
  std::size_t number, twice;
};

}  // namespace

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

// base/intrusive_table.hpp.
#include "lockgate/base/intrusive_table.hpp"
#include "support/child_process.hpp"
#include "support/doctest.hpp"

#include <memory>  // for unique_ptr
#include <vector>  // for vector

namespace {

struct item : lockgate::table_link<item> {
  item(int key, int number) noexcept : k(key), n(number) {}
  [[nodiscard]] int key() const noexcept { return k; }
  int k;
  int n;
};
using table = lockgate::intrusive_table<item>;

TEST_CASE("intrusive_table: finds what is in it, and nothing else") {
  table items;
  CHECK(items.empty());
  CHECK(items.find(1) == nullptr);
  item a(1, 10), b(2, 20);
  items.insert(a);
  items.insert(b);
  CHECK(items.size() == 2);
  CHECK(items.find(1) == &a);
  CHECK(items.find(2) == &b);
  CHECK(items.find(3) == nullptr);
  items.erase(a);
  CHECK(items.find(1) == nullptr);
  CHECK(items.find(2) == &b);
  items.insert(a);
  CHECK(items.find(1) == &a);
}

TEST_CASE("intrusive_table: several items may have one key") {
  table items;
  item a(1, 10), b(1, 20);
  items.insert(a);
  items.insert(b);
  items.erase(*items.find(1));
  REQUIRE(items.find(1) != nullptr);
  items.erase(*items.find(1));
  CHECK(items.find(1) == nullptr);
  CHECK(items.empty());
}

TEST_CASE("intrusive_table: grows, and keeps everything") {
  table items;
  std::vector<std::unique_ptr<item>> owned;
  for (int i = 0; i < 1000; ++i) {
    owned.push_back(std::make_unique<item>(i * 64, i));  // like addresses, alike in their low bits
    items.insert(*owned.back());
    for (int j = 0; j <= i; j += 37) REQUIRE(items.find(j * 64) == owned[std::size_t(j)].get());
  }
  CHECK(items.size() == 1000);
  for (int i = 0; i < 1000; i += 2) items.erase(*owned[std::size_t(i)]);
  for (int i = 0; i < 1000; ++i) CHECK((items.find(i * 64) != nullptr) == (i % 2 == 1));
}

TEST_CASE("intrusive_table: visits each item once, and lets the visitor erase it") {
  table items;
  std::vector<std::unique_ptr<item>> owned;
  for (int i = 0; i < 50; ++i) {
    owned.push_back(std::make_unique<item>(i % 7, 0));
    items.insert(*owned.back());
  }
  items.for_each([&](item& visited) {
    ++visited.n;
    if (visited.k == 3) items.erase(visited);
  });
  for (const auto& each : owned) CHECK(each->n == 1);
  CHECK(items.find(3) == nullptr);
  CHECK(items.size() == 43);
}

TEST_CASE("intrusive_table: erasing what is not there stops the program") {
  const auto end = support::in_child_process([] {
    table items;
    item a(1, 0), b(1, 0);
    items.insert(a);
    items.erase(b);
  });
  CHECK(end.died_saying("not in this table"));
}

}  // namespace

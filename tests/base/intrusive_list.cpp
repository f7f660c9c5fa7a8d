// base/intrusive_list.hpp.
#include "lockgate/base/intrusive_list.hpp"
#include "support/child_process.hpp"
#include "support/doctest.hpp"

#include <memory>  // for unique_ptr
#include <vector>  // for vector

namespace {

struct item : lockgate::list_link<item> {
  explicit item(int number) noexcept : n(number) {}
  int n;
};
using list = lockgate::intrusive_list<item>;

std::vector<int> numbers(list& items) {
  std::vector<int> out;
  for (const item& i : items) out.push_back(i.n);
  return out;
}

TEST_CASE("intrusive_list: both ends, and removal from anywhere") {
  list items;
  item a(1), b(2), c(3);
  CHECK(items.empty());
  items.push_back(b);
  items.push_back(c);
  items.push_front(a);
  CHECK(numbers(items) == std::vector{1, 2, 3});
  b.unlink();
  CHECK_FALSE(b.is_linked());
  b.unlink();  // nothing to do
  CHECK(numbers(items) == std::vector{1, 3});
  CHECK(&items.pop_front() == &a);
  CHECK(&items.front() == &c);
}

TEST_CASE("intrusive_list: items and lists may go in either order") {
  auto items = std::make_unique<list>();
  item survivor(1);
  items->push_back(survivor);
  {
    item gone(2);
    items->push_back(gone);
  }
  CHECK(numbers(*items) == std::vector{1});
  items.reset();
  CHECK_FALSE(survivor.is_linked());
}

TEST_CASE("intrusive_list: splicing keeps the order and empties the source") {
  list left, right;
  item a(1), b(2), c(3), d(4);
  left.push_back(a);
  left.splice_back(right);  // from an empty list
  CHECK(numbers(left) == std::vector{1});
  right.push_back(b);
  right.push_back(c);
  left.splice_back(right);
  CHECK(right.empty());
  right.splice_back(left);  // to an empty list
  right.push_back(d);
  CHECK(numbers(right) == std::vector{1, 2, 3, 4});
}

#if LOCKGATE_CHECKED
TEST_CASE("intrusive_list: an item in two places stops the program") {
  const auto end = support::in_child_process([] {
    list items;
    item a(1);
    items.push_back(a);
    items.push_back(a);
  });
  CHECK(end.died_saying("in a list already"));
}
#endif

}  // namespace

// buffer/lease.hpp, buffer/shared_lease.hpp: memory goes home once, when its last reader is done.
#include "lockgate/buffer/lease.hpp"
#include "lockgate/buffer/shared_lease.hpp"
#include "support/allocation.hpp"
#include "support/child_process.hpp"
#include "support/doctest.hpp"

#include <array>   // for array
#include <thread>  // for thread
#include <vector>  // for vector

using lockgate::lease;
using lockgate::shared_lease;

namespace {

/// Memory of somebody else, that counts how often it came home.
struct foreign_memory {
  std::array<std::byte, 16> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  int returned = 0;
  lease lend() {
    return lease::wrap(
        bytes, [](void* self) noexcept { ++static_cast<foreign_memory*>(self)->returned; }, this);
  }
};

TEST_CASE("lease: the memory is the caller's own, and is returned once") {
  foreign_memory memory;
  {
    lease a = memory.lend();
    CHECK(a.bytes().data() == memory.bytes.data());
    CHECK(a.size() == 16);
    CHECK(a.pinned() == 16);
    lease b = std::move(a);
    CHECK_FALSE(a.has_memory());  // NOLINT(bugprone-use-after-move)
    CHECK(a.size() == 0);
    CHECK(b.has_memory());
    CHECK(memory.returned == 0);
  }
  CHECK(memory.returned == 1);
}

TEST_CASE("F39: ending a lease twice returns its memory once") {
  foreign_memory memory;
  lease a = memory.lend();
  a.reset();
  a.reset();
  CHECK(memory.returned == 1);
  CHECK(a.pinned() == 0);
}

TEST_CASE("lease: assignment ends what was there, also onto itself") {
  foreign_memory first, second;
  lease a = first.lend(), b = second.lend();
  a = std::move(b);
  CHECK(first.returned == 1);
  CHECK(second.returned == 0);
  lease& same = a;
  a = std::move(same);
  CHECK(a.has_memory());
  CHECK(second.returned == 0);
}

TEST_CASE("F44: parts share the memory, and the last one returns it") {
  foreign_memory memory;
  lease part;
  {
    const lease whole = memory.lend();
    part = whole.share(1, 2);
    CHECK(whole.owner()->leases() == 2);
    const lease nothing = whole.share(16, 0);
    CHECK(nothing.size() == 0);
    CHECK(nothing.has_memory());
  }
  CHECK(memory.returned == 0);
  REQUIRE(part.size() == 2);
  CHECK(part.bytes()[0] == std::byte{2});
  CHECK(part.pinned() == 16);
  part.reset();
  CHECK(memory.returned == 1);
}

TEST_CASE("lease: a part of nothing is nothing") {
  const lease none;
  CHECK_FALSE(none.share(0, 0).has_memory());
}

TEST_CASE("lease: cutting at both ends") {
  foreign_memory memory;
  lease a = memory.lend();
  a.drop_front(1);
  a.truncate(2);
  REQUIRE(a.size() == 2);
  CHECK(a.bytes()[0] == std::byte{2});
  CHECK(a.bytes()[1] == std::byte{3});
  a.drop_front(2);
  CHECK(a.size() == 0);
  CHECK(a.has_memory());
}

TEST_CASE("F41: reaching beyond the range stops the program") {
  CHECK(support::in_child_process([] {
          foreign_memory m;
          static_cast<void>(m.lend().share(8, 9));
        }).died_saying("share beyond the range"));
  CHECK(support::in_child_process([] {
          foreign_memory m;
          static_cast<void>(m.lend().share(1, static_cast<std::size_t>(-1)));
        }).died_saying("share beyond the range"));
  CHECK(support::in_child_process([] {
          foreign_memory m;
          m.lend().drop_front(17);
        }).died_saying("drop_front beyond the range"));
  CHECK(support::in_child_process([] {
          foreign_memory m;
          m.lend().truncate(17);
        }).died_saying("truncate beyond the range"));
}

TEST_CASE("F36: without memory for its owner a lease is empty, and nothing is returned") {
  foreign_memory memory;
  {
    const support::failing_allocation fail(1);
    const lease a = memory.lend();
    CHECK_FALSE(a.has_memory());
  }
  CHECK(memory.returned == 0);
}

/// Carries memory home in the order of arrival, when the test says so.
struct mailbox {
  mailbox() = default;
  mailbox(const mailbox&) = delete;
  ~mailbox() { deliver(); }
  struct letter {
    void (*run)(void*) noexcept;
    void* item;
  };
  std::vector<letter> letters;
  lockgate::way_home way() {
    return {[](void* self, void (*run)(void*) noexcept, void* item) noexcept {
              static_cast<mailbox*>(self)->letters.push_back({run, item});
            },
            this};
  }
  void deliver() {
    for (const letter& l : letters) l.run(l.item);
    letters.clear();
  }
};

TEST_CASE("F39: memory that ended on another thread goes home on its own") {
  foreign_memory memory;
  mailbox home;
  shared_lease away(memory.lend(), home.way());
  REQUIRE(away.has_memory());
  std::thread([held = std::move(away)]() mutable {
    CHECK(held.bytes()[2] == std::byte{3});
    shared_lease ends_here = std::move(held);
    CHECK_FALSE(held.has_memory());  // NOLINT(bugprone-use-after-move)
    CHECK(held.bytes().empty());
  }).join();
  CHECK(memory.returned == 0);
  CHECK(home.letters.size() == 1);
  home.deliver();
  CHECK(memory.returned == 1);
}

TEST_CASE("F36: without memory for the parcel the lease stays where it was") {
  foreign_memory memory;
  mailbox home;
  lease local = memory.lend();
  {
    const support::failing_allocation fail(1);
    const shared_lease away(std::move(local), home.way());
    CHECK_FALSE(away.has_memory());
  }
  CHECK(local.has_memory());  // NOLINT(bugprone-use-after-move)
  CHECK(memory.returned == 0);
  CHECK(home.letters.empty());
}

TEST_CASE("shared_lease: assignment sends home what was there") {
  foreign_memory first, second;
  mailbox home;
  shared_lease a(first.lend(), home.way());
  shared_lease b(second.lend(), home.way());
  a = std::move(b);
  home.deliver();
  CHECK(first.returned == 1);
  CHECK(second.returned == 0);
}

}  // namespace

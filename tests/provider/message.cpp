// provider/message.hpp: incoming messages, whole, in parts, and compacted.
#include "lockgate/provider/message.hpp"
#include "lockgate/buffer/slab_pool.hpp"
#include "support/allocation.hpp"
#include "support/child_process.hpp"
#include "support/doctest.hpp"

#include <array>   // for array
#include <vector>  // for vector

using lockgate::copies_made;
using lockgate::incoming;
using lockgate::lease;
using lockgate::slab_pool;
using lockgate::transport_id;

namespace {

std::vector<lease> in_parts(slab_pool& pool, std::size_t size, std::size_t count) {
  std::vector<lease> parts;
  auto slab = pool.acquire();
  for (std::size_t i = 0; i < size; ++i) slab.memory()[i] = static_cast<std::byte>(i);
  for (std::size_t i = 0; i < count; ++i)
    parts.push_back(slab.cut(i * size / count, (i + 1) * size / count - i * size / count));
  return parts;
}

TEST_CASE("incoming: a message of one part is contiguous without a copy") {
  slab_pool pool(1024, 1);
  auto slab = pool.acquire();
  incoming message(transport_id(), transport_id(), slab.cut(0, 10));
  const auto before = copies_made;
  CHECK(message.contiguous().data() == slab.memory().data());
  CHECK(message.size() == 10);
  CHECK(message.pinned() == 1024);
  CHECK(copies_made.copies == before.copies);
}

TEST_CASE("incoming: several parts are made contiguous by one counted copy") {
  slab_pool pool(1024, 1);
  incoming message(transport_id(), transport_id(), in_parts(pool, 10, 3));
  CHECK(message.part_count() == 3);
  CHECK(message.size() == 10);
  CHECK(message.part(2).size() == 4);
  CHECK(pool.statistics().outstanding == 1);
  const auto before = copies_made;
  const auto bytes = message.contiguous();
  REQUIRE(bytes.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) CHECK(bytes[i] == static_cast<std::byte>(i));
  CHECK(message.part_count() == 1);
  CHECK(copies_made.copies - before.copies == 1);
  CHECK(copies_made.bytes - before.bytes == 10);
  CHECK(pool.statistics().outstanding == 0);
  CHECK(message.contiguous().data() == bytes.data());
  CHECK(copies_made.copies - before.copies == 1);
}

TEST_CASE("incoming: compacting frees the slab and keeps the bytes") {
  slab_pool pool(1024, 1);
  const auto blocks = support::blocks_alive();
  {
    incoming message(transport_id(), transport_id(), in_parts(pool, 5, 1));
    CHECK(message.pinned() == 1024);
    const auto before = copies_made;
    CHECK(message.compact());
    CHECK(message.pinned() == 5);
    CHECK(message.size() == 5);
    CHECK(message.part(0).bytes()[4] == std::byte{4});
    CHECK(copies_made.bytes - before.bytes == 5);
    CHECK(pool.statistics().outstanding == 0);
  }
  CHECK(support::blocks_alive() == blocks + 1);  // the slab, at home
}

TEST_CASE("F36: without memory for the copy nothing has changed") {
  slab_pool pool(1024, 1);
  incoming message(transport_id(), transport_id(), in_parts(pool, 10, 2));
  const auto blocks = support::blocks_alive();
  const auto before = copies_made;
  for (std::uint64_t k = 1; k <= 2; ++k) {
    const support::failing_allocation fail(k);
    CHECK_FALSE(message.compact());
    CHECK(fail.happened());
  }
  {
    const support::failing_allocation fail(1);
    CHECK(message.contiguous().empty());
  }
  CHECK(message.part_count() == 2);
  CHECK(message.size() == 10);
  CHECK(support::blocks_alive() == blocks);
  CHECK(copies_made.copies == before.copies);
}

TEST_CASE("incoming: no part, and parts without a byte") {
  incoming none({}, {}, std::vector<lease>());
  CHECK(none.size() == 0);
  CHECK(none.part_count() == 1);
  CHECK(none.contiguous().empty());
  slab_pool pool(16, 1);
  incoming hollow(transport_id(), transport_id(), in_parts(pool, 0, 3));
  CHECK(hollow.size() == 0);
  CHECK(hollow.contiguous().empty());
  CHECK(hollow.part_count() == 1);
}

TEST_CASE("incoming: its only lease can be taken for forwarding, one of several not") {
  slab_pool pool(16, 2);
  incoming whole(transport_id(), transport_id(), in_parts(pool, 4, 1));
  const lease taken = std::move(whole).take_lease();
  CHECK(taken.size() == 4);
  CHECK(whole.size() == 0);  // NOLINT(bugprone-use-after-move)
  const auto end = support::in_child_process([&] {
    incoming parts(transport_id(), transport_id(), in_parts(pool, 4, 2));
    static_cast<void>(std::move(parts).take_lease());
  });
  CHECK(end.died_saying("take_lease() of a message in several parts"));
}

}  // namespace

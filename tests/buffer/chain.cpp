// buffer/chain.hpp: one message in parts.
#include "lockgate/buffer/chain.hpp"
#include "support/doctest.hpp"

#include <array>   // for array
#include <vector>  // for vector

using lockgate::bytes_view;
using lockgate::chain;

namespace {

constexpr std::array head{std::byte{1}, std::byte{2}};
constexpr std::array body{std::byte{3}};
constexpr std::array tail{std::byte{4}, std::byte{5}, std::byte{6}};

std::vector<int> flat(const chain& c) {
  std::vector<std::byte> bytes(c.size());
  c.copy_to(bytes.data());
  std::vector<int> out;
  for (const std::byte b : bytes) out.push_back(std::to_integer<int>(b));
  return out;
}

TEST_CASE("chain: none, one, several parts") {
  const chain none;
  CHECK(none.empty());
  CHECK(none.part_count() == 1);
  CHECK(flat(none).empty());

  const chain one = bytes_view(tail);
  CHECK(one.size() == 3);
  CHECK(one.part(0).data() == tail.data());  // borrowed, not copied

  const std::array<bytes_view, 4> parts{bytes_view(head), bytes_view(), bytes_view(body),
                                        bytes_view(tail)};
  const chain several(parts);
  CHECK(several.size() == 6);
  CHECK(several.part_count() == 4);
  CHECK(several.part(1).empty());
  CHECK(several.part(3).data() == tail.data());
  CHECK(flat(several) == std::vector{1, 2, 3, 4, 5, 6});
}

TEST_CASE("chain: a header before a message in parts") {
  const std::array<bytes_view, 2> parts{bytes_view(body), bytes_view(tail)};
  const chain with_header(head, parts);
  CHECK(with_header.size() == 6);
  CHECK(with_header.part_count() == 3);
  CHECK(flat(with_header) == std::vector{1, 2, 3, 4, 5, 6});
  CHECK(chain(head, {}).part_count() == 1);
}

}  // namespace

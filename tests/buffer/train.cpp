// The arithmetic of trains.
#include "lockgate/buffer/train.hpp"  // for train_length, first_in_train, for_each_in_train

#include "support/doctest.hpp"

#include <array>   // for array
#include <vector>  // for vector

using namespace lockgate;

TEST_CASE("train: without a segment size the bytes are one message") {
  for (const std::size_t size : {0u, 1u, 70'000u}) {
    CHECK(train_length(size, 0) == 1);
    CHECK(first_in_train(size, 0) == size);
  }
}

TEST_CASE("train: the last message may be shorter") {
  CHECK(train_length(1, 100) == 1);
  CHECK(train_length(100, 100) == 1);
  CHECK(train_length(101, 100) == 2);
  CHECK(train_length(300, 100) == 3);
  CHECK(train_length(301, 100) == 4);
  CHECK(first_in_train(301, 100) == 100);
  CHECK(first_in_train(99, 100) == 99);
}

TEST_CASE("train: every message is visited, in order, with its own bytes") {
  std::array<std::byte, 10> bytes{};
  std::vector<std::size_t> begins, sizes;
  const auto note = [&](bytes_view message) {
    begins.push_back(static_cast<std::size_t>(message.data() - bytes.data()));
    sizes.push_back(message.size());
  };
  for_each_in_train(bytes, 4, note);
  CHECK(begins == std::vector<std::size_t>{0, 4, 8});
  CHECK(sizes == std::vector<std::size_t>{4, 4, 2});
  sizes.clear();
  for_each_in_train(bytes, 5, note);
  CHECK(sizes == std::vector<std::size_t>{5, 5});
  sizes.clear();
  for_each_in_train(bytes, 0, note);
  CHECK(sizes == std::vector<std::size_t>{10});
  sizes.clear();
  for_each_in_train({}, 0, note);
  CHECK(sizes == std::vector<std::size_t>{0});
}

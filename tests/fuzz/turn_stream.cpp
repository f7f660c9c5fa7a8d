// Fuzz target: messages from a TURN server over a stream that cuts them anywhere. They are those
// that stand in the whole of it.
#include "fuzz/input.hpp"
#include "lockgate/stun/server_wire.hpp"
#include "lockgate/testing/virtual_time.hpp"

#include "lockgate/coro/task_group.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace stun = lockgate::stun;
using fuzz::require;
using lockgate::result;
using lockgate::status;
using lockgate::task;

namespace {

constexpr std::size_t slab_size =
    4608;  // a little more than a read wants: messages lie across ends

/// A stream that gives what it is told to, in pieces as long as it is told.
class cut_stream {
 public:
  cut_stream(lockgate::bytes_view bytes, std::vector<std::byte> lengths)
      : bytes_(bytes), lengths_(std::move(lengths)) {}
  lockgate::socket_address local_address() const { return {}; }
  task<status> send(lockgate::bytes_view) { return gives_up(); }
  task<result<std::size_t>> receive(std::span<std::byte> into) { return cut(into); }
  void close() {}

 private:
  static task<status> gives_up() { co_return lockgate::errc::closed; }
  task<result<std::size_t>> cut(std::span<std::byte> into) {
    require(!into.empty());
    if (bytes_.empty()) co_return result<std::size_t>(lockgate::errc::closed);
    std::size_t count = 1 + std::to_integer<std::size_t>(lengths_[turn_++ % lengths_.size()]) * 7;
    count = std::min({count, into.size(), bytes_.size()});
    std::copy_n(bytes_.begin(), count, into.begin());
    bytes_ = bytes_.subspan(count);
    co_return result<std::size_t>(count);
  }

  lockgate::bytes_view bytes_;
  std::vector<std::byte> lengths_;
  std::size_t turn_ = 0;
};

struct outcome {
  std::vector<std::vector<std::byte>> messages;
  status end;
};

task<> receives(lockgate::stream_wire<cut_stream>* wire, outcome* out) {
  std::array<lockgate::received_datagram, 4> into;
  while (out->end.ok()) {
    const result<std::size_t> got = co_await wire->receive(into);
    out->end = got.error();
    for (std::size_t i = 0; got && i < *got; ++i) {
      const auto bytes = into[i].payload.bytes();
      out->messages.emplace_back(bytes.begin(), bytes.end());
      if (i % 2 == 0) into[i].payload.reset();  // the others keep their slab for a while
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  fuzz::choices from(input);
  std::vector<std::byte> lengths = from.raw(1 + from.one() % 4);
  if (lengths.empty()) return 0;
  const std::vector<std::byte> bytes = from.raw(size);

  outcome expected;
  lockgate::bytes_view rest = bytes;
  for (;;) {
    const auto frame = stun::next_frame(rest);
    if (!frame || frame->size == 0 || frame->consumed > slab_size) break;
    expected.messages.emplace_back(rest.begin(),
                                   rest.begin() + static_cast<std::ptrdiff_t>(frame->size));
    rest = rest.subspan(frame->consumed);
  }

  lockgate::testing::virtual_time time;
  lockgate::testing::seeded_random random(1);
  lockgate::scheduler home(time, random);
  lockgate::slab_pool pool(slab_size, 64);
  outcome got;
  {
    lockgate::stream_wire<cut_stream> wire(cut_stream(bytes, lengths), pool);
    lockgate::task_group tasks(home);
    require(tasks.spawn(receives(&wire, &got)).ok());
    for (int rounds = 0; rounds < 100 && got.end.ok(); ++rounds) {
      home.run_ready();
      time.advance(std::chrono::milliseconds(1));
    }
    require(!got.end.ok());
    require(got.messages == expected.messages);
    require(got.end == lockgate::errc::closed || got.end == lockgate::errc::malformed);
  }
  require(pool.statistics().outstanding == 0);
  return 0;
}

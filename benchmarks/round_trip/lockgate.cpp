// Round trip, lockgate: two endpoints of one platform, each with a socket of its own; with the
// defaults, and with another look at the sockets before the loop waits.
#include "../harness/contender.hpp"       // for contender, enter
#include "../harness/lockgate_stack.hpp"  // for lockgate_stack
#include "../harness/udp_socket.hpp"      // for udp_socket

#include <chrono>   // for microseconds
#include <cstddef>  // for byte, size_t
#include <span>     // for span
#include <vector>   // for vector

namespace {

class lockgate_round_trip : public bench::contender {
 public:
  explicit lockgate_round_trip(const bench::workload& work,
                               const lockgate::network_options& options = {})
      : stack_(options), server_(stack_.open(work.local)), client_(stack_.open(free_address())),
        request_(work.size) {}

  std::size_t run(std::size_t count) override {
    bytes_ = 0;
    stack_.run(serve(count), ask(count));
    return bytes_;
  }
  std::uint64_t copies() const override { return stack_.copies(server_) + stack_.copies(client_); }

 private:
  static sockaddr_in free_address() { return bench::udp_socket().address(); }

  lockgate::task<> serve(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      lockgate::result<lockgate::incoming> asked = co_await server_.receive();
      bench::expect_ok(asked.error());
      bench::expect_ok(co_await server_.send_to(asked->remote, asked->contiguous()));
    }
  }
  lockgate::task<> ask(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      bench::expect_ok(
          co_await client_.send_to(server_.id(), std::span<const std::byte>(request_)));
      const lockgate::result<lockgate::incoming> answer = co_await client_.receive();
      bench::expect_ok(answer.error());
      bytes_ += answer->size();
    }
  }

  bench::lockgate_stack stack_;
  lockgate::endpoint server_;
  lockgate::endpoint client_;
  std::vector<std::byte> request_;
  std::size_t bytes_ = 0;
};

/// Looks again for 20 us, which gave most of the rate of busy polling.
class looking_again : public lockgate_round_trip {
 public:
  explicit looking_again(const bench::workload& work) : lockgate_round_trip(work, options()) {}

 private:
  static lockgate::network_options options() {
    lockgate::network_options all;
    all.udp.busy_poll = std::chrono::microseconds(20);
    return all;
  }
};

const bench::enter<lockgate_round_trip> entered{bench::question::round_trip, "lockgate"};
const bench::enter<looking_again> entered_looking{bench::question::round_trip,
                                                  "lockgate_look_again"};

}  // namespace

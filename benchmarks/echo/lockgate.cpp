// Echo, lockgate: the application takes many messages and hands them back with the memory it came
// in; the platform gathers them, the socket joins them to trains.
#include "../harness/contender.hpp"       // for contender, enter
#include "../harness/lockgate_stack.hpp"  // for lockgate_stack

#include <array>  // for array
#include <span>   // for span

namespace {

class lockgate_echo : public bench::contender {
 public:
  explicit lockgate_echo(const bench::workload& work)
      : stack_(options(work)), app_(stack_.open(work.local)) {
    for (const sockaddr_in& peer : work.peers) stack_.know(peer);
  }

  std::size_t run(std::size_t count) override {
    bytes_ = 0;
    stack_.run(echo(count));
    return bytes_;
  }
  std::uint64_t copies() const override { return stack_.copies(app_); }

 private:
  static lockgate::network_options options(const bench::workload& work) {
    lockgate::network_options all;
    all.udp.share_port = work.share_port;
    return all;
  }
  lockgate::task<> echo(std::size_t left) {
    while (left > 0) {
      const lockgate::result<std::size_t> received = co_await app_.receive(batch_);
      bench::expect_ok(received.error());
      const std::span<lockgate::incoming> messages = std::span(batch_).first(*received);
      for (const lockgate::incoming& message : messages) bytes_ += message.size();
      bench::expect_ok(app_.forward(messages).why);
      left -= *received;
    }
  }

  bench::lockgate_stack stack_;
  lockgate::endpoint app_;
  std::array<lockgate::incoming, bench::lockgate_batch> batch_;
  std::size_t bytes_ = 0;
};

const bench::enter<lockgate_echo> entered{
    bench::question::echo, "lockgate", {bench::traffic::plain, bench::traffic::trains}};
const bench::enter<lockgate_echo> on_cores{bench::question::per_core, "lockgate"};

}  // namespace

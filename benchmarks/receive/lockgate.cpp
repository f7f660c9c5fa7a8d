// Receive, lockgate: through UDP, direct provider and platform to an application that takes many.
#include "../harness/contender.hpp"       // for contender, enter
#include "../harness/lockgate_stack.hpp"  // for lockgate_stack

#include <array>  // for array
#include <span>   // for span

namespace {

class lockgate_receive : public bench::contender {
 public:
  explicit lockgate_receive(const bench::workload& work) : app_(stack_.open(work.local)) {
    for (const sockaddr_in& peer : work.peers) stack_.know(peer);
  }

  std::size_t run(std::size_t count) override {
    bytes_ = 0;
    stack_.run(receive(count));
    return bytes_;
  }
  std::uint64_t copies() const override { return stack_.copies(app_); }

 private:
  lockgate::task<> receive(std::size_t left) {
    while (left > 0) {
      const lockgate::result<std::size_t> received = co_await app_.receive(batch_);
      bench::expect_ok(received.error());
      for (lockgate::incoming& message : std::span(batch_).first(*received)) {
        bytes_ += message.size();
        message.reset();
      }
      left -= *received;
    }
  }

  bench::lockgate_stack stack_;
  lockgate::endpoint app_;
  std::array<lockgate::incoming, bench::lockgate_batch> batch_;
  std::size_t bytes_ = 0;
};

const bench::enter<lockgate_receive> entered{
    bench::question::receive, "lockgate", {bench::traffic::plain, bench::traffic::trains}};

}  // namespace

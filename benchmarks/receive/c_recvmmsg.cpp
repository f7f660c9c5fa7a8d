// Receive, plain C: recvmmsg takes 32 datagrams with each call.
#include "../harness/contender.hpp"      // for contender, enter
#include "../harness/message_batch.hpp"  // for message_batch
#include "../harness/udp_socket.hpp"     // for udp_socket

namespace {

class c_recvmmsg : public bench::contender {
 public:
  explicit c_recvmmsg(const bench::workload& work) : socket_(work.local) {}

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    for (std::size_t done = 0; done < count;) {
      const std::size_t received = batch_.receive(socket_.fd());
      for (std::size_t i = 0; i < received; ++i) bytes += batch_[i].msg_len;
      done += received;
    }
    return bytes;
  }

 private:
  bench::udp_socket socket_;
  bench::message_batch<32> batch_{2048, false};
};

const bench::enter<c_recvmmsg> entered{bench::question::receive, "c_recvmmsg"};

}  // namespace

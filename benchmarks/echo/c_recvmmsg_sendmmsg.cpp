// Echo, plain C: recvmmsg takes 32 datagrams, sendmmsg sends the same messages back.
#include "../harness/contender.hpp"      // for contender, enter
#include "../harness/message_batch.hpp"  // for message_batch, send_all
#include "../harness/udp_socket.hpp"     // for udp_socket

namespace {

class c_recvmmsg_sendmmsg : public bench::contender {
 public:
  explicit c_recvmmsg_sendmmsg(const bench::workload& work) : socket_(work.local) {}

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    for (std::size_t done = 0; done < count;) {
      const std::size_t received = batch_.receive(socket_.fd());
      for (std::size_t i = 0; i < received; ++i) {
        batch_[i].msg_hdr.msg_iov->iov_len = batch_[i].msg_len;
        bytes += batch_[i].msg_len;
      }
      bench::send_all(socket_.fd(), batch_.data(), received);
      done += received;
    }
    return bytes;
  }

 private:
  bench::udp_socket socket_;
  bench::message_batch<32> batch_{2048, false};
};

const bench::enter<c_recvmmsg_sendmmsg> entered{bench::question::echo, "c_recvmmsg_sendmmsg"};

}  // namespace

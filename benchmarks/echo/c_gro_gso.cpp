// Echo, C with segmentation offload both ways: trains are received whole and sent back whole.
#include "../harness/contender.hpp"      // for contender, enter
#include "../harness/message_batch.hpp"  // for message_batch, send_all
#include "../harness/offload.hpp"        // for received_segment, segments, send_as_train
#include "../harness/udp_socket.hpp"     // for udp_socket

namespace {

class c_gro_gso : public bench::contender {
 public:
  explicit c_gro_gso(const bench::workload& work) : socket_(work.local) { socket_.accept_trains(); }

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    for (std::size_t done = 0; done < count;) {
      const std::size_t received = batch_.receive(socket_.fd());
      for (std::size_t i = 0; i < received; ++i) {
        msghdr& message = batch_[i].msg_hdr;
        const std::size_t length = batch_[i].msg_len;
        const std::size_t segment = bench::received_segment(message, length);
        message.msg_iov->iov_len = length;
        bench::send_as_train(message, batch_.control(i), segment);
        bytes += length;
        done += bench::segments(length, segment);
      }
      bench::send_all(socket_.fd(), batch_.data(), received);
    }
    return bytes;
  }

 private:
  bench::udp_socket socket_;
  bench::message_batch<8> batch_{bench::largest_train, true};
};

const bench::enter<c_gro_gso> entered{bench::question::echo, "c_gro_gso", {bench::traffic::trains}};

}  // namespace

// Receive, C with UDP_GRO: recvmmsg takes up to 8 whole trains with each call.
#include "../harness/contender.hpp"      // for contender, enter
#include "../harness/message_batch.hpp"  // for message_batch
#include "../harness/offload.hpp"        // for received_segment, segments, largest_train
#include "../harness/udp_socket.hpp"     // for udp_socket

namespace {

class c_gro : public bench::contender {
 public:
  explicit c_gro(const bench::workload& work) : socket_(work.local) { socket_.accept_trains(); }

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    for (std::size_t done = 0; done < count;) {
      const std::size_t received = batch_.receive(socket_.fd());
      for (std::size_t i = 0; i < received; ++i) {
        const std::size_t length = batch_[i].msg_len;
        bytes += length;
        done += bench::segments(length, bench::received_segment(batch_[i].msg_hdr, length));
      }
    }
    return bytes;
  }

 private:
  bench::udp_socket socket_;
  bench::message_batch<8> batch_{bench::largest_train, true};
};

const bench::enter<c_gro> entered{
    bench::question::receive, "c_gro", {bench::traffic::plain, bench::traffic::trains}};

}  // namespace

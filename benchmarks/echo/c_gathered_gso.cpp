// Echo, C with segmentation offload on the way out: recvmmsg takes 32 plain datagrams, those of one
// peer and one size leave as one train, gathered by iovec.
#include "../harness/contender.hpp"      // for contender, enter
#include "../harness/message_batch.hpp"  // for message_batch, send_all
#include "../harness/offload.hpp"        // for segment_control, send_as_train
#include "../harness/udp_socket.hpp"     // for udp_socket

#include <array>  // for array

namespace {

constexpr std::size_t batch_size = 32;
static_assert(batch_size <= bench::max_segments);

class c_gathered_gso : public bench::contender {
 public:
  explicit c_gathered_gso(const bench::workload& work) : socket_(work.local, work.share_port) {}

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    for (std::size_t done = 0; done < count;) {
      const std::size_t received = batch_.receive(socket_.fd());
      open_ = 0;
      for (std::size_t i = 0; i < received; ++i) {
        join_train(batch_[i]);
        bytes += batch_[i].msg_len;
      }
      for (std::size_t i = 0; i < open_; ++i)
        if (trains_[i].msg_hdr.msg_iovlen > 1)
          bench::send_as_train(trains_[i].msg_hdr, controls_[i], parts_[i][0].iov_len);
      bench::send_all(socket_.fd(), trains_.data(), open_);
      done += received;
    }
    return bytes;
  }

 private:
  void join_train(const mmsghdr& datagram) {
    const auto& from = *static_cast<const sockaddr_in*>(datagram.msg_hdr.msg_name);
    const iovec bytes{datagram.msg_hdr.msg_iov->iov_base, datagram.msg_len};
    std::size_t at = 0;
    while (at < open_ && !(peer(at).sin_port == from.sin_port &&
                           peer(at).sin_addr.s_addr == from.sin_addr.s_addr &&
                           parts_[at][0].iov_len == bytes.iov_len))
      ++at;
    msghdr& train = trains_[at].msg_hdr;
    if (at == open_) {
      ++open_;
      train = {};
      train.msg_name = datagram.msg_hdr.msg_name;
      train.msg_namelen = datagram.msg_hdr.msg_namelen;
      train.msg_iov = parts_[at].data();
    }
    parts_[at][train.msg_iovlen++] = bytes;
  }

  const sockaddr_in& peer(std::size_t train) const {
    return *static_cast<const sockaddr_in*>(trains_[train].msg_hdr.msg_name);
  }

  bench::udp_socket socket_;
  bench::message_batch<batch_size> batch_{2048, false};
  std::array<mmsghdr, batch_size> trains_{};
  std::array<std::array<iovec, batch_size>, batch_size> parts_{};
  std::array<bench::segment_control, batch_size> controls_{};
  std::size_t open_ = 0;
};

const bench::enter<c_gathered_gso> entered{bench::question::echo, "c_gathered_gso"};
const bench::enter<c_gathered_gso> on_cores{bench::question::per_core, "c_gathered_gso"};

}  // namespace

// Echo, plain C: one recvfrom and one sendto for each datagram.
#include "../harness/contender.hpp"   // for contender, enter
#include "../harness/udp_socket.hpp"  // for udp_socket

#include <array>  // for array

namespace {

class c_recvfrom_sendto : public bench::contender {
 public:
  explicit c_recvfrom_sendto(const bench::workload& work) : socket_(work.local, work.share_port) {}

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      sockaddr_in from;
      const std::size_t length = socket_.receive(buffer_, from);
      socket_.send({buffer_.data(), length}, from);
      bytes += length;
    }
    return bytes;
  }

 private:
  bench::udp_socket socket_;
  std::array<char, 2048> buffer_{};
};

const bench::enter<c_recvfrom_sendto> entered{bench::question::echo, "c_recvfrom_sendto"};
const bench::enter<c_recvfrom_sendto> on_cores{bench::question::per_core, "c_recvfrom_sendto"};

}  // namespace

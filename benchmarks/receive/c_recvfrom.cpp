// Receive, plain C: one recvfrom for each datagram.
#include "../harness/contender.hpp"   // for contender, enter
#include "../harness/udp_socket.hpp"  // for udp_socket

#include <array>  // for array

namespace {

class c_recvfrom : public bench::contender {
 public:
  explicit c_recvfrom(const bench::workload& work) : socket_(work.local) {}

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      sockaddr_in from;
      bytes += socket_.receive(buffer_, from);
    }
    return bytes;
  }

 private:
  bench::udp_socket socket_;
  std::array<char, 2048> buffer_{};
};

const bench::enter<c_recvfrom> entered{bench::question::receive, "c_recvfrom"};

}  // namespace

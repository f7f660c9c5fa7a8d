// Round trip, plain C: the datagram is always there when it is asked for, so nothing waits.
#include "../harness/contender.hpp"   // for contender, enter
#include "../harness/udp_socket.hpp"  // for udp_socket

#include <array>  // for array

namespace {

class c_sendto_recvfrom : public bench::contender {
 public:
  explicit c_sendto_recvfrom(const bench::workload& work) : size_(work.size), server_(work.local) {}

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    sockaddr_in from;
    for (std::size_t i = 0; i < count; ++i) {
      client_.send({buffer_.data(), size_}, server_address_);
      const std::size_t asked = server_.receive(buffer_, from);
      server_.send({buffer_.data(), asked}, from);
      bytes += client_.receive(buffer_, from);
    }
    return bytes;
  }

 private:
  std::size_t size_;
  bench::udp_socket server_;
  bench::udp_socket client_;
  sockaddr_in server_address_ = server_.address();
  std::array<char, 2048> buffer_{};
};

const bench::enter<c_sendto_recvfrom> entered{bench::question::round_trip, "c_sendto_recvfrom"};

}  // namespace

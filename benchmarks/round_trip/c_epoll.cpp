// Round trip, plain C with readiness: an epoll_wait before each recvfrom, both sockets in one set.
#include "../harness/contender.hpp"   // for contender, enter
#include "../harness/udp_socket.hpp"  // for udp_socket, checked

#include <sys/epoll.h>  // for epoll_create1, epoll_ctl, epoll_wait
#include <unistd.h>     // for close

#include <array>  // for array

namespace {

class readiness {
 public:
  readiness() = default;
  readiness(const readiness&) = delete;
  readiness& operator=(const readiness&) = delete;
  ~readiness() { ::close(fd_); }

  void watch(const bench::udp_socket& socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    bench::checked(::epoll_ctl(fd_, EPOLL_CTL_ADD, socket.fd(), &event), "epoll_ctl");
  }

  void wait() {
    epoll_event event{};
    bench::checked(::epoll_wait(fd_, &event, 1, -1), "epoll_wait");
  }

 private:
  int fd_ = bench::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
};

class c_epoll : public bench::contender {
 public:
  explicit c_epoll(const bench::workload& work) : size_(work.size), server_(work.local) {
    ready_.watch(server_);
    ready_.watch(client_);
  }

  std::size_t run(std::size_t count) override {
    std::size_t bytes = 0;
    sockaddr_in from;
    for (std::size_t i = 0; i < count; ++i) {
      client_.send({buffer_.data(), size_}, server_address_);
      ready_.wait();
      const std::size_t asked = server_.receive(buffer_, from);
      server_.send({buffer_.data(), asked}, from);
      ready_.wait();
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
  readiness ready_;
};

const bench::enter<c_epoll> entered{bench::question::round_trip, "c_epoll"};

}  // namespace

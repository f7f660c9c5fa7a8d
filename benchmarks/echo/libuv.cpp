// Echo, libuv in its recvmmsg mode: one callback and one uv_udp_try_send for each datagram.
#include "../harness/contender.hpp"  // for contender, enter
#include "../harness/uv_socket.hpp"  // for uv_loop, uv_socket

namespace {

class libuv : public bench::contender {
 public:
  explicit libuv(const bench::workload& work) : socket_(loop_, *this, work.local) {}

  std::size_t run(std::size_t count) override {
    left_ = count;
    bytes_ = 0;
    loop_.run();
    return bytes_;
  }

  void on_datagram(bench::uv_socket<libuv>& socket, uv_buf_t bytes, const sockaddr* from) {
    bytes_ += bytes.len;
    socket.send(bytes, from);
    if (--left_ == 0) loop_.end_turn();
  }

 private:
  bench::uv_loop loop_;
  bench::uv_socket<libuv> socket_;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

const bench::enter<libuv> entered{bench::question::echo, "libuv"};

}  // namespace

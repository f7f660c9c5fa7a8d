// Round trip, libuv: both ends in one loop.
#include "../harness/contender.hpp"  // for contender, enter
#include "../harness/uv_socket.hpp"  // for uv_loop, uv_socket

#include <array>  // for array

namespace {

class libuv : public bench::contender {
 public:
  explicit libuv(const bench::workload& work)
      : size_(work.size), server_(loop_, *this, work.local),
        client_(loop_, *this, bench::loopback()) {}

  std::size_t run(std::size_t count) override {
    left_ = count;
    bytes_ = 0;
    ask();
    loop_.run();
    return bytes_;
  }

  void on_datagram(bench::uv_socket<libuv>& socket, uv_buf_t bytes, const sockaddr* from) {
    if (&socket == &server_) {
      server_.send(bytes, from);
      return;
    }
    bytes_ += bytes.len;
    if (--left_ == 0) loop_.end_turn();
    else ask();
  }

 private:
  void ask() {
    client_.send(uv_buf_init(request_.data(), static_cast<unsigned>(size_)),
                 bench::generic(server_address_));
  }

  std::size_t size_;
  bench::uv_loop loop_;
  bench::uv_socket<libuv> server_;
  bench::uv_socket<libuv> client_;
  sockaddr_in server_address_ = server_.address();
  std::array<char, 2048> request_{};
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

const bench::enter<libuv> entered{bench::question::round_trip, "libuv"};

}  // namespace

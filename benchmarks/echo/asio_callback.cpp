// Echo, Asio with completion handlers: receive, send back, receive the next.
#include "../harness/asio_socket.hpp"  // for asio_socket, throw_if
#include "../harness/contender.hpp"    // for contender, enter

#include <asio/buffer.hpp>  // for buffer

#include <array>  // for array

namespace {

class asio_callback : public bench::contender {
 public:
  explicit asio_callback(const bench::workload& work)
      : socket_(bench::asio_socket(io_, work.local)) {}

  std::size_t run(std::size_t count) override {
    bytes_ = 0;
    receive(count);
    io_.restart();
    io_.run();
    return bytes_;
  }

 private:
  void receive(std::size_t left) {
    socket_.async_receive_from(asio::buffer(buffer_), from_,
                               [this, left](std::error_code error, std::size_t length) {
                                 bench::throw_if(error);
                                 bytes_ += length;
                                 reply(left, length);
                               });
  }

  void reply(std::size_t left, std::size_t length) {
    socket_.async_send_to(asio::buffer(buffer_, length), from_,
                          [this, left](std::error_code error, std::size_t) {
                            bench::throw_if(error);
                            if (left > 1) receive(left - 1);
                          });
  }

  asio::io_context io_{1};
  asio::ip::udp::socket socket_;
  asio::ip::udp::endpoint from_;
  std::array<char, 2048> buffer_{};
  std::size_t bytes_ = 0;
};

const bench::enter<asio_callback> entered{bench::question::echo, "asio_callback"};

}  // namespace

// Round trip, Asio with completion handlers: both ends in one io_context.
#include "../harness/asio_socket.hpp"  // for asio_socket, throw_if
#include "../harness/contender.hpp"    // for contender, enter

#include <asio/buffer.hpp>  // for buffer

#include <array>  // for array

namespace {

class asio_callback : public bench::contender {
 public:
  explicit asio_callback(const bench::workload& work)
      : size_(work.size), server_(bench::asio_socket(io_, work.local)),
        client_(bench::asio_socket(io_, bench::loopback())) {}

  std::size_t run(std::size_t count) override {
    bytes_ = 0;
    serve(count);
    ask(count);
    io_.restart();
    io_.run();
    return bytes_;
  }

 private:
  void serve(std::size_t left) {
    server_.async_receive_from(asio::buffer(request_), from_,
                               [this, left](std::error_code error, std::size_t length) {
                                 bench::throw_if(error);
                                 reply(left, length);
                               });
  }

  void reply(std::size_t left, std::size_t length) {
    server_.async_send_to(asio::buffer(request_, length), from_,
                          [this, left](std::error_code error, std::size_t) {
                            bench::throw_if(error);
                            if (left > 1) serve(left - 1);
                          });
  }

  void ask(std::size_t left) {
    client_.async_send_to(asio::buffer(response_, size_), server_address_,
                          [this, left](std::error_code error, std::size_t) {
                            bench::throw_if(error);
                            take_answer(left);
                          });
  }

  void take_answer(std::size_t left) {
    client_.async_receive_from(asio::buffer(response_), answered_from_,
                               [this, left](std::error_code error, std::size_t length) {
                                 bench::throw_if(error);
                                 bytes_ += length;
                                 if (left > 1) ask(left - 1);
                               });
  }

  asio::io_context io_{1};
  std::size_t size_;
  asio::ip::udp::socket server_;
  asio::ip::udp::socket client_;
  asio::ip::udp::endpoint server_address_ = server_.local_endpoint();
  asio::ip::udp::endpoint from_;
  asio::ip::udp::endpoint answered_from_;
  std::array<char, 2048> request_{};
  std::array<char, 2048> response_{};
  std::size_t bytes_ = 0;
};

const bench::enter<asio_callback> entered{bench::question::round_trip, "asio_callback"};

}  // namespace

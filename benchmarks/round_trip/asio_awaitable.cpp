// Round trip, Asio with coroutines: one for each end, both in one io_context.
#include "../harness/asio_socket.hpp"  // for asio_socket, rethrow
#include "../harness/contender.hpp"    // for contender, enter

#include <asio/awaitable.hpp>      // for awaitable
#include <asio/buffer.hpp>         // for buffer
#include <asio/co_spawn.hpp>       // for co_spawn
#include <asio/use_awaitable.hpp>  // for use_awaitable

#include <array>  // for array

namespace {

class asio_awaitable : public bench::contender {
 public:
  explicit asio_awaitable(const bench::workload& work)
      : size_(work.size), server_(bench::asio_socket(io_, work.local)),
        client_(bench::asio_socket(io_, bench::loopback())) {}

  std::size_t run(std::size_t count) override {
    bytes_ = 0;
    asio::co_spawn(io_, serve(count), bench::rethrow);
    asio::co_spawn(io_, ask(count), bench::rethrow);
    io_.restart();
    io_.run();
    return bytes_;
  }

 private:
  asio::awaitable<void> serve(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t length =
          co_await server_.async_receive_from(asio::buffer(request_), from_, asio::use_awaitable);
      co_await server_.async_send_to(asio::buffer(request_, length), from_, asio::use_awaitable);
    }
  }

  asio::awaitable<void> ask(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      co_await client_.async_send_to(asio::buffer(response_, size_), server_address_,
                                     asio::use_awaitable);
      bytes_ += co_await client_.async_receive_from(asio::buffer(response_), answered_from_,
                                                    asio::use_awaitable);
    }
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

const bench::enter<asio_awaitable> entered{bench::question::round_trip, "asio_awaitable"};

}  // namespace

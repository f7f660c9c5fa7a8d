// Echo, Asio with coroutines: an awaited receive and an awaited send for each datagram.
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
      : socket_(bench::asio_socket(io_, work.local, work.share_port)) {}

  std::size_t run(std::size_t count) override {
    bytes_ = 0;
    asio::co_spawn(io_, echo(count), bench::rethrow);
    io_.restart();
    io_.run();
    return bytes_;
  }

 private:
  asio::awaitable<void> echo(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t length =
          co_await socket_.async_receive_from(asio::buffer(buffer_), from_, asio::use_awaitable);
      co_await socket_.async_send_to(asio::buffer(buffer_, length), from_, asio::use_awaitable);
      bytes_ += length;
    }
  }

  asio::io_context io_{1};
  asio::ip::udp::socket socket_;
  asio::ip::udp::endpoint from_;
  std::array<char, 2048> buffer_{};
  std::size_t bytes_ = 0;
};

const bench::enter<asio_awaitable> entered{bench::question::echo, "asio_awaitable"};
const bench::enter<asio_awaitable> on_cores{bench::question::per_core, "asio_awaitable"};

}  // namespace

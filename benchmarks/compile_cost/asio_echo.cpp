// The program that compile_cost.py measures against: a UDP echo in Asio's own coroutines.
#include <asio.hpp>

#include <array>    // for array
#include <cstddef>  // for size_t

asio::awaitable<void> echo(asio::ip::udp::socket& socket) {
  std::array<char, 1500> bytes{};
  asio::ip::udp::endpoint peer;
  for (;;) {
    const std::size_t size =
        co_await socket.async_receive_from(asio::buffer(bytes), peer, asio::use_awaitable);
    co_await socket.async_send_to(asio::buffer(bytes.data(), size), peer, asio::use_awaitable);
  }
}

int main() {
  asio::io_context io;
  asio::ip::udp::socket socket(io, {asio::ip::udp::v4(), 4000});
  asio::co_spawn(io, echo(socket), asio::detached);
  io.run();
}

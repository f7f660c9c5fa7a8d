// How does one server use every core? One platform per thread, nothing shared: the system spreads
// the peers over sockets that have one port (SO_REUSEPORT), and no lock is ever taken.
#include "lockgate/asio/network.hpp"
#include "lockgate/direct/direct.hpp"
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "on_asio.hpp"

#include <sys/socket.h>  // for recv, SO_RCVTIMEO
#include <sys/time.h>    // for timeval

#include <algorithm>  // for max
#include <array>      // for array
#include <future>     // for promise
#include <iostream>   // for cout
#include <string>     // for to_string
#include <thread>     // for thread
#include <vector>     // for vector

using namespace lockgate;

constexpr std::size_t client_count = 32, questions = 200;

transport_id make_id(unsigned char last) {
  std::array<std::byte, transport_id::size> bytes{};
  bytes.front() = std::byte{0xfd};
  bytes.back() = std::byte{last};
  return transport_id(bytes);
}

/// All that belongs to one core. Only its own thread touches it, except for `stop`.
class core {
 public:
  /// Serves until `stop`; tells its port when it is ready.
  void run(std::uint16_t port, const std::vector<std::uint16_t>& clients,
           std::promise<std::uint16_t> ready) {
    table_.bind_others({ip_address::v4(127, 0, 0, 1), port, 0});
    for (std::size_t i = 0; i < clients.size(); ++i)
      check(table_.add(make_id(static_cast<unsigned char>(16 + i)),
                       {ip_address::v4(127, 0, 0, 1), clients[i], 0}),
            "peer");
    run_on(net_, serve(std::move(ready)));
  }
  void stop() {
    net_.home().post([this] { app_.close(); });
  }
  [[nodiscard]] std::uint64_t served() const { return served_; }

 private:
  using provider = direct<asio_network>;
  static network_options shared_port() {
    network_options all;
    all.udp.share_port = true;
    return all;
  }
  task<> serve(std::promise<std::uint16_t> ready) {
    provider_instance link = cp_.create<provider>(net_, table_);
    check(co_await link.register_instance(), "register");
    endpoint_options wish;
    wish.proposed_id = make_id(1);  // the same everywhere: ids belong to one platform
    app_ = cp_.open_endpoint(wish);
    const result<transport_id> id = co_await app_.ready();
    check(id.error(), "ready");
    ready.set_value(link.get_if<provider>()->local_address(*id).port);
    for (;;) {
      result<incoming> question = co_await app_.receive();
      if (!question) break;
      const transport_id from = question->remote;
      check(app_.forward(from, std::move(*question)), "forward");
      ++served_;
    }
    check(co_await cp_.stop(), "stop");
  }

  asio::io_context io_{1};
  asio_network net_{io_, shared_port()};
  peer_table table_;
  platform cp_{net_};
  endpoint app_;
  std::uint64_t served_ = 0;
};

/// Asks and waits for the answer, again and again, with a limit on the wait.
void ask(asio::ip::udp::socket& from, std::uint16_t port) {
  const timeval limit{5, 0};
  ::setsockopt(from.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  from.connect({asio::ip::address_v4::loopback(), port});
  for (std::uint32_t i = 0; i < questions; ++i) {
    std::uint32_t answer = ~i;
    from.send(asio::buffer(&i, sizeof i));
    if (::recv(from.native_handle(), &answer, sizeof answer, 0) != sizeof answer || answer != i)
      check(errc::unreachable, "no answer");
  }
}

int main() {
  asio::io_context io;
  std::vector<asio::ip::udp::socket> clients;
  std::vector<std::uint16_t> client_ports;
  for (std::size_t i = 0; i < client_count; ++i) {
    clients.emplace_back(io, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
    client_ports.push_back(clients.back().local_endpoint().port());
  }

  std::vector<core*> running;  // each lives on its thread until it is stopped
  std::vector<std::thread> threads;
  std::uint16_t port = 0;  // the first core gets a free one, the others take the same
  for (unsigned i = 0; i < std::max(2u, std::thread::hardware_concurrency()); ++i) {
    std::promise<std::uint16_t> ready;
    std::future<std::uint16_t> bound = ready.get_future();
    std::promise<core*> made;
    std::future<core*> there = made.get_future();
    threads.emplace_back(
        [&client_ports, port, ready = std::move(ready), made = std::move(made)]() mutable {
          core mine;  // made, used and destroyed on its own thread
          made.set_value(&mine);
          mine.run(port, client_ports, std::move(ready));
          std::cout << "a core has served " + std::to_string(mine.served()) + " questions\n";
        });
    running.push_back(there.get());
    port = bound.get();
  }
  for (asio::ip::udp::socket& client : clients) ask(client, port);
  for (core* each : running) each->stop();
  for (std::thread& each : threads) each.join();
  std::cout << client_count * questions << " questions asked and answered\n";
}

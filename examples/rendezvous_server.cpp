// A rendezvous server: passes providers' signals between peers that share a key.
//
//   rendezvous_server ADDRESS:PORT KEY
//
// It listens on UDP and TCP, keeps nothing, and runs until it is interrupted. Without arguments it
// picks a port of 127.0.0.1 and shows that a signal passes.
#include "lockgate/asio/stream_network.hpp"               // for asio_stream_network
#include "lockgate/base/address_text.hpp"                 // for parse_socket_address
#include "lockgate/crypto/openssl.hpp"                    // for openssl_crypto
#include "lockgate/signalling/rendezvous_router.hpp"      // for rendezvous_router
#include "lockgate/signalling/rendezvous_signalling.hpp"  // for rendezvous_signalling

#include <asio/ip/tcp.hpp>      // for tcp::acceptor
#include <asio/signal_set.hpp>  // for signal_set
#include <asio/write.hpp>       // for async_write

#include <csignal>  // for SIGTERM
#include <cstdio>   // for printf
#include <map>      // for map

using namespace lockgate;

namespace {

/// Where a message came from: a TCP connection, or a UDP address.
struct origin {
  std::uint64_t connection = 0;
  socket_address address;
  friend bool operator==(const origin&, const origin&) = default;
};

class server {
 public:
  server(asio_stream_network& net, std::string_view key) : net_(net), router_(key) {}

  /// Serves at `at` until the task is stopped.
  status start(task_group& tasks, const socket_address& at) {
    auto socket = net_.open_datagram(at);
    if (!socket) return socket.error();
    udp_.emplace(std::move(*socket));
    asio::ip::tcp::endpoint endpoint = to_endpoint<asio::ip::tcp>(udp_->local_address());
    std::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return error;
    const status started = tasks.spawn(serve_udp());
    return started.ok() ? tasks.spawn(serve_tcp(&tasks)) : started;
  }
  [[nodiscard]] socket_address address() const { return udp_->local_address(); }

 private:
  using tcp_socket = asio::ip::tcp::socket;
  struct connection {
    explicit connection(tcp_socket accepted) : socket(std::move(accepted)) {}
    tcp_socket socket;
    std::vector<std::byte> waiting, leaving;
    wait_list more;
  };

  void take(bytes_view bytes, const origin& from) {
    router_.receive(bytes, from, net_.home().now(), [this](const origin& to, bytes_view out) {
      if (to.connection == 0) {
        const outgoing_datagram one{to.address, chain(out)};
        static_cast<void>(udp_->try_send({&one, 1}));  // as good as lost on the way
      } else if (const auto at = connections_.find(to.connection); at != connections_.end()) {
        auto& waiting = at->second->waiting;
        if (waiting.size() < (1 << 20)) waiting.insert(waiting.end(), out.begin(), out.end());
        at->second->more.complete_all();
      }
    });
  }
  task<> serve_udp() {
    std::array<received_datagram, 64> arrived;
    for (;;) {
      const result<std::size_t> count = co_await udp_->receive(arrived);
      if (!count) co_return;
      for (std::size_t i = 0; i < *count; ++i) {
        origin from;
        from.address = arrived[i].from;
        take(arrived[i].payload.bytes(), from);
        arrived[i].payload.reset();
      }
    }
  }
  task<> serve_tcp(task_group* tasks) {
    for (;;) {
      tcp_socket accepted(net_.context());
      const status said = co_await acceptor_.async_accept(accepted, as_operation);
      if (said == errc::canceled) co_return;
      if (!said.ok()) continue;
      origin from;
      from.connection = ++last_connection_;
      const auto made = std::make_shared<connection>(std::move(accepted));
      connections_[from.connection] = made;
      static_cast<void>(tasks->spawn(read(made, from)));
      static_cast<void>(tasks->spawn(write(made)));
    }
  }
  task<> read(std::shared_ptr<connection> on, origin from) {
    std::vector<std::byte> bytes(2 * rendezvous_message::longest);
    std::size_t end = 0;
    for (;;) {
      const asio::mutable_buffer room(bytes.data() + end, bytes.size() - end);
      const result<std::size_t> got = co_await on->socket.async_read_some(room, as_operation);
      if (!got) break;
      end += *got;
      bool good = true;
      for (;;) {
        const auto frame = stun::next_frame(bytes_view(bytes).first(end));
        good = frame && frame->size <= rendezvous_message::longest;
        if (!good || frame->size == 0) break;
        take(bytes_view(bytes).first(frame->size), from);
        std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(frame->consumed),
                  bytes.begin() + static_cast<std::ptrdiff_t>(end), bytes.begin());
        end -= frame->consumed;
      }
      if (!good || end == bytes.size()) break;
    }
    router_.forget(from);
    connections_.erase(from.connection);
    std::error_code ignored;
    on->socket.close(ignored);
    on->more.complete_all(errc::closed);
  }
  static task<> write(std::shared_ptr<connection> on) {
    for (;;) {
      while (on->waiting.empty()) {
        const status waited = co_await on->more.wait();
        if (!waited.ok()) co_return;
      }
      std::swap(on->waiting, on->leaving);
      const auto sent_bytes =
          co_await asio::async_write(on->socket, asio::buffer(on->leaving), as_operation);
      if (!sent_bytes) co_return;
      on->leaving.clear();
    }
  }

  asio_stream_network& net_;
  rendezvous_router<origin, openssl_crypto> router_;
  std::optional<udp_socket> udp_;
  asio::ip::tcp::acceptor acceptor_{net_.context()};
  std::map<std::uint64_t, std::shared_ptr<connection>> connections_;
  std::uint64_t last_connection_ = 0;
};

/// Sends itself a signal through the server.
class self_test final : public signal_sink {
 public:
  explicit self_test(asio::io_context& io) : io_(io) {}
  void signal_arrived(signal_message message) noexcept override {
    arrived = message.blob.size() == 3;
    io_.stop();
  }
  [[nodiscard]] bool has_id(const transport_id& id) const noexcept override { return id == me; }
  const transport_id me{std::array<std::byte, 16>{std::byte{1}}};
  bool arrived = false;

 private:
  asio::io_context& io_;
};
using client = rendezvous_signalling<asio_stream_network, openssl_crypto>;
task<> send_one(client* through, transport_id me) {
  signal_message message;
  message.to = message.from = me;
  message.channel = "self-test";
  message.blob.resize(3);
  static_cast<void>(co_await through->send(std::move(message)));
}
int show(asio::io_context& io, asio_stream_network& net, task_group& tasks,
         const socket_address& at) {
  self_test test(io);
  client signalling(net, at, "key");
  signalling.attach(test);
  signalling.id_in_use(test, test.me, true);
  static_cast<void>(tasks.spawn(send_one(&signalling, test.me)));
  io.run_for(std::chrono::seconds(5));
  std::printf("a signal %s through %s\n", test.arrived ? "passed" : "did not pass",
              to_string(at).c_str());
  return test.arrived ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  const bool is_shown = count == 1;
  const auto at = parse_socket_address(is_shown ? "127.0.0.1:0" : words[1]);
  if (!at || (count != 1 && count != 3)) {
    std::fprintf(stderr, "usage: rendezvous_server [ADDRESS:PORT KEY]\n");
    return 2;
  }
  asio::io_context io;
  asio_stream_network net(io);
  task_group tasks(net.home());
  server serving(net, is_shown ? "key" : words[2]);
  if (const status started = serving.start(tasks, *at); !started.ok()) {
    std::fprintf(stderr, "rendezvous_server: %s\n", started.message().c_str());
    return 1;
  }
  if (is_shown) return show(io, net, tasks, serving.address());
  std::printf("rendezvous_server: %s\n", to_string(serving.address()).c_str());
  std::fflush(stdout);
  asio::signal_set interrupted(io, SIGINT, SIGTERM);
  interrupted.async_wait([&io](std::error_code, int) { io.stop(); });
  io.run();
}

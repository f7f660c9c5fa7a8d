// How do two hosts that can see each other talk? With the direct provider: a table says who is
// where. Both are in this process here, each with its platform and its socket.
#include "lockgate/direct/direct.hpp"
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "on_asio.hpp"

#include <iostream>     // for cout
#include <string_view>  // for string_view

using namespace lockgate;
using direct_udp = direct<asio_network>;

struct host {
  explicit host(asio_network& net) : cp(net), link(cp.create<direct_udp>(net, peers)) {
    peers.bind_others({ip_address::v4(127, 0, 0, 1), 0, 0});  // any port
  }
  task<> start() {
    check(co_await link.register_instance(), "register");
    app = cp.open_endpoint();
    const result<transport_id> id = co_await app.ready();
    check(id.error(), "ready");
    std::cout << to_string(*id) << " is at " << to_string(address()) << '\n';
  }
  [[nodiscard]] socket_address address() const {
    return link.get_if<direct_udp>()->local_address(app.id());
  }
  peer_table peers;
  platform cp;
  provider_instance link;
  endpoint app;
};

task<> talk(host& a, host& b) {
  co_await a.start();
  co_await b.start();
  check(a.peers.add(b.app.id(), b.address()), "add peer");  // without this row: "unreachable"
  check(b.peers.add(a.app.id(), a.address()), "add peer");  // without this one: a counted drop

  constexpr std::string_view greeting = "hello over UDP";
  check(co_await a.app.send_to(b.app.id(), chain(std::as_bytes(std::span(greeting)))), "send");
  result<incoming> message = co_await b.app.receive();
  check(message.error(), "receive");
  const auto bytes = message->contiguous();
  std::cout << to_string(message->remote) << " says: "
            << std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) << '\n';

  const direct_counters& counted = b.link.get_if<direct_udp>()->counters();
  std::cout << "received " << counted.received << ", dropped " << counted.dropped() << '\n';
  check(co_await a.cp.stop(), "stop");
  check(co_await b.cp.stop(), "stop");
}

int main() {
  asio::io_context io;
  asio_network net(io);
  host a(net), b(net);
  run_on(net, talk(a, b));
}

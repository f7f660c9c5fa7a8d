// Which provider is used is known only at run time: can one variable hold any of them? Yes, an
// any_provider; and the platform asks several instances by priority which of them reaches a peer.
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "on_asio.hpp"

#include <array>     // for array
#include <iostream>  // for cout
#include <map>       // for map
#include <string>    // for string
#include <vector>    // for vector

using namespace lockgate;

class everybody {
 public:
  void establish_session(instance) {}
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) {
    std::cout << "everybody sends " << messages.size() << '\n';
    return messages.size();
  }
  void terminate_session(termination_reason) {}
};

class only_one {
 public:
  explicit only_one(transport_id peer) : peer_(peer) {}
  void establish_session(instance) {}
  status transition_active() { return {}; }
  status reach_transport_id(transport_id peer) {
    return peer == peer_ ? status() : status(errc::unreachable);
  }
  accepted send_buffers(std::span<const outgoing> messages) {
    std::cout << "only_one sends " << messages.size() << '\n';
    return messages.size();
  }
  void terminate_session(termination_reason) {}

 private:
  transport_id peer_;
};

transport_id id_of(unsigned char last) {
  std::array<std::byte, 16> bytes{std::byte{0xfd}};
  bytes[15] = std::byte{last};
  return transport_id(bytes);
}

any_provider make_provider(std::string_view name) {
  if (name == "only_one") return any_provider(std::in_place_type<only_one>, id_of(1));
  return any_provider(std::in_place_type<everybody>);
}

task<> application(platform& cp, std::vector<std::string> names) {
  std::vector<provider_instance> links;
  int priority = 10;
  for (const std::string& name : names) {
    links.push_back(cp.create(make_provider(name)));
    registration wish;
    wish.friendly_name = name;
    wish.priority = priority--;
    check(co_await links.back().register_instance(wish), "register");
  }
  endpoint app = cp.open_endpoint();
  const std::array<std::byte, 5> hello{};
  check(co_await app.send_to(id_of(1), chain(hello)), "send to 1");
  check(co_await app.send_to(id_of(2), chain(hello)), "send to 2");
  check(co_await cp.stop(), "stop");
}

int main() {
  asio::io_context io;
  asio_network net(io);
  platform cp(net);
  run_on(net, application(cp, {"only_one", "everybody"}));
}

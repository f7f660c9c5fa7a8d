// How does a provider written for the original's C interface get used? As it is: udp_provider.c
// knows cpnatfwt.h and nothing else. Here its platform, on a thread of its own, exchanges messages
// with a C++ provider on a platform in this thread.
#include "udp_provider.h"

#include "lockgate/asio/async_run.hpp"  // for async_run
#include "lockgate/asio/network.hpp"    // for asio_network
#include "lockgate/capi/hresult.hpp"    // for to_status
#include "lockgate/capi/platform.hpp"   // for run, platform, stop
#include "lockgate/direct/direct.hpp"
#include "lockgate/lockgate.hpp"

#include "check.hpp"

#include <exception>    // for exception_ptr, rethrow_exception
#include <iostream>     // for cout
#include <string_view>  // for string_view
#include <utility>      // for move

using namespace lockgate;
using direct_udp = direct<asio_network>;

constexpr std::string_view question = "hello from C", answered = "hello from C++";

chain message_of(std::string_view text) {
  return chain(std::as_bytes(std::span(text)));
}
void print(incoming& message) {
  const auto bytes = message.contiguous();
  std::cout << to_string(message.remote) << " says: "
            << std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) << '\n';
}
const BYTE* bytes_of(const transport_id& id) {
  return reinterpret_cast<const BYTE*>(id.bytes().data());
}

/// The application above the C provider; everything here runs on that platform's thread.
struct c_side {
  task<transport_id> open() {
    app = capi::platform().open_endpoint();
    const result<transport_id> id = co_await app.ready();
    check(id.error(), "ready");
    co_return *id;
  }
  task<> ask(transport_id peer) { check(co_await app.send_to(peer, message_of(question)), "ask"); }
  task<> hear() {
    result<incoming> message = co_await app.receive();
    check(message.error(), "receive");
    print(*message);
  }
  task<> close() {
    app.close();
    co_return;
  }
  endpoint app;
};

/// The C++ peer.
struct cpp_side {
  explicit cpp_side(asio_network& net) : cp(net), link(cp.create<direct_udp>(net, peers)) {
    peers.bind_others({ip_address::v4(127, 0, 0, 1), 0, 0});  // any port
  }
  task<> open() {
    check(co_await link.register_instance(), "register");
    app = cp.open_endpoint();
    const result<transport_id> id = co_await app.ready();
    check(id.error(), "ready");
  }
  task<> answer() {
    result<incoming> message = co_await app.receive();
    check(message.error(), "receive");
    print(*message);
    check(co_await app.send_to(message->remote, message_of(answered)), "answer");
  }
  task<> stop() { check(co_await cp.stop(), "stop"); }
  peer_table peers;
  platform cp;
  provider_instance link;
  endpoint app;
};

/// Runs `work` to its end; the sockets stay open meanwhile and afterwards.
void run_on(asio_network& net, task<> work) {
  async_run(net, std::move(work), [&net](const std::exception_ptr& failure) {
    net.context().stop();
    if (failure) std::rethrow_exception(failure);
  });
  net.context().run();
  net.context().restart();
}

int main() {
  udp_provider* provider = nullptr;
  check(capi::to_status(udp_provider_open(&provider)), "open the C provider");
  c_side here;
  const transport_id c_id = capi::run([&here] { return here.open(); });
  const USHORT c_port = udp_provider_port(provider, bytes_of(c_id));
  std::cout << to_string(c_id) << " is at 127.0.0.1:" << c_port << ", in C\n";

  asio::io_context io;
  asio_network net(io);
  cpp_side there(net);
  run_on(net, there.open());
  const transport_id cpp_id = there.app.id();
  const socket_address cpp_at = there.link.get_if<direct_udp>()->local_address(cpp_id);
  std::cout << to_string(cpp_id) << " is at " << to_string(cpp_at) << ", in C++\n";

  check(capi::to_status(udp_provider_add_peer(provider, bytes_of(cpp_id), cpp_at.port)),
        "add peer");
  check(there.peers.add(c_id, {ip_address::v4(127, 0, 0, 1), c_port, 0}), "add peer");

  capi::run([&] { return here.ask(cpp_id); });
  run_on(net, there.answer());
  capi::run([&] { return here.hear(); });

  capi::run([&] { return here.close(); });
  check(capi::to_status(udp_provider_close(provider)), "close the C provider");
  run_on(net, there.stop());
  capi::stop();
}

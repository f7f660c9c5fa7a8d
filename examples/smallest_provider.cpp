// What is the least that a provider must do? Five rows, all of them answering at once.
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "on_asio.hpp"

#include <array>   // for array
#include <cstdio>  // for printf, puts

using namespace lockgate;

/// Reaches everybody, and prints what it should send.
class printer {
 public:
  void establish_session(instance) {}
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) {
    for (const outgoing& message : messages)
      std::printf("%zu bytes for %s\n", message.payload.size(), to_string(message.remote).c_str());
    return messages.size();
  }
  void terminate_session(termination_reason) { std::puts("terminated"); }
};
static_assert(provider<printer>);

task<> application(platform& cp) {
  provider_instance link = cp.create<printer>();
  check(co_await link.register_instance(), "register");

  endpoint app = cp.open_endpoint();
  const result<transport_id> id = co_await app.ready();
  check(id.error(), "ready");
  std::printf("this endpoint is %s\n", to_string(*id).c_str());

  const std::array<std::byte, 5> hello{};
  check(co_await app.send_to(*id, chain(hello)), "send");
  check(co_await cp.stop(), "stop");
}

int main() {
  asio::io_context io;
  asio_network net(io);
  platform cp(net);
  run_on(net, application(cp));
}

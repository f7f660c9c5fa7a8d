// What happens to calls that a provider makes while its establish_session still runs? The lock gate
// holds them, and lets them pass in order once it has ended. Prints the session as a diagram.
#include "lockgate/lockgate.hpp"
#include "lockgate/observe/mermaid.hpp"

#include "check.hpp"
#include "on_asio.hpp"

#include <iostream>  // for cout, clog

using namespace lockgate;
using namespace std::chrono_literals;

/// Needs a while to establish its session, and asks for two transport ids long before that.
class slow_starter {
 public:
  task<> establish_session(instance self) {
    check(self.spawn(ask_for_id(self, "first")), "spawn");
    check(self.spawn(ask_for_id(self, "second")), "spawn");
    check(co_await sleep_for(20ms), "sleep");
    std::clog << "establish_session ends\n";
  }
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return errc::unreachable; }
  accepted send_buffers(std::span<const outgoing> messages) { return messages.size(); }
  void terminate_session(termination_reason) {}

 private:
  static task<> ask_for_id(instance self, const char* name) {
    std::clog << name << " call begins\n";
    const result<transport_id> id = co_await self.request_transport_id();
    std::clog << name << " call ends: " << (id ? to_string(*id) : id.error().message()) << '\n';
  }
};

task<> application(platform& cp, provider_instance& link) {
  check(co_await link.register_instance(), "register");
  endpoint app = cp.open_endpoint();
  const result<transport_id> id = co_await app.ready();
  check(id.error(), "ready");
  check(co_await cp.stop(), "stop");
}

int main() {
  asio::io_context io;
  asio_network net(io);
  timeline events;
  platform cp(net);
  cp.observe(events);
  provider_instance link = cp.create<slow_starter>();
  const participant name{link.id(), "slow_starter"};
  run_on(net, application(cp, link));
  std::cout << mermaid(events, {&name, 1});
}

// What does an application see of a provider that cannot become active? A clear error, at once
// while the failure is being backed off, and success when a later attempt succeeds.
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "on_asio.hpp"

#include <array>     // for array
#include <iostream>  // for cout

using namespace lockgate;
using namespace std::chrono_literals;

/// Its server answers the third time.
class unlucky {
 public:
  void establish_session(instance) {}  // cannot fail: a failed set-up shows here:
  task<status> transition_active() {
    check(co_await sleep_for(1ms), "sleep");
    std::cout << "  provider: attempt " << ++attempts_ << '\n';
    if (attempts_ < 3) co_return errc::timed_out;
    co_return status();
  }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) { return messages.size(); }
  void terminate_session(termination_reason) {}

 private:
  int attempts_ = 0;
};

task<> application(platform& cp) {
  provider_instance link = cp.create<unlucky>();
  check(co_await link.register_instance(), "register");
  endpoint app = cp.open_endpoint();
  const transport_id peer = transport_id(std::array<std::byte, 16>{std::byte{0xfd}});
  const std::array<std::byte, 5> hello{};
  status outcome = errc::unreachable;
  for (int i = 0; !outcome.ok() && i < 10; ++i) {
    outcome = co_await app.send_to(peer, chain(hello));
    std::cout << "application: " << outcome.message() << '\n';
    check(co_await sleep_for(15ms), "sleep");
  }
  check(outcome, "send");
  check(co_await cp.stop(), "stop");
}

int main() {
  asio::io_context io;
  asio_network net(io);
  platform_options options;
  options.first_backoff = 20ms;  // doubles with every failure
  platform cp(net, options);
  run_on(net, application(cp));
}

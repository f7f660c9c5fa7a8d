// Must it be Asio? No: any loop can run a scheduler. This one is nine lines long.
#include "lockgate/base/system_random.hpp"
#include "lockgate/lockgate.hpp"

#include "check.hpp"

#include <array>     // for array
#include <iostream>  // for cout
#include <thread>    // for sleep_for

using namespace lockgate;
using namespace std::chrono_literals;

/// Answers every message after 30 ms.
class slow_echo {
 public:
  void establish_session(instance self) { instance_ = self; }
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) {
    for (const outgoing& m : messages)
      check(
          instance_.spawn(answer_later(incoming(m.local, m.remote, pool_.copy(m.payload.part(0))))),
          "spawn");
    return messages.size();
  }
  void terminate_session(termination_reason) {}

 private:
  task<> answer_later(incoming message) {
    check(co_await sleep_for(30ms), "sleep");
    check(instance_.indicate(std::move(message)), "indicate");
  }
  instance instance_;
  slab_pool pool_{1024, 16};
};

task<> application(platform& cp) {
  provider_instance link = cp.create<slow_echo>();
  check(co_await link.register_instance(), "register");
  endpoint app = cp.open_endpoint();
  const transport_id peer = transport_id(std::array<std::byte, 16>{std::byte{0xfd}});
  const std::array<std::byte, 5> hello{};
  check(co_await app.send_to(peer, chain(hello)), "send");
  const result<incoming> answer = co_await app.receive();
  check(answer.error(), "receive");
  std::cout << "answer: " << answer->size() << " bytes\n";
  check(co_await cp.stop(), "stop");
}

int main() {
  steady_time time;
  system_random random;
  scheduler home(time, random);
  platform cp(home);
  task_group tasks(home);
  check(tasks.spawn(application(cp)), "spawn");

  int rounds = 0;
  while (tasks.size() > 0) {
    home.run_ready();
    ++rounds;
    const time_point next = home.next_deadline();
    if (tasks.size() > 0 && next != never) std::this_thread::sleep_for(next - home.now());
  }
  std::cout << "the loop slept between " << rounds << " rounds\n";
}

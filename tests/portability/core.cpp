// The core at work without exceptions, type information, doctest or Asio: what every configuration
// in docs/reference/portability.md builds and runs.
#include "lockgate/base/system_random.hpp"  // for system_random
#include "lockgate/direct/direct.hpp"
#include "lockgate/lockgate.hpp"
#include "lockgate/stun/encoder.hpp"

#include <array>    // for array
#include <chrono>   // for milliseconds
#include <cstddef>  // for byte
#include <cstdio>   // for printf

using namespace lockgate;
using namespace std::chrono_literals;

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("not so: %s\n", what);
  ++failures;
}

/// Time that passes when it is told to.
struct stepped_time final : time_source {
  [[nodiscard]] time_point now() noexcept override { return at; }
  time_point at{};
};

/// Establishes and reaches later, answers each message with itself, and says how it ended.
class echo {
 public:
  explicit echo(termination_reason& ended) : ended_(&ended) {}
  task<> establish_session(instance self) {
    instance_ = self;
    expect((co_await sleep_for(5ms)).ok(), "establish sleeps");
  }
  status transition_active() { return {}; }
  task<status> reach_transport_id(transport_id) {
    co_await yield();
    co_return status();
  }
  accepted send_buffers(std::span<const outgoing> messages) {
    for (const outgoing& m : messages)
      expect(instance_.indicate(incoming(m.local, m.remote, pool_.copy(m.payload.part(0)))).ok(),
             "indicate");
    return messages.size();
  }
  void terminate_session(termination_reason why) { *ended_ = why; }

 private:
  termination_reason* ended_;
  instance instance_;
  slab_pool pool_{256, 8};
};

task<status> wait_an_hour() {
  co_return co_await sleep_for(1h);
}

task<> application(platform& cp, termination_reason& ended, bool& done) {
  provider_instance link = cp.create<echo>(ended);
  expect((co_await link.register_instance()).ok(), "register");
  endpoint app = cp.open_endpoint();
  const result<transport_id> id = co_await app.ready();
  expect(id.has_value(), "an endpoint is ready");

  const transport_id peer(std::array<std::byte, 16>{std::byte{0xfd}});
  const std::array<std::byte, 5> hello{};
  expect((co_await app.send_to(peer, chain(hello))).ok(), "send");
  const result<incoming> answer = co_await app.receive();
  expect(answer.has_value() && answer->size() == hello.size(), "the answer is the question");

  const status late = co_await with_timeout(wait_an_hour(), 10ms);
  expect(late == errc::timed_out, "a deadline");
  expect((co_await cp.stop()).ok(), "stop");
  done = true;
}

}  // namespace

int main() {
  stepped_time time;
  system_random random;
  scheduler home(time, random);
  platform cp(home);
  auto ended = termination_reason();
  bool done = false;
  task_group tasks(home);
  expect(tasks.spawn(application(cp, ended, done)).ok(), "spawn");
  for (int turns = 0; turns < 1000 && tasks.size() > 0; ++turns) {
    home.run_ready();
    if (home.next_deadline() != never) time.at = home.next_deadline();
  }
  expect(done, "the application came to its end");
  expect(ended == termination_reason::platform_shutdown, "the provider was told why");
  std::printf("lockgate %s: %d failures\n", version.data(), failures);
  return failures;
}

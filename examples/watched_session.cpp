// Why is this call still waiting, and what did the platform do? A live view answers while the
// program runs: who holds what, and since when. Files for Mermaid, Perfetto, Wireshark and
// Prometheus are written on request:
//
//   watched_session [--diagram FILE] [--trace FILE] [--pcapng FILE] [--metrics FILE]
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "on_asio.hpp"
#include "watch.hpp"

#include <array>   // for array
#include <cstdio>  // for fprintf
#include <memory>  // for make_unique

using namespace lockgate;
using namespace std::chrono_literals;

/// Takes its time for everything, fails the first activation, and echoes what it is given.
class slow_provider {
 public:
  task<> establish_session(instance self) {
    instance_ = self;
    check(self.spawn(ask_for_id(self)), "spawn");
    check(self.spawn(ask_for_id(self)), "spawn");
    check(co_await sleep_for(600ms), "sleep");
  }
  task<status> transition_active() {
    check(co_await sleep_for(400ms), "sleep");
    if (++attempts_ == 1) co_return errc::timed_out;
    co_return status();
  }
  task<status> reach_transport_id(transport_id) {
    const status slept = co_await sleep_for(350ms);
    co_return slept;
  }
  task<accepted> send_buffers(std::span<const outgoing> messages) {
    const std::size_t count = messages.size();
    for (const outgoing& message : messages) echo(message);
    const status slept = co_await sleep_for(15ms);
    if (!slept.ok()) co_return slept;
    co_return count;
  }
  void terminate_session(termination_reason) {}

 private:
  /// Held until establish_session has ended.
  static task<> ask_for_id(instance self) {
    const result<transport_id> id = co_await self.request_transport_id();
    check(id.error(), "request_transport_id");
  }
  void echo(const outgoing& message) {
    const std::size_t size = message.payload.size();
    auto memory = std::make_unique<std::byte[]>(size);
    message.payload.copy_to(memory.get());
    lease copy = lease::wrap(
        {memory.get(), size}, [](void* m) noexcept { delete[] static_cast<std::byte*>(m); },
        memory.get());
    static_cast<void>(memory.release());
    static_cast<void>(instance_.indicate(incoming(message.local, message.remote, std::move(copy))));
  }
  instance instance_;
  int attempts_ = 0;
};

/// Sends to one peer until `until`, and reads every other echo: the queue overflows in the end.
task<> talk(scheduler* home, endpoint* app, transport_id peer, time_point until) {
  const std::vector<std::byte> payload(8000);
  for (int i = 0; home->now() < until; ++i) {
    check(co_await app->send_to(peer, chain(bytes_view(payload))), "send");
    if (i % 2 == 0) continue;
    const result<incoming> echo = co_await app->receive();
    check(echo.error(), "receive");
  }
}

transport_id make_id(unsigned char last) {
  std::array<std::byte, transport_id::size> bytes{std::byte{0xfd}};
  bytes.back() = std::byte{last};
  return transport_id(bytes);
}

task<> application(platform* cp, provider_instance* link, watch* seen) {
  check(co_await link->register_instance(), "register");
  endpoint_options wish;
  wish.proposed_id = make_id(1);
  endpoint app = cp->open_endpoint(wish);
  result<transport_id> id = co_await app.ready();
  if (!id) id = co_await app.ready();
  check(id.error(), "ready");
  co_await talk(&cp->home(), &app, make_id(2), cp->home().now() + 1s);
  app.close();
  check(co_await cp->stop(), "stop");
  seen->end_view();
}

int main(int count, char** words) {
  watch_options wish;
  if (!wish.read(count, words)) {
    std::fprintf(stderr, "usage: watched_session %s\n", watch_options::usage);
    return 2;
  }
  try {
    asio::io_context io;
    asio_network net(io);
    watch seen(net.home(), wish);
    platform_options limits;
    limits.receive_queue_bytes = 64 << 10;
    limits.first_backoff = 200ms;
    platform cp(net, limits);
    seen.begin(cp);
    provider_instance link = cp.create<slow_provider>();
    seen.name_instance(link.id(), "slow");
    run_on(net, application(&cp, &link, &seen));
    seen.finish();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "watched_session: %s\n", error.what());
    return 1;
  }
}

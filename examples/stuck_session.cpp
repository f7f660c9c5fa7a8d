// Why does this call still wait? Because a provider's row does. The events say which, and since
// when.
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "on_asio.hpp"

#include <array>      // for array
#include <coroutine>  // for coroutine_handle
#include <iostream>   // for cout
#include <utility>    // for exchange

using namespace lockgate;
using namespace std::chrono_literals;

/// What a library of somebody else gives: it can be awaited, but not stopped.
class server_reply {
 public:
  class wait {
   public:
    explicit wait(server_reply& waits_for) noexcept : reply_(&waits_for) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept { reply_->waiting_ = waiting; }
    status await_resume() const noexcept { return {}; }

   private:
    server_reply* reply_;
  };
  void arrives() {
    if (waiting_) std::exchange(waiting_, {}).resume();
  }

 private:
  std::coroutine_handle<> waiting_;
};

/// Waits for its server with no limit of its own.
class patient {
 public:
  explicit patient(server_reply& reply) : reply_(reply) {}
  void establish_session(instance) {}
  task<status> transition_active() {
    co_return co_await uninterruptible(server_reply::wait(reply_));
  }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const outgoing> messages) { return messages.size(); }
  void terminate_session(termination_reason) {}

 private:
  server_reply& reply_;
};

/// Says what is going on, but for the messages.
struct teller {
  void on(const event& e) noexcept {
    if (e.instance == 0) return;
    std::cout << "instance " << e.instance << ": " << to_string(e.kind);
    if (e.kind == event_kind::state_changed)
      std::cout << ' ' << to_string(e.from) << " -> " << to_string(e.to);
    if (e.which != row::none) std::cout << ' ' << to_string(e.which);
    if (e.kind == event_kind::session_ending) std::cout << ' ' << to_string(e.reason);
    if (!e.result.ok()) std::cout << ": " << e.result.message();
    std::cout << '\n';
  }
};

task<> application(platform& cp, server_reply& reply) {
  provider_instance link = cp.create<patient>(reply);
  check(co_await link.register_instance(), "register");
  endpoint app = cp.open_endpoint();
  const transport_id peer = transport_id(std::array<std::byte, 16>{std::byte{0xfd}});
  const std::array<std::byte, 5> hello{};
  const status outcome = co_await app.send_to(peer, chain(hello));
  std::cout << "application: " << outcome.message() << '\n';

  check(co_await sleep_for(50ms), "sleep");
  std::cout << "the server answers at last\n";
  reply.arrives();
  check(co_await cp.stop(), "stop");
}

int main() {
  asio::io_context io;
  asio_network net(io);
  platform_options options;
  options.row_timeout = 20ms;  // how long a row may take: 30 s unless set
  options.row_grace = 10ms;    // and how long it may take to stop
  teller events;
  server_reply reply;
  platform cp(net, options);
  cp.observe(events);
  run_on(net, application(cp, reply));
}

// Are received bytes copied on their way to the application? No: it reads them where they arrived.
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "on_asio.hpp"

#include <cstring>   // for memcpy
#include <iostream>  // for cout

using namespace lockgate;

/// Receives, as it were, one message into memory of its own, and hands it up as it lies.
class receiver {
 public:
  explicit receiver(slab_pool& pool) : pool_(pool) {}
  void establish_session(instance self) { instance_ = self; }
  status transition_active() { return {}; }
  status add_transport_id(transport_id id) {
    constexpr std::string_view text = "16 bytes to read";
    slab_pool::filling slab = pool_.acquire();
    if (!slab.has_memory()) return errc::no_buffer;
    std::memcpy(slab.memory().data(), text.data(), text.size());  // a kernel would do this
    std::cout << "provider:    bytes at " << static_cast<void*>(slab.memory().data()) << '\n';
    return instance_.spawn(hand_up(incoming(id, id, slab.cut(0, text.size()))));
  }
  status remove_transport_id(transport_id) { return {}; }
  status reach_transport_id(transport_id) { return errc::unreachable; }
  accepted send_buffers(std::span<const outgoing>) { return errc::unreachable; }
  void terminate_session(termination_reason) {}

 private:
  task<> hand_up(incoming message) {
    check(instance_.indicate(std::move(message)), "indicate");
    co_return;
  }
  slab_pool& pool_;
  instance instance_;
};

task<> application(platform& cp, slab_pool& pool) {
  provider_instance link = cp.create<receiver>(pool);
  check(co_await link.register_instance(), "register");
  endpoint app = cp.open_endpoint();
  {
    result<incoming> message = co_await app.receive();
    check(message.error(), "receive");
    const auto bytes = message->contiguous();
    std::cout << "application: bytes at " << static_cast<const void*>(bytes.data()) << '\n'
              << "copies made: " << copies_made.copies
              << ", slabs out: " << pool.statistics().outstanding << '\n';
  }
  std::cout << "message read, slabs out: " << pool.statistics().outstanding << '\n';
  check(co_await cp.stop(), "stop");
}

int main() {
  asio::io_context io;
  asio_network net(io);
  platform cp(net);
  run_on(net, application(cp, net.buffers()));
}

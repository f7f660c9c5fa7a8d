#include "printer.hpp"
#include "run.hpp"

lockgate::task<> application(lockgate::platform& cp) {
  lockgate::provider_instance link = cp.create<printer>();
  check(co_await link.register_instance());
  std::cout << "registered\n";

  lockgate::endpoint app = cp.open_endpoint();
  const lockgate::transport_id peer(std::array<std::byte, 16>{std::byte{0xfd}});
  check(co_await app.send_to(peer, bytes_of("hello")));
  check(co_await app.send_to(peer, bytes_of("hello again")));
  check(co_await cp.stop());
}

int main() {
  asio::io_context io;
  lockgate::asio_network net(io);
  lockgate::platform cp(net);
  run(net, application(cp));
}

#include "run.hpp"
#include "wire.hpp"

using wire_provider = wire<lockgate::asio_network>;

/// A host: a platform with one provider instance and one endpoint.
struct host {
  explicit host(lockgate::asio_network& net)
      : cp(net), link(cp.create<wire_provider>(net, lockgate::ip_address::v4(127, 0, 0, 1))) {}

  lockgate::task<> start() {
    check(co_await link.register_instance());
    app = cp.open_endpoint();
    const lockgate::result<lockgate::transport_id> id = co_await app.ready();
    check(id.error());
  }
  wire_provider& provider() { return *link.get_if<wire_provider>(); }

  lockgate::platform cp;
  lockgate::provider_instance link;
  lockgate::endpoint app;
};

lockgate::task<> hear(host& at, std::string_view name) {
  lockgate::result<lockgate::incoming> message = co_await at.app.receive();
  check(message.error());
  const auto bytes = message->contiguous();
  std::cout << name << " hears: "
            << std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) << '\n';
}

lockgate::task<> talk(host& a, host& b) {
  co_await a.start();
  co_await b.start();
  a.provider().connect(b.app.id(), b.provider().address());
  b.provider().connect(a.app.id(), a.provider().address());

  check(co_await a.app.send_to(b.app.id(), bytes_of("are you there?")));
  co_await hear(b, "b");
  check(co_await b.app.send_to(a.app.id(), bytes_of("yes")));
  co_await hear(a, "a");

  check(co_await a.cp.stop());
  check(co_await b.cp.stop());
}

int main() {
  asio::io_context io;
  lockgate::asio_network net(io);
  host a(net), b(net);
  run(net, talk(a, b));
}

// How is the traffic encrypted? Not by lockgate: the application brings DTLS, QUIC or WireGuard.
// Here OpenSSL's DTLS runs over two endpoints, and both sides check each other's certificates.
#include "lockgate/direct/direct.hpp"
#include "lockgate/lockgate.hpp"

#include "check.hpp"
#include "dtls/channel.hpp"
#include "dtls/identity.hpp"
#include "on_asio.hpp"

#include <iostream>     // for cout, cerr
#include <string>       // for string
#include <string_view>  // for string_view

using namespace lockgate;
using namespace std::chrono_literals;
using direct_udp = direct<asio_network>;

/// UDP that loses one datagram, to see what becomes of a handshake then.
class lossy : public direct_udp {
 public:
  lossy(asio_network& net, const peer_table& peers, int loses) : direct(net, peers), left_(loses) {}
  answer<accepted> send_buffers(std::span<const outgoing> messages) {
    if (left_ > 0 && --left_ == 0) return accepted(messages.size());
    return direct::send_buffers(messages);
  }

 private:
  int left_;
};

/// A platform with an endpoint, reachable over UDP.
struct host {
  host(asio_network& net, int loses) : cp(net), link(cp.create<lossy>(net, peers, loses)) {
    peers.bind_others({ip_address::v4(127, 0, 0, 1), 0, 0});
  }
  task<> start() {
    check(co_await link.register_instance(), "register");
    app = cp.open_endpoint();
    const result<transport_id> id = co_await app.ready();
    check(id.error(), "ready");
  }
  void knows(host& other) {
    check(peers.add(other.app.id(), other.link.get_if<lossy>()->local_address(other.app.id())),
          "add peer");
  }
  peer_table peers;
  platform cp;
  provider_instance link;
  endpoint app;
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Takes one message and answers it; `how_it_went` is the outcome of the handshake.
task<> serve(dtls_channel& channel, status& how_it_went) {
  how_it_went = co_await with_timeout(channel.handshake(), 10s);
  if (!how_it_went.ok()) co_return;
  const result<std::vector<std::byte>> question = co_await channel.receive();
  check(question.error(), "receive the question");
  std::cout << "server: " << text_of(*question) << '\n';
  check(co_await channel.send(std::as_bytes(std::span(std::string_view("it is")))), "answer");
  const result<std::vector<std::byte>> rest = co_await channel.receive();
  if (rest.error() != errc::closed) check(errc::malformed, "end of the channel");
}

task<status> ask(dtls_channel& channel) {
  const status how_it_went = co_await with_timeout(channel.handshake(), 10s);
  if (!how_it_went.ok()) co_return how_it_went;
  std::cout << "client: " << channel.agreed() << '\n';
  check(co_await channel.send(std::as_bytes(std::span(std::string_view("is this private?")))),
        "ask");
  const result<std::vector<std::byte>> answer = co_await channel.receive();
  check(answer.error(), "receive the answer");
  std::cout << "client: " << text_of(*answer) << '\n';
  co_return co_await channel.close();
}

/// What is different from one conversation to the next.
struct plan {
  const char* expected = "server.example";  ///< whom the client believes to be talking to
  bool should_succeed = true;
  int client_loses = 0;  ///< which of the client's datagrams is lost; 0: none
};

task<> converse(asio_network& net, SSL_CTX& client, SSL_CTX& server, plan p) {
  host a(net, p.client_loses), b(net, 0);
  co_await a.start();
  co_await b.start();
  a.knows(b);
  b.knows(a);
  dtls_channel asking(a.app, b.app.id(), client, dtls_channel::side::client, p.expected);
  dtls_channel serving(b.app, a.app.id(), server, dtls_channel::side::server, "client.example");
  status served;
  task_group beside(net.home());
  check(beside.spawn(serve(serving, served)), "spawn");
  const status asked = co_await ask(asking);
  check(co_await beside.join(), "join");
  if (!asked.ok()) std::cout << "client: refused, " << asking.refusal() << '\n';
  const bool succeeded = asked.ok() && served.ok();
  if (succeeded != p.should_succeed) check(errc::provider_failed, "the certificate check");
  check(co_await a.cp.stop(), "stop");
  check(co_await b.cp.stop(), "stop");
}

task<> application(asio_network& net) {
  const authority trusted("the authority"), other("somebody else");
  const credentials client = trusted.issue("client.example");
  const credentials server = trusted.issue("server.example");
  const credentials impostor = other.issue("server.example");
  const openssl_ptr<SSL_CTX> asks = trusted.context(client), serves = trusted.context(server);
  const openssl_ptr<SSL_CTX> pretends = trusted.context(impostor);

  std::cout << "the right server\n";
  co_await converse(net, *asks, *serves, plan());
  std::cout << "the same, and the client's second datagram is lost\n";
  co_await converse(net, *asks, *serves, plan{.client_loses = 2});
  std::cout << "a server of another name\n";
  co_await converse(net, *asks, *serves, plan{"elsewhere.example", false});
  std::cout << "an impostor\n";
  co_await converse(net, *asks, *pretends, plan{"server.example", false});
}

int main() {
  asio::io_context io;
  asio_network net(io);
  run_on(net, application(net));
}

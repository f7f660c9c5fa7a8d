// What kind of NAT am I behind? The tests of RFC 5780, over UDP.
//
//   stun_diagnosis SERVER[:PORT] [LOCAL-ADDRESS]
//
// The server must answer from two addresses and ports (coturn with two listening addresses does).
// What cannot be found out is called unknown: most public servers have one address only. Without
// arguments it asks a server of its own on the loopback interface, which has one address, too.
#include "lockgate/asio/stream_network.hpp"  // for asio_stream_network
#include "lockgate/base/address_text.hpp"    // for parse_socket_address, to_string
#include "lockgate/coro/deadline.hpp"        // for with_deadline
#include "lockgate/coro/task_group.hpp"      // for task_group
#include "lockgate/stun/attributes.hpp"      // for read_xor_address
#include "lockgate/stun/encoder.hpp"         // for encoder
#include "lockgate/stun/message.hpp"         // for message_view
#include "lockgate/stun/transaction.hpp"     // for transaction

#include <array>     // for array
#include <cstdio>    // for printf
#include <optional>  // for optional
#include <string>    // for string

using namespace lockgate;

namespace {

/// The sender of a Binding request may ask for an answer from elsewhere (RFC 5780 section 7.2).
enum class answer_from : std::uint32_t { same = 0, other_port = 2, other_address_and_port = 6 };

struct binding {
  socket_address from;    ///< who answered
  socket_address mapped;  ///< where the server saw us; port 0: it refused to say
  socket_address other;   ///< the server's alternate address and port; port 0: it has none
};

/// Whether a question has been answered with yes, no, or not at all.
enum class verdict { unknown, yes, no };

/// A UDP socket that asks STUN servers.
class questioner {
 public:
  questioner(asio_stream_network& net, udp_socket socket) : net_(net), socket_(std::move(socket)) {}
  [[nodiscard]] socket_address local() const { return socket_.local_address(); }

  /// One Binding transaction (RFC 8489 section 6.2.1), cut short: silence is an answer here.
  task<std::optional<binding>> ask(socket_address server, answer_from where) {
    stun::transaction_id id{};
    net_.home().random().fill(id);
    std::array<std::byte, 64> request{};
    stun::encoder out(request, stun::message_class::request, stun::method::binding, id);
    if (where != answer_from::same)
      out.u32(stun::attribute_type::change_request, static_cast<std::uint32_t>(where));
    const chain message(bytes_view(request).first(out.size()));
    for (int attempt = 0; attempt < attempts; ++attempt) {
      const outgoing_datagram one{server, message};
      if (const accepted gone = socket_.try_send({&one, 1}); !gone.why.ok()) co_return std::nullopt;
      const std::optional<binding> answer = co_await hear(id);
      if (answer) co_return answer;
    }
    co_return std::nullopt;
  }

 private:
  static constexpr int attempts = 4;
  static constexpr auto patience = std::chrono::milliseconds(500);  // RFC 8489 section 6.2.1: RTO

  task<std::optional<binding>> hear(stun::transaction_id id) {
    const time_point until = net_.home().now() + patience;
    for (;;) {
      std::array<received_datagram, 1> arrived;
      const result<std::size_t> count = co_await with_deadline(receive(&arrived), until);
      if (!count) co_return std::nullopt;
      std::optional<binding> answer = read(arrived[0].payload.bytes(), id);
      if (!answer) continue;
      answer->from = arrived[0].from;
      co_return answer;
    }
  }
  task<result<std::size_t>> receive(std::array<received_datagram, 1>* into) {
    co_return co_await socket_.receive(*into);
  }
  static std::optional<binding> read(bytes_view bytes, const stun::transaction_id& id) {
    using stun::attribute_type;
    const auto message = stun::message_view::parse(bytes);
    if (!message || message->id() != id) return {};
    if (message->kind() == stun::message_class::error) return binding();
    const auto mapped = message->find(attribute_type::xor_mapped_address);
    const auto seen = mapped ? stun::read_xor_address(*mapped, id) : std::nullopt;
    if (!seen) return {};
    binding out;
    out.mapped = *seen;
    if (const auto other = message->find(attribute_type::other_address))
      out.other = stun::read_address(*other).value_or(socket_address());
    return out;
  }

  asio_stream_network& net_;
  udp_socket socket_;
};

/// Whether a stranger's answer gets through, judged by one that was asked to come from `elsewhere`.
/// Refused, or from where we have asked, it says nothing: the server does not do what RFC 5780
/// says.
verdict passes(const std::optional<binding>& answer, const socket_address& elsewhere) {
  if (!answer) return verdict::no;
  return answer->mapped.port != 0 && answer->from == elsewhere ? verdict::yes : verdict::unknown;
}

const char* name_of(verdict v, const char* yes, const char* no) {
  return v == verdict::unknown ? "unknown" : v == verdict::yes ? yes : no;
}

/// RFC 5780 sections 4.3 and 4.4. Filtering is asked first, from a socket that has sent to nobody
/// but the server's first address.
task<> diagnose(asio_stream_network* net, socket_address server, socket_address local,
                int* status) {
  auto first_socket = net->open_datagram(local);
  auto second_socket = net->open_datagram(local);
  if (!first_socket || !second_socket) {
    std::printf("cannot open a socket at %s\n", to_string(local).c_str());
    co_return;
  }
  questioner filtering(*net, std::move(*first_socket)), mapping(*net, std::move(*second_socket));
  const std::optional<binding> first = co_await mapping.ask(server, answer_from::same);
  if (!first || first->mapped.port == 0) {
    std::printf("no answer from %s over UDP: blocked, or no STUN server\n",
                to_string(server).c_str());
    co_return;
  }
  *status = 0;
  std::printf("seen as          %s\n", to_string(first->mapped).c_str());
  const bool has_other = first->other.port != 0 && first->other.ip != server.ip;
  const bool is_specific = !local.ip.is_unspecified();
  const bool is_translated = first->mapped != mapping.local();
  std::printf("translated       %s\n", is_specific ? is_translated ? "yes" : "no" : "unknown");
  std::printf("port kept        %s\n", first->mapped.port == mapping.local().port ? "yes" : "no");

  verdict same_for_address = verdict::unknown, same_for_port = verdict::unknown;
  verdict from_address = verdict::unknown, from_port = verdict::unknown;
  if (has_other) {
    const socket_address other_ip{first->other.ip, server.port};
    const socket_address other_port{server.ip, first->other.port};
    const std::optional<binding> second = co_await mapping.ask(other_ip, answer_from::same);
    const std::optional<binding> third = co_await mapping.ask(first->other, answer_from::same);
    const bool has_second = second && second->mapped.port != 0;
    const bool has_third = third && third->mapped.port != 0;
    if (has_second) same_for_address = second->mapped == first->mapped ? verdict::yes : verdict::no;
    if (has_second && has_third)
      same_for_port = third->mapped == second->mapped ? verdict::yes : verdict::no;

    // Silence means filtering only if the stranger exists and can be heard when asked directly.
    const std::optional<binding> opened = co_await filtering.ask(server, answer_from::same);
    if (opened && has_third) {
      const std::optional<binding> stranger =
          co_await filtering.ask(server, answer_from::other_address_and_port);
      from_address = passes(stranger, first->other);
      const std::optional<binding> neighbour =
          co_await filtering.ask(server, answer_from::other_port);
      from_port = passes(neighbour, other_port);
    }
  }
  const char* const mapping_name =
      same_for_address == verdict::yes ? "endpoint-independent"
      : same_for_address == verdict::no
          ? name_of(same_for_port, "address-dependent", "address-and-port-dependent")
          : "unknown";
  const char* const filtering_name =
      from_address == verdict::yes ? "endpoint-independent"
      : from_address == verdict::no
          ? name_of(from_port, "address-dependent", "address-and-port-dependent")
          : "unknown";
  std::printf("mapping          %s\nfiltering        %s\n", mapping_name, filtering_name);
}

/// Answers Binding requests from one address: all that most servers can.
task<> serve(udp_socket* socket) {
  std::array<received_datagram, 1> arrived;
  for (;;) {
    const result<std::size_t> count = co_await socket->receive(arrived);
    if (!count) co_return;
    const auto request = stun::message_view::parse(arrived[0].payload.bytes());
    if (!request) continue;
    std::array<std::byte, 64> answer{};
    stun::encoder out(answer, stun::message_class::success, stun::method::binding, request->id());
    out.xor_address(stun::attribute_type::xor_mapped_address, arrived[0].from);
    const outgoing_datagram one{arrived[0].from, chain(bytes_view(answer).first(out.size()))};
    static_cast<void>(socket->try_send({&one, 1}));  // the other side asks again
  }
}

task<> run(asio_stream_network* net, asio::io_context* io, std::string server, std::string local,
           int* status) {
  socket_address from;
  if (const auto given = parse_ip_address(local)) from.ip = *given;
  task_group serving(net->home());
  std::optional<udp_socket> own;
  socket_address to;
  if (server.empty()) {
    from.ip = ip_address::v4(127, 0, 0, 1);
    auto opened = net->open_datagram(from);
    if (opened) own.emplace(std::move(*opened));
    if (own && serving.spawn(serve(&*own)).ok()) to = own->local_address();
  } else if (const auto given = parse_socket_address(server)) {
    to = *given;
  } else {
    const auto colon = server.find(':');
    const auto found = co_await net->resolve(server.substr(0, colon));
    if (found) to.ip = found->front();
    to.port = 3478;  // RFC 8489 section 8.1
    if (colon != server.npos)
      to.port = static_cast<std::uint16_t>(std::stoi(server.substr(colon + 1)));
  }
  if (from.ip.is_unspecified() && to.ip.is_v4()) from.ip = ip_address::v4(0);
  if (to.ip.is_unspecified()) std::printf("no such server: %s\n", server.c_str());
  else co_await diagnose(net, to, from, status);
  if (own) own->close();
  static_cast<void>(co_await serving.join());
  io->stop();
}

}  // namespace

int main(int count, char** words) {
  asio::io_context io;
  asio_stream_network net(io);
  task_group tasks(net.home());
  int status = 1;
  const auto started =
      tasks.spawn(run(&net, &io, count > 1 ? words[1] : "", count > 2 ? words[2] : "", &status));
  if (!started.ok()) return 1;
  io.run();
  return status;
}

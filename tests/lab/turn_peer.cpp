// One of two peers of the laboratory that talk through a TURN server.
//
//   turn_peer setup ROUNDS START SETTLE [option...]     how long does a first datagram take?
//   turn_peer traffic SECONDS RATE SIZE [option...]     what becomes of a stream of datagrams?
//   turn_peer flood SECONDS RATE SIZE [option...]       what do many datagrams cost?
//
// START is a time of the steady clock in ns, the same for both; SETTLE the ms from registration to
// the first demand. Side a sends; side b echoes, but for a flood. Options: udp tcp tls (default all
// three), keep-alive=SECONDS. Says what happened in lines of key=value words.
#include "lockgate/asio/stream_network.hpp"
#include "lockgate/base/address_text.hpp"
#include "lockgate/crypto/openssl.hpp"
#include "lockgate/lockgate.hpp"
#include "lockgate/platform/platform.hpp"
#include "lockgate/signalling/rendezvous_signalling.hpp"
#include "lockgate/testing/replace_operator_new.hpp"
#include "lockgate/turn/turn.hpp"

#include <sys/resource.h>  // for getrusage

#include <cstdio>   // for printf
#include <cstdlib>  // for getenv, atoi
#include <map>      // for map
#include <string>   // for string
#include <vector>   // for vector

using namespace lockgate;

namespace {

using provider_type = turn<asio_stream_network, openssl_crypto>;
using rendezvous = rendezvous_signalling<asio_stream_network, openssl_crypto>;

std::string setting(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}
const bool is_a = setting("LAB_SIDE") == "a";

transport_id id_of(bool a, int round) {
  std::array<std::byte, 16> bytes{};
  bytes[0] = a ? std::byte{0x0a} : std::byte{0x0b};
  bytes[15] = static_cast<std::byte>(round);
  bytes[14] = static_cast<std::byte>(round >> 8);
  return transport_id(bytes);
}

turn_options options_from(int count, char** words) {
  turn_options out;
  stun::turn_credentials with{setting("LAB_TURN_USER"), setting("LAB_TURN_PASSWORD")};
  const std::string secret = setting("LAB_TURN_REST_SECRET");
  if (!secret.empty()) {
    const auto expiry = std::chrono::system_clock::now() + std::chrono::hours(1);
    with = stun::rest_credentials<openssl_crypto>(
        secret, "peer", static_cast<std::uint64_t>(std::chrono::system_clock::to_time_t(expiry)));
  }
  turn_server server(setting("LAB_SERVER"), with);
  server.certificate_name = setting("LAB_TURN_HOST_NAME");
  std::string chosen;
  for (int i = 0; i < count; ++i) {
    const std::string word = words[i];
    if (word.starts_with("keep-alive="))
      out.keep_alive = std::chrono::milliseconds(std::atoi(word.c_str() + 11) * 1000);
    else if (word == "dead-server") {
      turn_server dead = server;
      dead.host = "192.0.2.77";
      out.servers.push_back(dead);
    } else chosen += word + " ";
  }
  if (!chosen.empty()) {
    server.udp = chosen.find("udp ") != chosen.npos;
    server.tcp = chosen.find("tcp ") != chosen.npos;
    server.tls = chosen.find("tls ") != chosen.npos;
  }
  out.servers.push_back(server);
  out.allow_private_peers = true;  // the laboratory's addresses
  return out;
}

long long ns(time_point t) {
  return static_cast<long long>(t.time_since_epoch().count());
}

/// A platform with one turn provider, and an endpoint.
struct peer {
  peer(asio_stream_network& net, const turn_options& turn_settings)
      : signalling(net, rendezvous_address(), "lab-key"), cp(net),
        link(cp.create<provider_type>(net, turn_settings)) {
    cp.use_signalling(signalling);
  }
  static socket_address rendezvous_address() {
    socket_address out;
    out.ip = *parse_ip_address(setting("LAB_SERVER"));
    out.port = 7000;
    return out;
  }
  rendezvous signalling;
  platform cp;
  provider_instance link;
};

void expect(status s, const char* what) {
  if (s.ok()) return;
  std::printf("failed=%s why=%s\n", what, s.message().c_str());
  std::fflush(stdout);
  std::exit(1);
}

/// Sends again every second until stopped: datagrams get lost, also those that follow at once on a
/// permission which the server has not seen to yet.
task<> repeat(endpoint* app, int round) {
  const std::array<std::byte, 100> bytes{};
  for (;;) {
    const status waited = co_await sleep_for(std::chrono::seconds(1));
    if (!waited.ok()) co_return;
    static_cast<void>(co_await app->send_to(id_of(false, round), chain(bytes_view(bytes))));
    std::printf("round=%d repeated=1\n", round);
    std::fflush(stdout);
  }
}

task<> one_round(asio_stream_network* net, turn_options with, int round, time_point start,
                 duration settle) {
  scheduler& home = net->home();
  auto here = std::make_unique<peer>(*net, with);
  static_cast<void>(co_await sleep_until(start));
  endpoint_options wish;
  wish.proposed_id = id_of(is_a, round);
  wish.listening = true;
  endpoint app = here->cp.open_endpoint(wish);
  const time_point registered = home.now();
  const registration r;
  const status taken = co_await here->link.register_instance(r);
  expect(taken, "register");
  const result<transport_id> ready = co_await app.ready();
  expect(ready ? status() : ready.error(), "ready");
  const time_point usable = home.now();
  if (is_a) {
    static_cast<void>(co_await sleep_until(registered + settle));
    const time_point demanded = home.now();
    const std::array<std::byte, 100> bytes{};
    const status gone = co_await app.send_to(id_of(false, round), chain(bytes_view(bytes)));
    expect(gone, "send");
    std::printf("round=%d registered=%lld ready=%lld demanded=%lld sent=%lld\n", round,
                ns(registered), ns(usable), ns(demanded), ns(home.now()));
    std::fflush(stdout);
    task_group repeating(home);
    static_cast<void>(repeating.spawn(repeat(&app, round)));
    const result<incoming> back = co_await app.receive();
    expect(back ? status() : back.error(), "echo");
    repeating.request_stop();
    static_cast<void>(co_await repeating.join());
  } else {
    result<incoming> got = co_await app.receive();
    expect(got ? status() : got.error(), "receive");
    std::printf("round=%d received=%lld\n", round, ns(home.now()));
    std::fflush(stdout);
    const transport_id from = got->remote;
    const status echoed = app.forward(from, std::move(*got));
    expect(echoed, "echo");
    static_cast<void>(co_await sleep_for(std::chrono::milliseconds(100)));  // it leaves meanwhile
  }
  static_cast<void>(co_await here->cp.stop());
  co_await here->signalling.close();
}

task<> setup(asio_stream_network* net, turn_options with, int rounds, time_point start,
             duration settle) {
  for (int round = 0; round < rounds; ++round)
    co_await one_round(net, with, round, start + round * (settle + std::chrono::milliseconds(900)),
                       settle);
}

std::uint32_t number_of(std::span<const std::byte> bytes) {
  cursor in(bytes);
  return in.u32();
}

/// Counts what comes back, or sends it back.
task<> take_all(endpoint* app, scheduler* home, std::map<std::uint32_t, int>* seen,
                duration* longest_gap) {
  time_point last = time_point::min();
  for (;;) {
    result<incoming> got = co_await app->receive();
    if (!got) co_return;
    const time_point now = home->now();
    if (last != time_point::min()) *longest_gap = std::max(*longest_gap, now - last);
    last = now;
    ++(*seen)[number_of(got->contiguous())];
    if (is_a) continue;
    const transport_id back = got->remote;
    static_cast<void>(app->forward(back, std::move(*got)));
  }
}

/// Registers `here` and opens its endpoint.
task<endpoint> open(peer* here) {
  const registration r;
  const status taken = co_await here->link.register_instance(r);
  expect(taken, "register");
  endpoint_options wish;
  wish.proposed_id = id_of(is_a, 0);
  wish.listening = true;
  endpoint app = here->cp.open_endpoint(wish);
  const result<transport_id> ready = co_await app.ready();
  expect(ready ? status() : ready.error(), "ready");
  std::printf("ready=1\n");
  std::fflush(stdout);
  co_return app;
}

task<> traffic(asio_stream_network* net, turn_options with, int seconds, int rate, int size) {
  scheduler& home = net->home();
  auto here = std::make_unique<peer>(*net, with);
  endpoint app = co_await open(here.get());
  std::map<std::uint32_t, int> seen;
  duration gap{};
  task_group receiving(home);
  static_cast<void>(receiving.spawn(take_all(&app, &home, &seen, &gap)));
  std::uint32_t sent_count = 0, refused = 0;
  const time_point end = home.now() + std::chrono::seconds(seconds);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  if (is_a) {
    const duration pause = std::chrono::nanoseconds(1000000000 / rate);
    for (time_point next = home.now(); next < end; next += pause) {
      static_cast<void>(co_await sleep_until(next));
      for (std::size_t i = 0; i < 4; ++i)
        bytes[i] = static_cast<std::byte>(sent_count >> (24 - 8 * i));
      const status gone = co_await app.send_to(id_of(false, 0), chain(bytes_view(bytes)));
      if (!gone.ok()) ++refused;
      else ++sent_count;
    }
    static_cast<void>(co_await sleep_for(std::chrono::milliseconds(500)));
  } else {
    static_cast<void>(co_await sleep_until(end + std::chrono::milliseconds(1500)));
  }
  int duplicates = 0;
  for (const auto& [number, times] : seen) duplicates += times - 1;
  std::printf("sent=%u refused=%u seen=%zu last=%d duplicates=%d gap_ms=%lld\n", sent_count,
              refused, seen.size(), seen.empty() ? -1 : static_cast<int>(seen.rbegin()->first),
              duplicates, static_cast<long long>(gap.count() / 1000000));
  std::fflush(stdout);
  static_cast<void>(co_await here->cp.stop());
  static_cast<void>(co_await receiving.join());
  co_await here->signalling.close();
}

long long cpu_us() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec +
         used.ru_stime.tv_usec;
}

/// Datagrams, the processor time they took, and what was allocated and copied for them.
struct cost {
  std::uint64_t datagrams = 0;
  long long cpu_begun = 0;
  std::uint64_t copies_begun = 0;

  void begin() {
    cpu_begun = cpu_us();
    copies_begun = copies_made.copies;
    testing::this_thread_allocations.watching = true;
  }
  void tell() const {
    const long long cpu = cpu_us() - cpu_begun;
    testing::this_thread_allocations.watching = false;
    std::printf("datagrams=%llu cpu_us=%lld allocations=%llu copies=%llu\n",
                static_cast<unsigned long long>(datagrams), cpu,
                static_cast<unsigned long long>(testing::this_thread_allocations.attempts),
                static_cast<unsigned long long>(copies_made.copies - copies_begun));
    std::fflush(stdout);
  }
};

/// Sends as many of `batch` as are due, every millisecond.
task<> pour(endpoint* app, scheduler* home, duration how_long, int rate,
            std::span<const message_to> batch, cost* spent) {
  const time_point begun = home->now();
  for (std::uint64_t gone = 0; home->now() - begun < how_long;) {
    const auto due =
        static_cast<std::uint64_t>((home->now() - begun) * rate / std::chrono::seconds(1));
    while (gone < due) {
      const accepted done = co_await app->send_to(batch.first(std::min(due - gone, batch.size())));
      gone += done.count;
      spent->datagrams += done.count;
      if (!done.why.ok()) break;
    }
    static_cast<void>(co_await sleep_for(std::chrono::milliseconds(1)));
  }
}
/// Counts what arrives, from the moment that something does.
task<> drain(endpoint* app, scheduler* home, cost* spent, time_point* last) {
  std::vector<incoming> messages(64);
  for (;;) {
    const result<std::size_t> count = co_await app->receive(messages);
    if (!count) co_return;
    spent->datagrams += *count;
    *last = home->now();
    for (std::size_t i = 0; i < *count; ++i) messages[i].reset();
  }
}

task<> flood(asio_stream_network* net, turn_options with, int seconds, int rate, int size) {
  scheduler& home = net->home();
  expect(net->buffers().reserve(64), "reserve");  // bursts come at any time
  auto here = std::make_unique<peer>(*net, with);
  endpoint app = co_await open(here.get());
  task_group receiving(home);
  const std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  const std::vector<message_to> batch(64, message_to{id_of(false, 0), chain(bytes_view(bytes))});
  constexpr duration warm_up = std::chrono::seconds(1);  // until everything is as large as it gets
  cost spent;
  time_point last = never;
  if (is_a) {
    co_await pour(&app, &home, warm_up, rate, batch, &spent);
    spent = cost();
    spent.begin();
    co_await pour(&app, &home, std::chrono::seconds(seconds), rate, batch, &spent);
  } else {
    static_cast<void>(receiving.spawn(drain(&app, &home, &spent, &last)));
    while (spent.datagrams == 0) static_cast<void>(co_await sleep_for(warm_up / 100));
    static_cast<void>(co_await sleep_for(warm_up));
    spent = cost();
    spent.begin();
    while (home.now() - last < warm_up / 2) static_cast<void>(co_await sleep_for(warm_up / 10));
  }
  spent.tell();
  if (is_a) static_cast<void>(co_await sleep_for(warm_up));  // the other one is still measuring
  static_cast<void>(co_await here->cp.stop());
  static_cast<void>(co_await receiving.join());
  co_await here->signalling.close();
}

task<> finish(asio::io_context* io, task<> work) {
  co_await std::move(work);
  io->stop();
}

}  // namespace

int main(int count, char** words) {
  if (count < 5) return 2;
  asio::io_context io;
  asio_stream_network net(io);
  net.tls().load_verify_file(setting("LAB_TURN_CERTIFICATE"));
  const turn_options with = options_from(count - 5, words + 5);
  task_group tasks(net.home());
  task<> work;
  if (std::string(words[1]) == "setup")
    work = setup(&net, with, std::atoi(words[2]), time_point(duration(std::atoll(words[3]))),
                 std::chrono::milliseconds(std::atoi(words[4])));
  else if (std::string(words[1]) == "flood")
    work = flood(&net, with, std::atoi(words[2]), std::atoi(words[3]), std::atoi(words[4]));
  else work = traffic(&net, with, std::atoi(words[2]), std::atoi(words[3]), std::atoi(words[4]));
  static_cast<void>(tasks.spawn(finish(&io, std::move(work))));
  const auto working = asio::make_work_guard(io);
  io.run();
}

// Two hosts behind NATs, a TURN server between them, and everything in virtual time.
#pragma once

#include "lockgate/base/address_text.hpp"             // for to_string
#include "lockgate/coro/sleep.hpp"                    // for sleep_for
#include "lockgate/crypto/openssl.hpp"                // for openssl_crypto
#include "lockgate/lockgate.hpp"                      // for platform
#include "lockgate/testing/scripted_turn_server.hpp"  // for scripted_turn_server
#include "lockgate/testing/virtual_network.hpp"       // for virtual_network
#include "lockgate/testing/virtual_time.hpp"          // for virtual_time
#include "lockgate/turn/turn.hpp"                     // for turn
#include "support/platform_world.hpp"                 // for recorder, peer_id
#include "support/world.hpp"                          // for running

#include <algorithm>  // for max
#include <array>      // for array
#include <chrono>     // for seconds
#include <cstring>    // for memcpy
#include <map>        // for map
#include <memory>     // for unique_ptr
#include <vector>     // for vector

namespace support {

using namespace std::chrono_literals;

/// Signalling that takes its time and loses some of what it carries.
class slow_signalling final : public lockgate::signalling {
 public:
  slow_signalling(lockgate::scheduler& home, std::uint64_t seed) : random_(seed), tasks_(home) {}

  lockgate::task<lockgate::status> send(lockgate::signal_message message) override {
    if (!random_.chance(loss)) static_cast<void>(tasks_.spawn(deliver(this, std::move(message))));
    co_return lockgate::status();
  }
  void attach(lockgate::signal_sink& sink) override { sinks_.push_back(&sink); }
  void detach(lockgate::signal_sink& sink) noexcept override { std::erase(sinks_, &sink); }
  void id_in_use(lockgate::signal_sink&, const lockgate::transport_id&, bool) override {}

  lockgate::duration delay = 10ms;
  std::uint32_t loss = 0;  ///< parts per million

 private:
  static lockgate::task<> deliver(slow_signalling* self, lockgate::signal_message message) {
    const lockgate::status slept = co_await lockgate::sleep_for(self->delay);
    if (!slept.ok()) co_return;
    for (lockgate::signal_sink* sink : self->sinks_)
      if (sink->has_id(message.to)) co_return sink->signal_arrived(std::move(message));
  }

  lockgate::testing::split_mix random_;
  std::vector<lockgate::signal_sink*> sinks_;
  lockgate::task_group tasks_;
};

/// The servers, and two sides that send each other numbered messages.
///
/// Every way from a host to the internet has a delay of 10 ms (host 5, NAT box 5); so have the
/// servers none.
class turn_world {
 public:
  using provider = lockgate::turn<lockgate::testing::virtual_host, lockgate::openssl_crypto>;
  using server = lockgate::testing::scripted_turn_server<lockgate::testing::virtual_host,
                                                         lockgate::openssl_crypto>;

  struct side {
    lockgate::testing::nat_box* box = nullptr;
    lockgate::testing::virtual_host* host = nullptr;
    std::unique_ptr<lockgate::platform> cp;
    recorder events;
    lockgate::provider_instance link;
    lockgate::endpoint end;
    std::uint64_t sent = 0, refused = 0, received = 0;
    std::uint64_t damaged = 0;          ///< received, but not as it was sent
    std::uint64_t strange = 0;          ///< received from an id that is not the peer's
    std::map<std::uint64_t, int> seen;  ///< how often each number has come
    lockgate::time_point last_received{};
    lockgate::duration longest_gap{};
  };

  explicit turn_world(
      std::uint64_t seed = 1, std::size_t server_count = 1,
      const lockgate::testing::nat_behaviour& kind = lockgate::testing::nat::symmetric)
      : random_(seed), home(time_, random_), net(home, seed), signals(home, seed), tasks(home) {
    options.allow_private_peers = true;
    for (std::size_t i = 0; i < server_count; ++i) {
      const auto ip = lockgate::ip_address::v4(192, 0, 2, std::uint8_t(i + 1));
      auto& host = net.add_host(net.internet(), ip);
      host.link.delay = {};
      server_hosts.push_back(&host);
      servers.push_back(std::make_unique<server>(host, tasks, ip, 3478));
      servers.back()->password = password;
      lockgate::turn_server one(to_string(ip), {"alice", password});
      one.tcp = one.tls = false;
      options.servers.push_back(one);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      side& s = sides[i];
      const std::uint8_t number(static_cast<std::uint8_t>(i + 1));
      s.box = &net.add_nat(net.internet(), lockgate::ip_address::v4(198, 51, 100, number), kind);
      s.box->link.delay = 5ms;
      auto& host = net.add_host(s.box->inside, lockgate::ip_address::v4(10, 0, number, 2));
      host.link.delay = 5ms;
      s.host = &host;
    }
  }
  ~turn_world() {
    is_ending_ = true;
    for (side& s : sides) s.end = lockgate::endpoint();
    for (side& s : sides)
      if (s.cp) CHECK(finish(stop(&s)).ok());
    for (const side& s : sides) CHECK(s.strange == 0);
    for (const auto& one : servers) one->close();
    for (const auto& root : roots_) root->request_stop();
    run();
    tasks.request_stop();
    run();
  }
  turn_world(const turn_world&) = delete;

  [[nodiscard]] static lockgate::transport_id id_of(std::size_t i) { return peer_id(unsigned(i)); }

  /// Both platforms with an instance and an endpoint each, which receive.
  void open(const lockgate::platform_options& how = {}) {
    for (std::size_t i = 0; i < 2; ++i) begin(i, how);
  }
  void begin(std::size_t i, const lockgate::platform_options& how = {}) {
    side& s = sides[i];
    s.cp = std::make_unique<lockgate::platform>(home, how);
    s.cp->use_signalling(signals);
    s.cp->observe(s.events);
    s.link = s.cp->create<provider>(*s.host, options);
    lockgate::endpoint_options wish;
    wish.proposed_id = id_of(i);
    wish.listening = true;
    s.end = s.cp->open_endpoint(wish);
    start(registers(&s));
    start(receives(this, i));
  }
  /// Side `i` sends a number every `interval`, for ever.
  void send_every(std::size_t i, lockgate::duration interval) { start(sends(this, i, interval)); }

  void start(lockgate::task<> work) {
    roots_.push_back(std::make_unique<running<>>(home, std::move(work)));
  }
  /// Lets time pass, from one deadline to the next.
  void pass(lockgate::duration by) {
    const lockgate::time_point end = time_.now() + by;
    static_cast<void>(until([&] { return time_.now() >= end; }, end));
  }
  /// Lets time pass until `holds()`, or `end`. Whether it holds.
  template <class Predicate>
  [[nodiscard]] bool until(Predicate holds, lockgate::time_point end) {
    for (;;) {
      run();
      if (holds()) return true;
      if (home.next_deadline() > end) {
        time_.advance_to(end);
        run();
        return holds();
      }
      time_.advance_to(std::max(time_.now(), home.next_deadline()));
      ++wakes;
    }
  }
  template <class Predicate>
  [[nodiscard]] bool within(lockgate::duration by, Predicate holds) {
    return until(holds, time_.now() + by);
  }
  /// Whether `to` has received what was sent by now and still can be, `more` messages at least.
  [[nodiscard]] bool carries(std::size_t to, lockgate::duration by, std::uint64_t more = 1) {
    const std::uint64_t target = sides[to].received + more;
    return within(by, [&] { return sides[to].received >= target; });
  }
  template <class T>
  T finish(lockgate::task<T> work) {
    running<T> root(home, std::move(work));
    REQUIRE(within(10min, [&] { return root.done(); }));
    return root.take();
  }
  [[nodiscard]] lockgate::time_point now() noexcept { return time_.now(); }
  /// The same on every way there is.
  template <class Change>
  void on_every_link(Change change) {
    for (side& s : sides) change(s.box->link);
  }

  static inline const std::string password = "north-wind-by-night";

 private:
  lockgate::testing::virtual_time time_;
  lockgate::testing::seeded_random random_;
  bool is_ending_ = false;

 public:
  lockgate::scheduler home;
  lockgate::testing::virtual_network net;
  slow_signalling signals;
  lockgate::task_group tasks;
  lockgate::turn_options options;
  std::vector<lockgate::testing::virtual_host*> server_hosts;
  std::vector<std::unique_ptr<server>> servers;
  std::array<side, 2> sides;
  std::uint64_t wakes = 0;  ///< times that time has moved on

 private:
  void run() {
    if (!home.run_ready(most_turns)) FAIL("work without end at one moment");
  }
  static constexpr std::size_t most_turns = 100'000;

  static lockgate::task<lockgate::status> stop(side* s) { co_return co_await s->cp->stop(); }
  static lockgate::task<> registers(side* s) {
    const lockgate::status granted = co_await s->link.register_instance();
    CHECK(granted.ok());
  }
  static lockgate::task<> sends(turn_world* w, std::size_t i, lockgate::duration interval) {
    side& s = w->sides[i];
    for (std::uint64_t n = 0; !w->is_ending_; ++n) {
      std::array<std::byte, 16> bytes{};
      const std::uint64_t check = n * 0x9e3779b97f4a7c15u + i;
      std::memcpy(bytes.data(), &n, 8);
      std::memcpy(bytes.data() + 8, &check, 8);
      const lockgate::status gone =
          co_await s.end.send_to(id_of(1 - i), lockgate::chain(lockgate::bytes_view(bytes)));
      ++(gone.ok() ? s.sent : s.refused);
      const lockgate::status slept = co_await lockgate::sleep_for(interval);
      if (!slept.ok()) co_return;
    }
  }
  static lockgate::task<> receives(turn_world* w, std::size_t i) {
    side& s = w->sides[i];
    for (;;) {
      lockgate::result<lockgate::incoming> got = co_await s.end.receive();
      if (!got) co_return;
      const auto bytes = got->contiguous();
      std::uint64_t n = 0, check = 0;
      if (bytes.size() == 16) {
        std::memcpy(&n, bytes.data(), 8);
        std::memcpy(&check, bytes.data() + 8, 8);
      }
      const bool is_whole = check == n * 0x9e3779b97f4a7c15u + (1 - i);
      if (got->remote != id_of(1 - i)) ++s.strange;
      if (is_whole) ++s.seen[n];
      else ++s.damaged;
      const lockgate::time_point now = w->time_.now();
      if (s.received++ > 0) s.longest_gap = std::max(s.longest_gap, now - s.last_received);
      s.last_received = now;
    }
  }

  std::vector<std::unique_ptr<running<>>> roots_;
};

}  // namespace support

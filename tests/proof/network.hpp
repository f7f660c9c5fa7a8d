// Two hosts behind NATs, two platforms, and everything that a network and a lifecycle can do to
// them. Here with the direct provider, behind NATs that forward a port.
#pragma once

#include "lockgate/coro/sleep.hpp"               // for sleep_for
#include "lockgate/direct/direct.hpp"            // for direct, peer_table
#include "lockgate/platform/endpoint.hpp"        // for endpoint
#include "lockgate/testing/trial.hpp"            // for trial
#include "lockgate/testing/virtual_network.hpp"  // for virtual_network

#include <algorithm>  // for max
#include <array>      // for array
#include <chrono>     // for seconds
#include <cstddef>    // for byte, size_t
#include <cstdint>    // for uint64_t
#include <cstring>    // for memcpy
#include <span>       // for span

namespace proof {

namespace lt = lockgate::testing;
using namespace std::chrono_literals;

inline lockgate::transport_id id_of(std::size_t side) {
  return lockgate::transport_id(
      std::array<std::byte, 16>{std::byte{0xfd}, static_cast<std::byte>(side + 1)});
}

/// Sends numbered messages, and checks those that come.
struct side {
  lt::virtual_host* host = nullptr;
  lt::nat_box* box = nullptr;
  lockgate::platform* cp = nullptr;
  lockgate::provider_instance instance;
  lockgate::endpoint end;
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::uint64_t received = 0;
  std::uint64_t damaged = 0;
  lockgate::time_point last_received{};
  lockgate::duration longest_gap{};
};

/// The two sides and what is between them. Sides are 0 and 1.
class two_hosts {
 public:
  two_hosts(lt::trial& t, std::uint64_t seed, const lt::nat_behaviour& behaviour)
      : trial_(t), net_(t.make<lt::virtual_network>(t.home(), seed)) {
    for (std::size_t i = 0; i < 2; ++i) {
      side& s = sides_[i];
      const lockgate::ip_address outside =
          lockgate::ip_address::v4(198, 51, 100, std::uint8_t(i + 1));
      s.box = &net_.add_nat(net_.internet(), outside, behaviour);
      s.host = &net_.add_host(s.box->inside, inside);
    }
  }
  virtual ~two_hosts() = default;
  [[nodiscard]] lt::virtual_network& net() noexcept { return net_; }
  [[nodiscard]] side& at(std::size_t i) noexcept { return sides_[i]; }

  void start(const lockgate::platform_options& options) {
    for (std::size_t i = 0; i < 2; ++i) {
      sides_[i].cp = &trial_.make_platform(options);
      prepare(*sides_[i].cp);
      begin_session(i);
    }
  }
  /// A new instance and a new endpoint on one side.
  void begin_session(std::size_t i) {
    side& s = sides_[i];
    s.instance = create(i);
    lockgate::endpoint_options wish;
    wish.proposed_id = id_of(i);
    s.end = s.cp->open_endpoint(wish);
    trial_.start(registers(&s.instance));
    trial_.start(receives(this, i));
  }
  void end_session(std::size_t i) {
    sides_[i].end.close();
    sides_[i].instance = lockgate::provider_instance();
  }
  /// One side sends every `interval`, `count` times.
  void send_every(std::size_t i, lockgate::duration interval, std::uint64_t count) {
    trial_.start(sends(this, i, interval, count));
  }

  /// Something happens to what only this kind of hosts has.
  virtual void mishap(lt::split_mix&) {}
  /// Ends what runs beside the two sides. Requires: their sessions have ended.
  virtual void close() {}
  /// Judges what became of the messages of a long time, with some line or other down now and then.
  virtual void judge_delivery(std::uint64_t sent, std::uint64_t received) = 0;

 protected:
  static constexpr lockgate::ip_address inside = lockgate::ip_address::v4(10, 0, 0, 2);

  virtual void prepare(lockgate::platform&) {}
  [[nodiscard]] virtual lockgate::provider_instance create(std::size_t i) = 0;
  [[nodiscard]] lt::trial& trial() noexcept { return trial_; }

 private:
  static lockgate::task<> registers(lockgate::provider_instance* instance) {
    const lockgate::status granted = co_await instance->register_instance();
    static_cast<void>(granted);
  }
  static lockgate::task<> sends(two_hosts* self, std::size_t i, lockgate::duration interval,
                                std::uint64_t count) {
    side& s = self->sides_[i];
    for (std::uint64_t n = 0; n < count; ++n) {
      std::array<std::byte, 16> bytes{};
      const std::uint64_t check = n * 0x9e3779b97f4a7c15u + i;
      std::memcpy(bytes.data(), &n, 8);
      std::memcpy(bytes.data() + 8, &check, 8);
      const lockgate::chain payload(bytes);
      const lockgate::status sent = co_await s.end.send_to(id_of(1 - i), payload);
      ++(sent.ok() ? s.sent : s.refused);
      const lockgate::status slept = co_await lockgate::sleep_for(interval);
      if (!slept.ok()) co_return;
    }
  }
  static lockgate::task<> receives(two_hosts* self, std::size_t i) {
    side& s = self->sides_[i];
    for (;;) {
      lockgate::result<lockgate::incoming> got = co_await s.end.receive();
      if (!got) co_return;
      self->check(i, *got);
    }
  }
  void check(std::size_t i, lockgate::incoming& message) {
    side& s = sides_[i];
    const std::span<const std::byte> bytes = message.contiguous();
    trial_.require(message.remote == id_of(1 - i), "G32", "a message came from somebody else");
    trial_.require(bytes.size() == 16, "G37", "a message has another length than when it was sent");
    std::uint64_t n = 0, check = 0;
    if (bytes.size() == 16) {
      std::memcpy(&n, bytes.data(), 8);
      std::memcpy(&check, bytes.data() + 8, 8);
    }
    const bool whole = check == n * 0x9e3779b97f4a7c15u + (1 - i);
    if (!whole) ++s.damaged;
    const lockgate::time_point now = trial_.now();
    if (s.received++ > 0 && now - s.last_received > s.longest_gap)
      s.longest_gap = now - s.last_received;
    s.last_received = now;
  }

  lt::trial& trial_;
  lt::virtual_network& net_;
  std::array<side, 2> sides_;
};

/// NATs that forward a port to hosts that know each other's addresses.
class direct_hosts final : public two_hosts {
 public:
  static constexpr bool may_corrupt = true;

  direct_hosts(lt::trial& t, std::uint64_t seed) : two_hosts(t, seed, lt::nat::port_restricted) {
    for (std::size_t i = 0; i < 2; ++i) {
      at(i).box->table.forward(5000, {inside, 4000, 0});
      peers_[i].bind_others({inside, 4000, 0});
      static_cast<void>(peers_[1 - i].add(id_of(i), {at(i).box->table.external(), 5000, 0}));
    }
  }
  void judge_delivery(std::uint64_t sent, std::uint64_t received) override {
    const std::uint64_t lost = net().statistics().lost;
    trial().require(at(0).refused + at(1).refused == 0, "I8", "a message was refused");
    trial().require(sent == received + lost, "I1",
                    "a message was neither received nor lost by a link");
    trial().require(received * 10 > sent * 7, "I8", "the sides did not keep in touch");
  }

 private:
  lockgate::provider_instance create(std::size_t i) override {
    return at(i).cp->create<lockgate::direct<lt::virtual_host>>(*at(i).host, peers_[i]);
  }
  std::array<lockgate::peer_table, 2> peers_;
};

/// A minute in the life of two hosts, with mishaps that follow from the trial's choices.
template <class Hosts>
struct lifecycle_on_network {
  std::uint64_t* received;  ///< messages, in all runs together

  void operator()(lt::trial& t) const {
    const std::uint64_t seed = t.choose(1 << 30);
    lt::split_mix random(seed);
    Hosts world(t, seed);
    lt::link_quality link;
    link.loss = static_cast<std::uint32_t>(random.below(600'001));  // F59: up to 60 %
    link.jitter = std::chrono::milliseconds(random.below(2500));
    link.duplication = static_cast<std::uint32_t>(random.below(100'001));
    link.reordering = static_cast<std::uint32_t>(random.below(200'001));
    link.corruption = random.below(2) == 1 && Hosts::may_corrupt ? 50'000 : 0;
    world.at(0).box->link = link;
    lockgate::platform_options options;
    options.idle_time = 10s;
    world.start(options);
    for (std::size_t i = 0; i < 2; ++i) world.send_every(i, 1s, 30);
    for (int round = 0; round < 12; ++round) {
      t.run_for(std::chrono::milliseconds(random.below(10'000)));
      mishap(t, world, random);
    }
    heal(world);
    for (std::size_t i = 0; i < 2; ++i) world.end_session(i);
    t.run_for(120s);
    world.close();
    t.run_for(1s);
    t.finish();
    for (std::size_t i = 0; i < 2; ++i) {
      *received += world.at(i).received;
      t.require(world.at(i).damaged <= world.net().statistics().corrupted, "G37",
                "a message was damaged that no link had corrupted");
      t.require(world.at(i).host->buffers().statistics().outstanding == 0, "I5",
                "a buffer was not returned");
    }
  }

 private:
  static void mishap(lt::trial& t, two_hosts& world, lt::split_mix& random) {
    const std::size_t i = random.below(2);
    side& s = world.at(i);
    switch (random.below(9)) {
      case 0: s.box->reboot(); break;
      case 1: s.box->rebind(); break;
      case 2: s.box->link.up = !s.box->link.up; break;
      case 3: s.host->link.up = !s.host->link.up; break;
      case 4:
        if (s.host->addresses().empty()) s.host->add_address(lockgate::ip_address::v4(10, 0, 0, 2));
        else s.host->remove_address(lockgate::ip_address::v4(10, 0, 0, 2));
        break;
      case 5:
      case 6:
        world.end_session(i);
        world.begin_session(i);
        break;
      case 7:
        s.end.close();
        world.mishap(random);
        break;
      default: t.start(stops(s.cp, random.below(2) == 1)); break;
    }
  }
  /// Faults off: from here on progress is demanded (I8).
  static void heal(two_hosts& world) {
    for (std::size_t i = 0; i < 2; ++i) {
      world.at(i).box->link = lt::link_quality();
      world.at(i).host->link = lt::link_quality();
    }
  }
  static lockgate::task<> stops(lockgate::platform* cp, bool really) {
    if (!really) co_return;
    const lockgate::status stopped = co_await cp->stop();
    static_cast<void>(stopped);
  }
};

/// Years of two hosts that keep each other informed, at a loss of 20 %.
template <class Hosts>
struct years_on_network {
  double years = 10;
  lockgate::duration interval = 25s;
  mutable std::uint64_t sent = 0, refused = 0, received = 0;
  mutable lockgate::duration longest_gap{};

  void operator()(lt::trial& t) const {
    Hosts world(t, 1);
    world.at(0).box->link.loss = 200'000;
    world.at(0).box->link.jitter = 50ms;
    world.start(lockgate::platform_options());
    const auto seconds = static_cast<std::uint64_t>(years * 365.25 * 86'400);
    const std::uint64_t count = seconds / static_cast<std::uint64_t>(interval / 1s);
    for (std::size_t i = 0; i < 2; ++i) world.send_every(i, interval, count);
    lt::split_mix random(2);
    const lockgate::time_point end = t.now() + std::chrono::seconds(seconds);
    while (t.now() < end && !t.first()) {
      t.run_for(std::chrono::seconds(random.below(14 * 86'400)));  // some week or other
      switch (random.below(3)) {
        case 0: world.at(1).box->reboot(); break;
        case 1:
          world.at(0).box->rebind();
          world.mishap(random);
          break;
        default:
          world.at(1).box->link.up = false;  // the line is down for a while
          t.run_for(std::chrono::seconds(random.below(3600)));
          world.at(1).box->link.up = true;
      }
    }
    t.run_for(interval * 2);
    for (std::size_t i = 0; i < 2; ++i) world.end_session(i);
    t.run_for(120s);
    world.close();
    t.run_for(1s);
    t.finish();
    for (std::size_t i = 0; i < 2; ++i) {
      sent += world.at(i).sent;
      refused += world.at(i).refused;
      received += world.at(i).received;
      longest_gap = std::max(longest_gap, world.at(i).longest_gap);
    }
    world.judge_delivery(sent, received);
  }
};

}  // namespace proof

// The same two hosts behind NATs that nobody can get through, with the turn provider and a server.
#pragma once

#include "lockgate/crypto/openssl.hpp"                // for openssl_crypto
#include "lockgate/net/signalling.hpp"                // for signalling
#include "lockgate/testing/scripted_turn_server.hpp"  // for scripted_turn_server
#include "lockgate/turn/turn.hpp"                     // for turn
#include "proof/network.hpp"                          // for two_hosts

#include <algorithm>  // for find
#include <cstdint>    // for uint64_t
#include <utility>    // for move
#include <vector>     // for vector

namespace proof {

/// Signalling that takes a while, and loses one blob in five.
class lossy_signalling final : public lockgate::signalling {
 public:
  explicit lossy_signalling(std::uint64_t seed) : random_(seed) {}
  lockgate::task<lockgate::status> send(lockgate::signal_message message) override {
    const lockgate::status slept = co_await lockgate::sleep_for(50ms);
    if (!slept.ok()) co_return slept;
    if (random_.chance(200'000)) co_return lockgate::status();
    for (lockgate::signal_sink* const sink : sinks_) {
      if (!sink->has_id(message.to)) continue;
      sink->signal_arrived(std::move(message));
      co_return lockgate::status();
    }
    co_return lockgate::errc::unreachable;
  }
  void attach(lockgate::signal_sink& sink) override { sinks_.push_back(&sink); }
  void detach(lockgate::signal_sink& sink) noexcept override {
    if (const auto at = std::find(sinks_.begin(), sinks_.end(), &sink); at != sinks_.end())
      sinks_.erase(at);
  }
  void id_in_use(lockgate::signal_sink&, const lockgate::transport_id&, bool) override {}

 private:
  lt::split_mix random_;
  std::vector<lockgate::signal_sink*> sinks_;
};

/// Symmetric NATs, and a TURN server that reboots now and then.
class relayed_hosts final : public two_hosts {
 public:
  /// A damaged ChannelData header says another length, which is nobody's fault; so none is damaged.
  static constexpr bool may_corrupt = false;

  relayed_hosts(lt::trial& t, std::uint64_t seed)
      : two_hosts(t, seed, lt::nat::symmetric),
        relay_(net().add_host(net().internet(), lockgate::ip_address::v4(203, 0, 113, 1))),
        signals_(t.make<lossy_signalling>(seed)), tasks_(t.home()),
        server_(relay_, tasks_, lockgate::ip_address::v4(203, 0, 113, 1)) {
    lt::virtual_name name;
    name.addresses = relay_.addresses();
    net().set_name("turn.example", name);
    lockgate::turn_server one("turn.example", {"alice", server_.password});
    one.port = server_.at().port;
    one.tcp = one.tls = false;
    options_.servers.push_back(one);
  }
  void mishap(lt::split_mix& random) override {
    if (random.below(2) == 1) server_.reboot();
  }
  void close() override { server_.close(); }
  void judge_delivery(std::uint64_t sent, std::uint64_t received) override {
    trial().require(received * 10 > sent * 7, "I8", "the sides did not keep in touch");
    for (std::size_t i = 0; i < 2; ++i)
      trial().require(at(i).longest_gap < 2h, "I8", "the sides lost each other for good");
    trial().require(server_.allocations() == 0, "I6", "the server was left with an allocation");
  }

 private:
  void prepare(lockgate::platform& cp) override { cp.use_signalling(signals_); }
  lockgate::provider_instance create(std::size_t i) override {
    using provider = lockgate::turn<lt::virtual_host, lockgate::openssl_crypto>;
    return at(i).cp->create<provider>(*at(i).host, options_);
  }

  lt::virtual_host& relay_;
  lossy_signalling& signals_;
  lockgate::turn_options options_;
  lockgate::task_group tasks_;
  lt::scripted_turn_server<lt::virtual_host, lockgate::openssl_crypto> server_;
};

}  // namespace proof

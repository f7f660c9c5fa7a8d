// A TURN server whose every answer the test chooses, and a client driven against it in virtual
// time.
#pragma once

#include "lockgate/crypto/openssl.hpp"
#include "lockgate/testing/turn_replies.hpp"
#include "lockgate/turn/client.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lockgate_test {

namespace stun = lockgate::stun;
using lockgate::ip_address;
using lockgate::openssl_crypto;
using lockgate::socket_address;
using lockgate::time_point;
using stun::attribute_type;
using stun::error_code;
using stun::message_class;
using stun::method;
using namespace std::chrono_literals;
using packet = std::vector<std::byte>;

/// Numbers that look random and are the same in every run.
class fixed_random final : public lockgate::random_source {
 public:
  explicit fixed_random(std::uint64_t seed = 1) : state_(seed) {}
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      b = static_cast<std::byte>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

inline const socket_address relay_v4{ip_address::v4(192, 0, 2, 15), 50000};
inline const socket_address relay_v6{
    ip_address(std::array<std::byte, 16>{std::byte{0x20}, std::byte{1}, std::byte{0xd},
                                         std::byte{0xb8}, std::byte{7}}),
    50001};
inline const socket_address client_seen{ip_address::v4(198, 51, 100, 7), 4711};
inline const socket_address server_at{ip_address::v4(203, 0, 113, 1), 3478};
inline const socket_address peer_a{ip_address::v4(203, 0, 113, 77), 1000};
inline const socket_address peer_b{ip_address::v4(203, 0, 113, 78), 2000};

inline stun::message_view view(const packet& bytes) {
  return stun::message_view::parse(bytes).value();
}
inline std::string text(const packet& bytes, attribute_type type) {
  const auto a = view(bytes).find(type);
  return a ? std::string(stun::text_of(a->value)) : std::string("(none)");
}
inline bool has(const packet& bytes, attribute_type type) {
  return view(bytes).find(type).has_value();
}

/// A server with one user, whose allocation and client are where the tests expect them.
class scripted_server : public lockgate::testing::turn_replies<openssl_crypto> {
 public:
  scripted_server() {
    relayed = relay_v4;
    mapped = client_seen;
  }
};
using extra_attributes = scripted_server::extra_attributes;

/// A client, its clock, and what it wanted to do.
class turn_rig {
 public:
  explicit turn_rig(const stun::turn_config& config = {})
      : auth("alice", "secret-of-alice"), client(config, auth, random) {}

  /// Performs the client's actions until it waits: sends go to `sent`, the others to `told`.
  void pump() {
    for (;;) {
      const auto action = client.next(now);
      if (action.type == stun::turn_action_type::wait) {
        deadline = action.deadline;
        return;
      }
      if (action.type == stun::turn_action_type::send)
        sent.emplace_back(action.bytes.begin(), action.bytes.end());
      else told.push_back(action);
    }
  }
  void start() {
    client.start(server_at, now);
    pump();
  }
  stun::turn_received give(const packet& bytes) {
    const auto out = client.receive(bytes, now);
    pump();
    return out;
  }
  /// Takes the oldest message sent.
  packet take() {
    packet out = sent.empty() ? packet{} : sent.front();
    if (!sent.empty()) sent.erase(sent.begin());
    return out;
  }
  /// Takes the oldest event; `wait` if there was none.
  stun::turn_action take_told() {
    stun::turn_action out;
    if (!told.empty()) {
      out = told.front();
      told.erase(told.begin());
    }
    return out;
  }
  void advance_to(time_point t) {
    now = t;
    pump();
  }
  /// Lets time pass, waking up at each deadline on the way.
  void advance(lockgate::duration d) {
    const auto end = now + d;
    while (deadline < end) advance_to(std::max(deadline, now));
    advance_to(end);
  }
  /// Lets the server answer honestly until nothing is left to answer.
  void serve(scripted_server& server) {
    for (int i = 0; i < 100 && !sent.empty(); ++i) give(server.honest(take()));
  }
  /// Allocation up, event taken.
  void allocate(scripted_server& server) {
    start();
    serve(server);
    static_cast<void>(take_told());
  }

  fixed_random random;
  stun::authenticator<openssl_crypto> auth;
  stun::turn_client<openssl_crypto> client;
  time_point now{1h};
  time_point deadline = lockgate::never;
  std::vector<packet> sent;
  std::vector<stun::turn_action> told;
};

}  // namespace lockgate_test

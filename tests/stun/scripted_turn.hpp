// A TURN server whose every answer the test chooses, and a client driven against it in virtual
// time.
#pragma once

#include "lockgate/crypto/openssl.hpp"
#include "lockgate/stun/turn_client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
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

using extra_attributes = std::function<void(stun::encoder&)>;

/// Makes answers as a server with one user would.
class scripted_server {
 public:
  std::string user = "alice", password = "secret-of-alice", realm = "example.org",
              nonce = "nonce-1";
  packet algorithms;  ///< PASSWORD-ALGORITHMS to offer; none if empty
  std::uint32_t lifetime = 600;
  bool sha256_key = false;
  bool sha256_code = false;

  packet success(const packet& request, const extra_attributes& extra = {}) {
    return make(message_class::success, request, true, extra);
  }
  packet error(const packet& request, error_code code, bool sign,
               const extra_attributes& extra = {}) {
    return make(message_class::error, request, sign, [&](stun::encoder& e) {
      e.error(code, "as the script says");
      if (extra) extra(e);
    });
  }
  packet challenge(const packet& request, error_code code = error_code::unauthenticated) {
    return error(request, code, false, [&](stun::encoder& e) {
      e.text(attribute_type::realm, realm);
      e.text(attribute_type::nonce, nonce);
      if (!algorithms.empty()) e.bytes(attribute_type::password_algorithms, algorithms);
    });
  }
  packet allocated(const packet& request, const socket_address& relayed = relay_v4) {
    return success(request, [&](stun::encoder& e) {
      e.xor_address(attribute_type::xor_relayed_address, relayed);
      e.xor_address(attribute_type::xor_mapped_address, client_seen);
      e.u32(attribute_type::lifetime, lifetime);
    });
  }
  packet refreshed(const packet& request) {
    return success(request, [&](stun::encoder& e) { e.u32(attribute_type::lifetime, lifetime); });
  }
  /// What an honest server says, whose allocation exists iff `has_allocation`.
  packet honest(const packet& request) {
    const auto m = view(request);
    if (!has(request, attribute_type::nonce)) return challenge(request);
    if (text(request, attribute_type::nonce) != nonce)
      return challenge(request, error_code::stale_nonce);
    if (!verifies(request)) return challenge(request);
    if (m.method() == method::allocate) {
      if (has_allocation) return error(request, error_code::allocation_mismatch, true);
      has_allocation = true;
      return allocated(request);
    }
    if (!has_allocation) return error(request, error_code::allocation_mismatch, true);
    if (m.method() != method::refresh) return success(request);
    if (*stun::read_u32(*m.find(attribute_type::lifetime)) == 0) has_allocation = false;
    return refreshed(request);
  }
  bool has_allocation = false;

  bool verifies(const packet& request) {
    if (sha256_code) {
      auto key = hmac256();
      return stun::has_valid_integrity_sha256(view(request), key);
    }
    auto key = hmac1();
    return stun::has_valid_integrity(view(request), key);
  }
  static packet data_indication(const socket_address& from, const packet& payload) {
    packet out(1500);
    stun::encoder e(out, message_class::indication, method::data, {});
    e.xor_address(attribute_type::xor_peer_address, from);
    e.bytes(attribute_type::data, payload);
    out.resize(e.size());
    return out;
  }

 private:
  packet key() {
    const auto parts = {stun::bytes_of(user), stun::bytes_of(":"), stun::bytes_of(realm),
                        stun::bytes_of(":"), stun::bytes_of(password)};
    packet out;
    if (sha256_key) {
      const auto k = openssl_crypto::sha256(parts).value();
      out.assign(k.begin(), k.end());
    } else {
      const auto k = openssl_crypto::md5(parts).value();
      out.assign(k.begin(), k.end());
    }
    return out;
  }
  openssl_crypto::hmac_sha1 hmac1() { return openssl_crypto::hmac_sha1(key()); }
  openssl_crypto::hmac_sha256 hmac256() { return openssl_crypto::hmac_sha256(key()); }

  packet make(message_class kind, const packet& request, bool sign, const extra_attributes& extra) {
    packet out(2000);
    stun::encoder e(out, kind, view(request).method(), view(request).id());
    if (extra) extra(e);
    if (sign && sha256_code) {
      auto k = hmac256();
      e.integrity_sha256(k);
    } else if (sign) {
      auto k = hmac1();
      e.integrity(k);
    }
    out.resize(e.finish().value().size());
    return out;
  }
};

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

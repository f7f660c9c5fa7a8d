// Fuzz target: a TURN client against a server whose every answer the input chooses, with the
// client's real transaction ids and nonces, so that the session behind the handshake is reached.
#include "fuzz/input.hpp"
#include "support/scripted_turn.hpp"

#include <cstdint>

using namespace lockgate_test;
using action = stun::turn_action_type;
using fuzz::choices;
using fuzz::require;

namespace {

class session {
 public:
  explicit session(choices& from)
      : from_(from), config_(configure(from.one())), auth_("alice", "secret-of-alice"),
        client_(config_, auth_, random_) {}

  void run() {
    client_.start(server_at, now_);
    drain();
    for (int steps = 0; from_.more() && steps < 400; ++steps) {
      step();
      drain();
    }
    client_.release(now_);
    drain();
    for (int i = 0; i < 20 && !released_; ++i) {
      now_ = std::max(now_, deadline_ == lockgate::never ? now_ : deadline_);
      drain();
    }
    require(released_);  // it always comes to rest
  }

 private:
  static stun::turn_config configure(unsigned bits) {
    stun::turn_config config;
    config.requests.via = bits & 1 ? stun::transport::stream : stun::transport::datagram;
    config.families = static_cast<stun::turn_families>((bits >> 1 & 3) % 3);
    config.dont_fragment = (bits & 8) != 0;
    config.allow_private_peers = (bits & 16) != 0;
    return config;
  }

  void drain() {
    for (int actions = 0;; ++actions) {
      require(actions < 2000);
      const auto a = client_.next(now_);
      if (a.type == action::wait) {
        require(a.deadline > now_);
        deadline_ = a.deadline;
        return;
      }
      if (a.type == action::send) {
        require(stun::message_view::parse(a.bytes).has_value());
        require(stun::text_of(a.bytes).find("secret-of-alice") == std::string_view::npos);
        if (requests_.size() < 32) requests_.emplace_back(a.bytes.begin(), a.bytes.end());
      }
      if (a.type == action::allocated)
        require(client_.is_allocated() && (client_.relayed(stun::address_family::v4) ||
                                           client_.relayed(stun::address_family::v6)));
      released_ = a.type == action::released;
      if (a.type == action::reconnect) {
        require(a.deadline >= now_);
        now_ = a.deadline;
        requests_.clear();
        server_.has_allocation = false;
        client_.start(a.address, now_);
      }
    }
  }

  void give(const packet& bytes) {
    const auto got = client_.receive(bytes, now_);
    if (got.type != stun::turn_received_type::data) return;
    require(got.offset + got.length <= bytes.size());
    require(got.peer == 0 || stun::is_channel(got.peer));
  }

  packet request() {
    if (requests_.empty()) return {};
    const std::size_t at = from_.one() % requests_.size();
    packet out = requests_[at];
    requests_.erase(requests_.begin() + static_cast<std::ptrdiff_t>(at));
    return out;
  }

  extra_attributes random_extras() {
    const unsigned type = from_.one() << 8 | from_.one();
    const packet value = from_.raw(from_.one() % 64);
    const unsigned relay = from_.one();
    return [=](stun::encoder& e) {
      if (relay & 1) e.xor_address(attribute_type::xor_relayed_address, relay_v4);
      if (relay & 2) e.xor_address(attribute_type::xor_relayed_address, relay_v6);
      if (relay & 4) e.u32(attribute_type::lifetime, relay << 4);
      if (relay & 8) e.text(attribute_type::realm, "example.org");
      if (relay & 16) e.text(attribute_type::nonce, "obMatJos2wAAAx");
      if (relay & 32)
        e.address(attribute_type::alternate_server,
                  {relay_v4.ip, static_cast<std::uint16_t>(type)});
      e.bytes(attribute_type{static_cast<std::uint16_t>(type)}, value);
    };
  }

  void step() {
    switch (from_.one() % 14) {
      case 0:
      case 1:
        if (const packet r = request(); !r.empty()) give(server_.honest(r));
        break;
      case 2:  // a challenge with another nonce, cookie or algorithms
        if (const packet r = request(); !r.empty()) {
          const unsigned how = from_.one();
          server_.nonce = how & 1 ? "obMatJos2gAAA" : "plain";
          server_.nonce += static_cast<char>('a' + (how >> 4));
          server_.algorithms.clear();
          if (how & 2)
            server_.algorithms = {std::byte{0}, static_cast<std::byte>(how >> 2 & 3), std::byte{0},
                                  std::byte{0}};
          server_.sha256_code = !server_.algorithms.empty();
          server_.sha256_key = server_.sha256_code && (how >> 2 & 3) == 2;
          give(server_.challenge(r,
                                 how & 8 ? error_code::stale_nonce : error_code::unauthenticated));
        }
        break;
      case 3:  // any error, signed or not
        if (const packet r = request(); !r.empty()) {
          const unsigned which = from_.one();
          constexpr error_code known[] = {error_code::try_alternate,
                                          error_code::bad_request,
                                          error_code::forbidden,
                                          error_code::unknown_attribute,
                                          error_code::allocation_mismatch,
                                          error_code::address_family_not_supported,
                                          error_code::wrong_credentials,
                                          error_code::unsupported_transport,
                                          error_code::peer_family_mismatch,
                                          error_code::allocation_quota_reached,
                                          error_code::server_error,
                                          error_code::insufficient_capacity};
          give(
              server_.error(r, known[(which >> 1) % std::size(known)], which & 1, random_extras()));
        }
        break;
      case 4:  // success with attributes of the input's choice
        if (const packet r = request(); !r.empty()) give(server_.success(r, random_extras()));
        break;
      case 5:  // an honest answer, damaged
        if (const packet r = request(); !r.empty()) {
          packet answer = server_.honest(r);
          answer[from_.one() % answer.size()] ^= static_cast<std::byte>(from_.one());
          give(answer);
        }
        break;
      case 6:
        if (deadline_ != lockgate::never) now_ = std::max(now_, deadline_);
        break;
      case 7: now_ += std::chrono::seconds(from_.one()); break;
      case 8: {
        const socket_address address{
            ip_address::v4(203, 0, 113, static_cast<std::uint8_t>(from_.one())),
            static_cast<std::uint16_t>(from_.one() % 4)};
        static_cast<void>(client_.add_peer(address, now_));
        break;
      }
      case 9:
        client_.remove_peer(static_cast<std::uint16_t>(stun::first_channel + from_.one() % 8));
        break;
      case 10: {
        std::array<std::byte, stun::max_turn_header_size> header{};
        const auto frame = client_.frame(
            static_cast<std::uint16_t>(stun::first_channel + from_.one() % 8), from_.one(), header);
        require(!frame || (frame->header <= header.size() && frame->padding < 4));
        break;
      }
      case 11:
        give(scripted_server::data_indication(
            {ip_address::v4(203, 0, 113, static_cast<std::uint8_t>(from_.one())), 1},
            from_.raw(from_.one())));
        break;
      case 12: {
        packet bytes = {std::byte{0x40}, static_cast<std::byte>(from_.one() % 8), std::byte{0},
                        static_cast<std::byte>(from_.one())};
        const packet payload = from_.raw(from_.one());
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        give(bytes);
        break;
      }
      case 13: give(from_.raw(from_.one())); break;
    }
  }

  choices& from_;
  fixed_random random_;
  stun::turn_config config_;
  stun::authenticator<openssl_crypto> auth_;
  stun::turn_client<openssl_crypto> client_;
  scripted_server server_;
  std::vector<packet> requests_;
  time_point now_{std::chrono::hours(1)};
  time_point deadline_ = lockgate::never;
  bool released_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  choices from(std::as_bytes(std::span(data, size)));
  session(from).run();
  return 0;
}

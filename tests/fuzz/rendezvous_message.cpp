// Fuzz target: messages of the rendezvous, signed with the right key so that what is inside them is
// reached, and a router that gets them.
#include "lockgate/signalling/rendezvous_message.hpp"
#include "fuzz/input.hpp"
#include "lockgate/crypto/openssl.hpp"
#include "lockgate/signalling/rendezvous_router.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace stun = lockgate::stun;
using fuzz::require;

namespace {

using router = lockgate::rendezvous_router<unsigned, lockgate::openssl_crypto>;

/// A message with the attributes that the input chooses, in its order.
std::vector<std::byte> signed_message(fuzz::choices& from,
                                      lockgate::openssl_crypto::hmac_sha256& hmac) {
  constexpr stun::attribute_type known[] = {
      lockgate::detail::rendezvous_from, lockgate::detail::rendezvous_to,
      lockgate::detail::rendezvous_channel, lockgate::detail::rendezvous_blob};
  constexpr stun::message_class kinds[] = {
      stun::message_class::request, stun::message_class::indication, stun::message_class::success,
      stun::message_class::error};
  std::vector<std::byte> out(4096);
  stun::transaction_id id{};
  const auto numbers = from.raw(2);  // small ones, so that some repeat
  for (std::size_t i = 0; i < numbers.size(); ++i) id[7 + 4 * i] = numbers[i];
  stun::encoder e(out, kinds[from.one() % 4], lockgate::detail::rendezvous_method, id);
  for (unsigned attributes = from.one() % 8; attributes > 0; --attributes) {
    const unsigned which = from.one();
    const std::size_t length = which & 0x80 ? 16 : from.one() * (which & 0x40 ? 4 : 1);
    const auto type =
        (which & 7) < 4 ? known[which & 7] : static_cast<stun::attribute_type>(0x8000 + from.one());
    e.bytes(type, from.raw(length));
  }
  e.integrity_sha256(hmac);
  require(e.ok());
  out.resize(e.size());
  return out;
}

void check(std::span<const std::byte> bytes, lockgate::openssl_crypto::hmac_sha256& hmac) {
  const auto got = lockgate::decode(bytes, hmac);
  if (!got) return;
  const auto again = lockgate::encode(*got, hmac);
  const auto& s = got->signal;
  require(again.has_value() ==
          (s.blob.size() <= got->longest_blob && s.channel.size() <= got->longest_channel));
  if (!again) return;
  const auto copy = lockgate::decode(*again, hmac);
  require(copy && copy->kind == got->kind && copy->sender == got->sender &&
          copy->count == got->count && copy->signal.from == s.from && copy->signal.to == s.to &&
          copy->signal.channel == s.channel && copy->signal.blob == s.blob);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono_literals;
  static lockgate::openssl_crypto::hmac_sha256 hmac(stun::bytes_of("a key"));
  const auto input = std::as_bytes(std::span(data, size));
  require(!lockgate::decode(input, hmac));  // nobody has signed it

  router server("a key");
  lockgate::time_point now{1h};
  fuzz::choices from(input);
  for (int messages = 0; from.more() && messages < 32; ++messages) {
    const auto bytes = signed_message(from, hmac);
    check(bytes, hmac);
    const unsigned how = from.one();
    now += std::chrono::seconds(how >> 2);
    server.receive(bytes, how & 3, now, [&](unsigned to, std::span<const std::byte> sent) {
      require(to < 4);
      require(lockgate::decode(sent, hmac).has_value());
    });
    if (how == 255) server.forget(0);
  }
  return 0;
}

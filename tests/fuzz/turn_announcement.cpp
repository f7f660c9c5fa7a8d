// Fuzz target: what the turn providers of two peers tell each other.
#include "fuzz/input.hpp"
#include "lockgate/turn/announcement.hpp"

#include <cstdint>

using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  const auto got = lockgate::turn_announcement::decode(input);
  if (!got) return 0;
  require(got->v4.port == 0 || got->v4.ip.is_v4());
  require(got->v6.port == 0 || !got->v6.ip.is_v4());
  const auto bytes = got->encode();
  require(bytes.size() <= size);  // a later version may say more behind it
  for (std::size_t i = 0; i < bytes.size(); ++i)
    require(i == 1 ? (bytes[i] == (input[i] & std::byte{1})) : bytes[i] == input[i]);
  return 0;
}

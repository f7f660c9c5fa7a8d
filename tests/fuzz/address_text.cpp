// Fuzz target: addresses as text. What is accepted is what the system accepts, and is written back
// in a form that means the same.
#include "lockgate/base/address_text.hpp"
#include "fuzz/input.hpp"

#include <arpa/inet.h>
#include <cstdint>
#include <cstring>
#include <string>

using fuzz::require;

namespace {

/// The system's opinion about an address without port.
bool system_parses(const std::string& text, lockgate::ip_address& out) {
  if (text.find('\0') != text.npos) return false;
  if (std::array<std::uint8_t, 4> v4{}; inet_pton(AF_INET, text.c_str(), v4.data()) == 1) {
    out = lockgate::ip_address::v4(v4[0], v4[1], v4[2], v4[3]);
    return true;
  }
  std::array<std::byte, 16> v6{};
  if (inet_pton(AF_INET6, text.c_str(), v6.data()) != 1) return false;
  out = lockgate::ip_address(v6);
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto ip = lockgate::parse_ip_address(text);
  lockgate::ip_address theirs;
  require(system_parses(text, theirs) == ip.has_value());
  if (ip) {
    require(*ip == theirs);
    const std::string written = lockgate::to_string(*ip);
    require(lockgate::parse_ip_address(written) && *lockgate::parse_ip_address(written) == *ip);
  }
  if (const auto address = lockgate::parse_socket_address(text)) {
    lockgate::socket_address seen = *address;
    if (seen.ip.is_v4()) seen.scope = 0;  // written only where it means something
    const auto again = lockgate::parse_socket_address(lockgate::to_string(*address));
    require(again && *again == seen);
  }
  return 0;
}

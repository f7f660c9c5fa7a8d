// Socket addresses as Asio spells them, and back.
#pragma once

#include "lockgate/base/address.hpp"  // for socket_address, ip_address

#include <asio/ip/address.hpp>  // for address
#include <asio/ip/udp.hpp>      // for udp::endpoint

#include <array>    // for array
#include <cstddef>  // for byte, size_t
#include <cstring>  // for memcpy

namespace lockgate::inline v0 {

/// The address as an endpoint of `Protocol`: IPv4 when it is v4-mapped, unless `as_v6` asks for the
/// mapped form that a dual-stack socket takes.
template <class Protocol = asio::ip::udp>
// NOLINTNEXTLINE(bugprone-exception-escape): Asio checks again what holds here
[[nodiscard]] typename Protocol::endpoint to_endpoint(const socket_address& address,
                                                      bool as_v6 = false) noexcept {
  if (address.ip.is_v4() && !as_v6) return {asio::ip::address_v4(address.ip.to_v4()), address.port};
  asio::ip::address_v6::bytes_type bytes{};
  std::memcpy(bytes.data(), address.ip.bytes().data(), bytes.size());
  return {asio::ip::address_v6(bytes, address.scope), address.port};
}

/// The address of an endpoint.
template <class Endpoint>
// NOLINTNEXTLINE(bugprone-exception-escape): as above
[[nodiscard]] socket_address from_endpoint(const Endpoint& endpoint) noexcept {
  socket_address out;
  out.port = endpoint.port();
  if (endpoint.address().is_v4()) {
    out.ip = ip_address::v4(static_cast<std::uint32_t>(endpoint.address().to_v4().to_uint()));
    return out;
  }
  const asio::ip::address_v6 v6 = endpoint.address().to_v6();
  const auto from = v6.to_bytes();
  std::array<std::byte, 16> bytes{};
  std::memcpy(bytes.data(), from.data(), bytes.size());
  out.ip = ip_address(bytes);
  out.scope = static_cast<std::uint32_t>(v6.scope_id());
  return out;
}

}  // namespace lockgate::inline v0

// The peers of the contender under test: they fill its socket and take its replies.
#pragma once

#include "contender.hpp"   // for traffic
#include "udp_socket.hpp"  // for udp_socket

#include <cstddef>  // for size_t, byte
#include <cstdint>  // for uint32_t
#include <vector>   // for vector

namespace bench {

/// What the load generator does.
struct load {
  traffic sent;           ///< how datagrams leave the peers
  std::size_t peers;      ///< sockets that take turns, packet by packet
  bool peers_use_gro;     ///< whether the kernel may hand replies to the peers as whole trains
  std::size_t size;       ///< bytes in each datagram
  std::size_t cores = 1;  ///< the port of peer `i` is `i` modulo this
};

/// Sockets that send numbered datagrams to one address and check what comes back.
class load_generator {
 public:
  explicit load_generator(const load& what);

  /// Names the address that the peers send to.
  void aim_at(const sockaddr_in& target);

  /// The peers' addresses.
  [[nodiscard]] std::vector<sockaddr_in> addresses() const;

  /// Puts `count` datagrams into the target's socket.
  /// Requires: a multiple of `train_length`.
  void fill(std::size_t count);

  /// Takes the replies to all datagrams sent so far.
  /// Errors: throws when one is missing, has another length, or is out of its peer's order.
  void take_replies();

 private:
  struct peer {
    udp_socket socket;
    std::uint32_t sent = 0;
    std::uint32_t returned = 0;
  };

  [[nodiscard]] bool is_wanted(const udp_socket& socket, std::size_t number) const;
  void take_reply(peer& from);

  load load_;
  std::size_t per_packet_;  // datagrams in each packet sent
  std::vector<peer> peers_;
  std::vector<std::byte> outgoing_;
  std::vector<std::byte> incoming_;
};

/// Datagrams in each train that the generator sends.
inline constexpr std::size_t train_length = 32;

}  // namespace bench

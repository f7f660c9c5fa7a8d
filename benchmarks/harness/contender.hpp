// What a contender of the data path questions is, and how it enters.
#pragma once

#include <netinet/in.h>  // for sockaddr_in

#include <cstddef>  // for size_t
#include <cstdint>  // for uint64_t
#include <memory>   // for unique_ptr
#include <string>   // for string
#include <utility>  // for move
#include <vector>   // for vector

namespace bench {

/// What is asked of a contender. The program measures each contender only against others of the
/// same question.
enum class question {
  receive,     ///< take the datagrams that wait in the socket and look at their length
  echo,        ///< send each of them back to the peer it came from
  round_trip,  ///< send one datagram between two own sockets and back, again and again
  per_core,    ///< the same as echo, on each of several threads at once, all bound to one port
};

/// How the datagrams of `receive` and `echo` arrive.
enum class traffic {
  plain,   ///< each datagram is one packet
  trains,  ///< equal datagrams are packed into segmented packets (UDP_SEGMENT)
};

/// What a contender is told. It is not told what traffic to expect or what its peers can take.
struct workload {
  std::size_t size;                ///< bytes in each datagram
  sockaddr_in local;               ///< the address to bind; a round trip's other end is its own
  std::vector<sockaddr_in> peers;  ///< where datagrams come from; empty for a round trip
  bool share_port = false;         ///< others bind the address too (SO_REUSEPORT)
};

/// One way to answer a question. Sockets, buffers and loops are made by the constructor, which
/// takes a `const workload&` and is not timed.
class contender {
 public:
  virtual ~contender() = default;

  /// Handles exactly `count` datagrams (or round trips) and returns the payload bytes it received.
  /// This call alone is timed. For `receive` and `echo` the datagrams are in the socket already.
  /// Errors: an exception fails the row; waiting for ever is ended by the watchdog.
  virtual std::size_t run(std::size_t count) = 0;

  /// How often a payload has been copied in user space so far, for those who count it.
  [[nodiscard]] virtual std::uint64_t copies() const { return 0; }
};

/// A contender as it entered.
struct entry {
  question asked;
  std::string name;
  std::vector<traffic> takes;
  std::unique_ptr<contender> (*make)(const workload&);
};

/// All contenders that are linked into the program.
inline std::vector<entry>& entries() {
  static std::vector<entry> all;
  return all;
}

/// Enters a contender: a namespace-scope `const enter<my_type> entered{...};` in its own file.
template <typename Contender>
struct enter {
  enter(question asked, std::string name, std::vector<traffic> takes = {traffic::plain}) {
    entries().push_back({asked, std::move(name), std::move(takes),
                         [](const workload& work) -> std::unique_ptr<contender> {
                           return std::make_unique<Contender>(work);
                         }});
  }
};

}  // namespace bench

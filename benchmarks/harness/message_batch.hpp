// The arrays that recvmmsg and sendmmsg want, for the C contenders.
#pragma once

#include "offload.hpp"     // for segment_control
#include "udp_socket.hpp"  // for checked

#include <array>    // for array
#include <cstddef>  // for size_t
#include <vector>   // for vector

namespace bench {

/// Room to receive up to `Messages` datagrams or trains with one system call.
template <std::size_t Messages>
class message_batch {
 public:
  /// Each message gets `room` bytes. Without `trains` no control data is asked for.
  message_batch(std::size_t room, bool trains)
      : room_(room), trains_(trains), bytes_(Messages * room) {}

  /// Takes what waits in the socket, and returns how many messages that was.
  /// Errors: throws when nothing waits.
  std::size_t receive(int fd) {
    for (std::size_t i = 0; i < Messages; ++i) {
      spaces_[i] = {&bytes_[i * room_], room_};
      msghdr& header = messages_[i].msg_hdr;
      header = {};
      header.msg_name = &names_[i];
      header.msg_namelen = sizeof names_[i];
      header.msg_iov = &spaces_[i];
      header.msg_iovlen = 1;
      if (trains_) {
        header.msg_control = controls_[i].bytes;
        header.msg_controllen = sizeof controls_[i].bytes;
      }
    }
    return static_cast<std::size_t>(
        checked(::recvmmsg(fd, messages_.data(), Messages, MSG_DONTWAIT, nullptr), "recvmmsg"));
  }

  /// The received messages: each iovec is room, each `msg_len` is what arrived.
  [[nodiscard]] mmsghdr* data() { return messages_.data(); }
  [[nodiscard]] mmsghdr& operator[](std::size_t i) { return messages_[i]; }
  [[nodiscard]] segment_control& control(std::size_t i) { return controls_[i]; }

 private:
  std::size_t room_;
  bool trains_;
  std::vector<char> bytes_;
  std::array<mmsghdr, Messages> messages_{};
  std::array<iovec, Messages> spaces_{};
  std::array<sockaddr_in, Messages> names_{};
  std::array<segment_control, Messages> controls_{};
};

/// Sends all messages, however many calls that takes.
inline void send_all(int fd, mmsghdr* messages, std::size_t count) {
  for (std::size_t sent = 0; sent < count;)
    sent += static_cast<std::size_t>(checked(
        ::sendmmsg(fd, messages + sent, static_cast<unsigned>(count - sent), 0), "sendmmsg"));
}

}  // namespace bench

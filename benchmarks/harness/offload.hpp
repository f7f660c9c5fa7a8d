// The control messages of UDP segmentation offload: a train's segment size, read and written.
#pragma once

#include <netinet/in.h>   // for SOL_UDP
#include <netinet/udp.h>  // for UDP_GRO, UDP_SEGMENT
#include <sys/socket.h>   // for msghdr, cmsghdr

#include <cstddef>  // for size_t
#include <cstdint>  // for uint16_t
#include <cstring>  // for memcpy

namespace bench {

/// The most segments the kernel takes in one train (UDP_MAX_SEGMENTS of Linux 4.18 and later).
inline constexpr std::size_t max_segments = 64;

/// Room for a datagram or a train of any size.
inline constexpr std::size_t largest_train = 65536;

/// Room for one control message that carries a segment size.
struct segment_control {
  alignas(cmsghdr) unsigned char bytes[CMSG_SPACE(sizeof(int))];
};

/// The segment size of a received train, or `length` when it is a datagram of its own.
inline std::size_t received_segment(msghdr& message, std::size_t length) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO) continue;
    int segment = 0;
    std::memcpy(&segment, CMSG_DATA(c), sizeof segment);
    return static_cast<std::size_t>(segment);
  }
  return length;
}

/// How many datagrams a train of `length` bytes holds.
inline std::size_t segments(std::size_t length, std::size_t segment) {
  return (length + segment - 1) / segment;
}

/// Makes the kernel send a message as datagrams of `segment` bytes. The control room must live
/// until the message is sent.
inline void send_as_train(msghdr& message, segment_control& control, std::size_t segment) {
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(sizeof(std::uint16_t));
  cmsghdr* c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_UDP;
  c->cmsg_type = UDP_SEGMENT;
  c->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto value = static_cast<std::uint16_t>(segment);
  std::memcpy(CMSG_DATA(c), &value, sizeof value);
}

}  // namespace bench

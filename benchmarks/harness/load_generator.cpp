// See load_generator.hpp.
#include "load_generator.hpp"

#include "offload.hpp"  // for received_segment, largest_train

#include <cstring>    // for memcpy
#include <stdexcept>  // for runtime_error
#include <utility>    // for move

namespace bench {

load_generator::load_generator(const load& what)
    : load_(what), per_packet_(what.sent == traffic::trains ? train_length : 1),
      outgoing_(what.size * per_packet_), incoming_(largest_train) {
  std::vector<udp_socket> unwanted;  // whose ports the system must not offer again
  for (std::size_t i = 0; i < load_.peers; ++i) {
    for (; !is_wanted(peers_.emplace_back().socket, i); peers_.pop_back())
      unwanted.push_back(std::move(peers_.back().socket));
    udp_socket& socket = peers_.back().socket;
    if (load_.peers_use_gro) socket.accept_trains();
    if (load_.sent == traffic::trains) {
      const int segment = static_cast<int>(load_.size);
      checked(::setsockopt(socket.fd(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment),
              "UDP_SEGMENT");
    }
  }
}

bool load_generator::is_wanted(const udp_socket& socket, std::size_t number) const {
  return ntohs(socket.address().sin_port) % load_.cores == number % load_.cores;
}

void load_generator::aim_at(const sockaddr_in& target) {
  for (const peer& p : peers_)
    checked(::connect(p.socket.fd(), generic(target), sizeof target), "connect");
}

std::vector<sockaddr_in> load_generator::addresses() const {
  std::vector<sockaddr_in> all;
  for (const peer& p : peers_) all.push_back(p.socket.address());
  return all;
}

void load_generator::fill(std::size_t count) {
  for (std::size_t packet = 0; packet < count / per_packet_; ++packet) {
    peer& from = peers_[packet % peers_.size()];
    for (std::size_t i = 0; i < per_packet_; ++i, ++from.sent)
      std::memcpy(&outgoing_[i * load_.size], &from.sent, sizeof from.sent);
    checked(::send(from.socket.fd(), outgoing_.data(), outgoing_.size(), 0), "send");
  }
}

void load_generator::take_replies() {
  for (peer& p : peers_)
    while (p.returned != p.sent) take_reply(p);
}

void load_generator::take_reply(peer& from) {
  segment_control control;
  iovec space{incoming_.data(), incoming_.size()};
  msghdr message{};
  message.msg_iov = &space;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const auto length = static_cast<std::size_t>(
      checked(::recvmsg(from.socket.fd(), &message, MSG_DONTWAIT), "taking a reply"));
  if (received_segment(message, length) != load_.size || length % load_.size != 0)
    throw std::runtime_error("a reply has another length than what was sent");
  for (std::size_t at = 0; at < length; at += load_.size, ++from.returned)
    if (std::memcmp(&incoming_[at], &from.returned, sizeof from.returned) != 0)
      throw std::runtime_error("replies are lost or out of order");
}

}  // namespace bench

#pragma once
#include "lockgate/net/datagram_socket.hpp"
#include "lockgate/provider.hpp"

#include <array>
#include <memory>
#include <new>
#include <span>

/// A wire between two hosts: a UDP socket on this one, an address that stands for the other.
template <lockgate::datagram_network Network>
class wire {
  using socket_type = typename Network::datagram_socket_type;

 public:
  wire(Network& network, lockgate::ip_address here) : network_(network), here_{here, 0, 0} {}

  /// The host program says who is at the other end, and where.
  void connect(lockgate::transport_id peer, lockgate::socket_address there) {
    peer_ = peer;
    there_ = there;
  }
  lockgate::socket_address address() const { return socket_->local_address(); }

  void establish_session(lockgate::instance self) { instance_ = self; }

  lockgate::status transition_active() {
    try {
      auto opened = network_.open_datagram(here_);
      if (!opened) return opened.error();  // not active; the platform tries again later
      socket_ = std::make_shared<socket_type>(std::move(*opened));
      return instance_.spawn(receive(socket_));
    } catch (const std::bad_alloc&) {
      return lockgate::errc::no_memory;  // an exception would end the session
    }
  }
  lockgate::status transition_dormant() {  // nobody needs us: let the port go
    socket_->close();
    return {};
  }

  lockgate::status add_transport_id(lockgate::transport_id id) {
    local_ = id;
    return {};
  }
  lockgate::status remove_transport_id(lockgate::transport_id) {
    local_ = {};
    return {};
  }

  lockgate::status reach_transport_id(lockgate::transport_id peer) {
    return peer == peer_ ? lockgate::status() : lockgate::errc::unreachable;
  }

  lockgate::task<lockgate::accepted> send_buffers(std::span<const lockgate::outgoing> messages) {
    std::size_t done = 0;
    while (done < messages.size()) {
      const lockgate::outgoing_datagram datagram{there_, messages[done].payload};
      lockgate::status why = socket_->try_send({&datagram, 1}).why;
      if (why.ok()) ++done;
      if (why == lockgate::errc::would_block) why = co_await socket_->writable();
      if (!why.ok()) co_return lockgate::accepted(done, why);
    }
    co_return lockgate::accepted(done);
  }

  void terminate_session(lockgate::termination_reason) { socket_.reset(); }

 private:
  lockgate::task<> receive(std::shared_ptr<socket_type> socket) {
    std::array<lockgate::received_datagram, 8> datagrams;
    for (;;) {
      const lockgate::result<std::size_t> count = co_await socket->receive(datagrams);
      if (!count) co_return;  // the socket was closed, or the session is ending
      for (lockgate::received_datagram& datagram : std::span(datagrams).first(*count)) {
        if (datagram.from != there_) continue;  // not from the other end: drop it
        // What the platform refuses it has counted.
        static_cast<void>(
            instance_.indicate(lockgate::incoming(local_, peer_, std::move(datagram.payload))));
      }
    }
  }

  Network& network_;
  lockgate::socket_address here_;
  lockgate::socket_address there_;
  lockgate::transport_id local_;
  lockgate::transport_id peer_;
  lockgate::instance instance_;
  std::shared_ptr<socket_type> socket_;
};

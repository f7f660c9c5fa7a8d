// The counters of all sockets that a network has opened.
#pragma once

#include "lockgate/asio/udp_statistics.hpp"  // for udp_statistics
#include "lockgate/base/intrusive_list.hpp"  // for intrusive_list, list_link

namespace lockgate::inline v0::detail {

/// The counters of one open socket.
class counted_socket : public list_link<counted_socket> {
 public:
  udp_statistics statistics;
};

/// Those of the open sockets, and the sum of the closed ones.
class udp_totals {
 public:
  void opened(counted_socket& socket) noexcept { open_.push_back(socket); }
  void closed(counted_socket& socket) noexcept {
    closed_ += socket.statistics;
    socket.unlink();
  }
  [[nodiscard]] udp_statistics sum() noexcept {
    udp_statistics all = closed_;
    for (const counted_socket& socket : open_) all += socket.statistics;
    return all;
  }

 private:
  intrusive_list<counted_socket> open_;
  udp_statistics closed_;
};

}  // namespace lockgate::inline v0::detail

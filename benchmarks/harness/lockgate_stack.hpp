// The whole of lockgate as an application meets it: platform, direct provider, UDP in an
// io_context, all with their defaults.
#pragma once

#include "sink_provider.hpp"  // for expect_ok

#include "lockgate/asio/network.hpp"   // for asio_network
#include "lockgate/direct/direct.hpp"  // for direct
#include "lockgate/lockgate.hpp"       // for platform

#include <netinet/in.h>  // for sockaddr_in

#include <asio/io_context.hpp>  // for io_context

#include <array>      // for array
#include <cstddef>    // for byte, size_t
#include <exception>  // for exception_ptr, rethrow_exception
#include <span>       // for span
#include <utility>    // for move
#include <vector>     // for vector

namespace bench {

/// The application's messages taken with one receive.
inline constexpr std::size_t lockgate_batch = 128;

/// One platform with one instance of `direct`, and endpoints bound to given addresses.
class lockgate_stack {
 public:
  using provider = lockgate::direct<lockgate::asio_network>;

  explicit lockgate_stack(const lockgate::network_options& options = {})
      : net_(io_, options), platform_(net_), link_(platform_.create<provider>(net_, table_)),
        tasks_(net_.home()), watch_(net_.home()) {
    tasks_.on_exception(
        [](void* me, const std::exception_ptr& failure) noexcept {
          static_cast<lockgate_stack*>(me)->failure_ = failure;
        },
        this);
    run(begin(link_));
  }
  lockgate_stack(const lockgate_stack&) = delete;
  ~lockgate_stack() { run(finish(platform_)); }

  /// Gives the peer at `address` an id.
  lockgate::transport_id know(const sockaddr_in& address) {
    const lockgate::transport_id id = next_id();
    expect_ok(table_.add(id, convert(address)));
    return id;
  }
  /// Opens an endpoint whose socket is bound to `address`; others here may send to it.
  [[nodiscard]] lockgate::endpoint open(const sockaddr_in& address) {
    lockgate::endpoint_options wish;
    wish.listening = true;
    wish.proposed_id = know(address);
    table_.bind(wish.proposed_id, convert(address));
    lockgate::endpoint opened = platform_.open_endpoint(wish);
    run(wait_until_ready(opened));
    return opened;
  }

  /// Runs all of `work` to its end.
  template <class... Work>
  void run(Work... work) {
    (expect_ok(tasks_.spawn(std::move(work))), ...);
    expect_ok(watch_.spawn(stop_after(tasks_, io_)));
    io_.restart();
    io_.run();
    if (failure_) std::rethrow_exception(failure_);
  }

  /// Payload copies: by the socket, and of leases anywhere.
  [[nodiscard]] std::uint64_t copies(const lockgate::endpoint& at) const {
    return link_.get_if<provider>()->socket_of(at.id())->statistics().copies +
           lockgate::copies_made.copies;
  }
  [[nodiscard]] lockgate::platform& platform() { return platform_; }
  [[nodiscard]] const lockgate::provider_instance& link() const { return link_; }

 private:
  static lockgate::task<> stop_after(lockgate::task_group& tasks, asio::io_context& io) {
    co_await tasks.join();
    io.stop();
  }
  static lockgate::task<> begin(lockgate::provider_instance& link) {
    expect_ok(co_await link.register_instance());
  }
  static lockgate::task<> finish(lockgate::platform& all) { expect_ok(co_await all.stop()); }
  static lockgate::task<> wait_until_ready(lockgate::endpoint& opened) {
    const lockgate::result<lockgate::transport_id> id = co_await opened.ready();
    expect_ok(id.error());
  }
  static lockgate::socket_address convert(const sockaddr_in& address) {
    return {lockgate::ip_address::v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port), 0};
  }
  lockgate::transport_id next_id() {
    std::array<std::byte, lockgate::transport_id::size> bytes{};
    bytes.front() = std::byte{0xfd};
    bytes.back() = static_cast<std::byte>(++ids_);
    return lockgate::transport_id(bytes);
  }

  asio::io_context io_{1};
  lockgate::asio_network net_;
  lockgate::peer_table table_;
  lockgate::platform platform_;
  lockgate::provider_instance link_;
  lockgate::task_group tasks_, watch_;
  std::exception_ptr failure_;
  unsigned ids_ = 0;
};

}  // namespace bench

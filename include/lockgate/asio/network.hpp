// The network of a program that runs on Asio: scheduler, clock, memory and sockets in an
// io_context.
#pragma once

#include "lockgate/asio/detail/default_udp.hpp"  // for default_udp
#include "lockgate/asio/detail/io_loop.hpp"      // for io_loop
#include "lockgate/asio/detail/run_list.hpp"     // for run_list
#include "lockgate/asio/detail/udp_totals.hpp"   // for udp_totals
#include "lockgate/asio/endpoint.hpp"            // for to_endpoint, from_endpoint
#include "lockgate/asio/system_error.hpp"        // for from_asio
#include "lockgate/asio/udp_socket.hpp"          // for basic_udp_socket
#include "lockgate/base/clock.hpp"               // for time_source, steady_time
#include "lockgate/base/random.hpp"              // for random_source
#include "lockgate/base/result.hpp"              // for result
#include "lockgate/base/system_random.hpp"       // for system_random
#include "lockgate/buffer/slab_pool.hpp"         // for slab_pool
#include "lockgate/coro/scheduler.hpp"           // for scheduler
#include "lockgate/net/datagram_socket.hpp"      // for datagram_network

#include <asio/io_context.hpp>  // for io_context
#include <asio/ip/udp.hpp>      // for udp
#include <asio/ip/v6_only.hpp>  // for v6_only

#include <cstddef>       // for size_t
#include <memory>        // for make_shared, make_unique
#include <system_error>  // for error_code
#include <utility>       // for move

namespace lockgate::inline v0 {

/// How an `asio_network` is made.
struct network_options {
  std::size_t slab_size = 64 << 10;  ///< bytes; with less, no trains are received
  std::size_t slab_limit = 512;      ///< slabs in use before datagrams are dropped
  udp_options udp;                   ///< for sockets opened without options of their own
};

/// Runs lockgate inside an `io_context`.
///
/// Requires: one thread runs the `io_context`, and everything of the network is used on it;
///           `home().post()` is the door for others.
/// Lifetime: the `io_context` outlives the network, and the network its sockets and tasks. An
///           `io_context` that is destroyed later with operations pending resumes nothing.
/// Cost: on Linux up to 8 MiB for large datagrams that come among small ones; the system gives the
///       pages when they are first used, and they are kept.
template <detail::datagram_transfer Transfer>
class basic_asio_network {
 public:
  using datagram_socket_type = basic_udp_socket<Transfer>;

  explicit basic_asio_network(asio::io_context& context, const network_options& options = {})
      : basic_asio_network(context, nullptr, nullptr, options) {}
  /// The same with time and randomness from elsewhere.
  basic_asio_network(asio::io_context& context, time_source& time, random_source& random,
                     const network_options& options = {})
      : basic_asio_network(context, &time, &random, options) {}
  basic_asio_network(const basic_asio_network&) = delete;
  ~basic_asio_network() { loop_->close(); }

  [[nodiscard]] scheduler& home() noexcept { return scheduler_; }
  [[nodiscard]] slab_pool& buffers() noexcept { return pool_; }
  [[nodiscard]] asio::io_context& context() noexcept { return loop_->context(); }
  /// What all its sockets have done together, the closed ones included.
  /// Cost: an addition for each open socket, here; none where they count.
  [[nodiscard]] udp_statistics statistics() noexcept { return totals_.sum(); }
  /// The tasks that `async_run` has started and that have not ended.
  [[nodiscard]] detail::run_list& runs() noexcept { return runs_; }

  /// A socket bound to `local`: `::` takes both families, any other address its own.
  /// Errors: what the system says to opening or binding.
  [[nodiscard]] result<datagram_socket_type> open_datagram(const socket_address& local) {
    return open_datagram(local, options_.udp);
  }
  [[nodiscard]] result<datagram_socket_type> open_datagram(const socket_address& local,
                                                           const udp_options& options) {
    detail::native_udp_socket socket(context());
    std::error_code error;
    prepare(socket, local, options, error);
    if (error) return from_asio(error);
    const socket_address bound = from_endpoint(socket.local_endpoint(error));
    if (error) return from_asio(error);
    return datagram_socket_type(std::make_shared<detail::udp_channel<Transfer>>(
        loop_, *workspace_, totals_, std::move(socket), options, bound));
  }

 private:
  basic_asio_network(asio::io_context& context, time_source* time, random_source* random,
                     const network_options& options)
      : options_(options), scheduler_(time ? *time : time_, random ? *random : random_),
        pool_(options.slab_size, options.slab_limit),
        workspace_(std::make_unique<typename Transfer::workspace>(pool_)),
        loop_(std::make_shared<detail::io_loop>(context, scheduler_)) {}

  static void prepare(detail::native_udp_socket& socket, const socket_address& local,
                      const udp_options& options, std::error_code& error) {
    const asio::ip::udp::endpoint to = to_endpoint(local);
    socket.open(to.protocol(), error);
    if (!error && !local.ip.is_v4())
      socket.set_option(asio::ip::v6_only(!local.ip.is_unspecified()), error);
    if (!error && options.share_port) Transfer::share_port(socket, error);
    if (!error) socket.bind(to, error);
    if (!error) socket.non_blocking(true, error);
    if (error) return;
    Transfer::enlarge_buffers(socket, options);
  }

  network_options options_;
  steady_time time_;
  system_random random_;
  scheduler scheduler_;
  slab_pool pool_;
  std::unique_ptr<typename Transfer::workspace> workspace_;
  std::shared_ptr<detail::io_loop> loop_;
  detail::udp_totals totals_;
  detail::run_list runs_;
};

/// The network with the fastest UDP that this system has.
using asio_network = basic_asio_network<detail::default_udp>;
/// A UDP socket of an `asio_network`.
using udp_socket = asio_network::datagram_socket_type;

static_assert(datagram_socket<udp_socket>);
static_assert(datagram_network<asio_network>);

}  // namespace lockgate::inline v0

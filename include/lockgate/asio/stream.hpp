// TCP and TLS streams in an io_context: lockgate's byte_stream over Asio.
#pragma once

#include "lockgate/asio/as_operation.hpp"  // for as_operation
#include "lockgate/asio/endpoint.hpp"      // for from_endpoint, to_endpoint
#include "lockgate/base/address_text.hpp"  // for parse_ip_address
#include "lockgate/coro/task.hpp"          // for task
#include "lockgate/net/stream.hpp"         // for byte_stream, stream_target

#include <asio/buffer.hpp>                      // for buffer
#include <asio/io_context.hpp>                  // for io_context
#include <asio/ip/tcp.hpp>                      // for tcp::socket
#include <asio/ssl/context.hpp>                 // for ssl::context
#include <asio/ssl/host_name_verification.hpp>  // for host_name_verification
#include <asio/ssl/stream.hpp>                  // for ssl::stream
#include <asio/write.hpp>                       // for async_write

#include <cstddef>       // for byte, size_t
#include <memory>        // for shared_ptr, make_shared
#include <optional>      // for optional
#include <span>          // for span
#include <system_error>  // for error_code
#include <utility>       // for move, swap

namespace lockgate::inline v0 {

/// A connected TCP stream, secured by TLS if its target asked for it.
///
/// Lifetime: closes when destroyed. What is under way then ends by itself; the `io_context`
///           outlives it.
class asio_stream {
  using tcp_socket = asio::ip::tcp::socket;
  using tls_stream = asio::ssl::stream<tcp_socket&>;

 public:
  asio_stream(asio_stream&& other) noexcept = default;
  asio_stream& operator=(asio_stream&& other) noexcept {
    asio_stream taken(std::move(other));
    std::swap(connection_, taken.connection_);
    return *this;
  }
  ~asio_stream() {
    if (connection_) connection_->close();
  }

  /// Connects, with TLS 1.2 or later by the settings of `tls` where the target asks for it.
  ///
  /// Errors: what the system or the TLS library says.
  /// Lifetime: both contexts outlive the stream.
  // NOLINTBEGIN(*-reference-coroutine-parameters)
  [[nodiscard]] static task<result<asio_stream>> connect(asio::io_context& context,
                                                         asio::ssl::context& tls,
                                                         stream_target target) {
    // NOLINTEND(*-reference-coroutine-parameters)
    asio_stream made(context);
    connection& to = *made.connection_;
    const auto endpoint = to_endpoint<asio::ip::tcp>(target.to);
    const status connected = co_await to.socket.async_connect(endpoint, as_operation);
    if (!connected.ok()) co_return result<asio_stream>(connected);
    std::error_code ignored;  // a socket without it is slower, not broken
    to.socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    if (target.secured) {
      to.tls.emplace(to.socket, tls);
      const status prepared = prepare(*to.tls, target);
      if (!prepared.ok()) co_return result<asio_stream>(prepared);
      const status secured =
          co_await to.tls->async_handshake(asio::ssl::stream_base::client, as_operation);
      if (!secured.ok()) co_return result<asio_stream>(secured);
    }
    co_return result<asio_stream>(std::move(made));
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the address is of the kind asked for
  [[nodiscard]] socket_address local_address() const noexcept {
    std::error_code error;
    const auto local = connection_->socket.local_endpoint(error);
    return error ? socket_address() : from_endpoint(local);
  }
  [[nodiscard]] task<status> send(bytes_view bytes) { return send_all(connection_, bytes); }
  [[nodiscard]] task<result<std::size_t>> receive(std::span<std::byte> into) {
    return receive_some(connection_, into);
  }
  void close() noexcept { connection_->close(); }

 private:
  struct connection {
    explicit connection(asio::io_context& context) : socket(context) {}
    void close() noexcept {
      closed = true;
      std::error_code ignored;
      socket.close(ignored);
    }
    [[nodiscard]] status reason(const status& said) const noexcept {
      const std::error_code code = said.code();
      const bool ended =
          code == asio::error::eof || code == asio::ssl::error::stream_truncated || closed;
      return ended ? status(errc::closed) : said;
    }
    tcp_socket socket;
    std::optional<tls_stream> tls;
    bool closed = false;
  };

  explicit asio_stream(asio::io_context& context)
      : connection_(std::make_shared<connection>(context)) {}

  [[nodiscard]] static status prepare(tls_stream& stream, const stream_target& target) {
    std::error_code error;
    stream.set_verify_mode(asio::ssl::verify_peer, error);
    if (!error) stream.set_verify_callback(asio::ssl::host_name_verification(target.name), error);
    if (error) return error;
    // RFC 6066 section 3: no address is sent as the server's name.
    if (!parse_ip_address(target.name) &&
        SSL_set_tlsext_host_name(stream.native_handle(), target.name.c_str()) != 1)
      return errc::invalid_argument;
    return {};
  }

  [[nodiscard]] static task<status> send_all(std::shared_ptr<connection> on, bytes_view bytes) {
    const asio::const_buffer from(bytes.data(), bytes.size());
    result<std::size_t> sent_bytes = errc::closed;
    if (on->closed) co_return status(errc::closed);
    if (on->tls) sent_bytes = co_await asio::async_write(*on->tls, from, as_operation);
    else sent_bytes = co_await asio::async_write(on->socket, from, as_operation);
    if (!sent_bytes) co_return on->reason(sent_bytes.error());
    co_return status();
  }
  [[nodiscard]] static task<result<std::size_t>> receive_some(std::shared_ptr<connection> on,
                                                              std::span<std::byte> into) {
    const asio::mutable_buffer to(into.data(), into.size());
    result<std::size_t> count = errc::closed;
    if (on->closed) co_return count;
    if (on->tls) count = co_await on->tls->async_read_some(to, as_operation);
    else count = co_await on->socket.async_read_some(to, as_operation);
    if (!count) co_return result<std::size_t>(on->reason(count.error()));
    co_return count;
  }

  std::shared_ptr<connection> connection_;
};

static_assert(byte_stream<asio_stream>);

}  // namespace lockgate::inline v0

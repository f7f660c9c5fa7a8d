// DTLS over an endpoint: OpenSSL does the cryptography, in memory; lockgate carries the datagrams.
#pragma once

#include "lockgate/lockgate.hpp"

#include "identity.hpp"

#include <openssl/err.h>  // for ERR_clear_error
#include <openssl/ssl.h>  // for SSL, BIO

#include <algorithm>  // for min
#include <array>      // for array
#include <chrono>     // for seconds, microseconds
#include <cstddef>    // for byte, size_t
#include <span>       // for span
#include <string>     // for string
#include <vector>     // for vector

/// An encrypted and authenticated channel to one peer. Messages stay messages, and may be lost.
///
/// Requires: nothing else receives on the endpoint; one `send` and one `receive` at a time.
/// Lifetime: the endpoint and the context outlive it.
class dtls_channel {
 public:
  enum class side { client, server };
  /// Bytes of a datagram: what passes everywhere (RFC 8200 asks for 1280 with the headers).
  static constexpr std::size_t largest_datagram = 1200;
  /// Bytes of a message: a datagram without the record's header, its nonce and its tag.
  static constexpr std::size_t largest_message = 1100;

  /// `name` is whom the peer's certificate has to be for.
  dtls_channel(lockgate::endpoint& over, lockgate::transport_id peer, SSL_CTX& context, side as,
               const std::string& name)
      : over_(over), peer_(peer), ssl_(made(SSL_new(&context))), in_(made(BIO_new(BIO_s_mem()))),
        out_(made(BIO_new(BIO_s_mem()))) {
    BIO_set_mem_eof_return(in_, -1);  // "nothing there yet", not "the end"
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_options(ssl_.get(), SSL_OP_NO_QUERY_MTU);
    DTLS_set_link_mtu(ssl_.get(), largest_datagram);
    made(SSL_set1_host(ssl_.get(), name.c_str()));
    if (as == side::client) SSL_set_connect_state(ssl_.get());
    else SSL_set_accept_state(ssl_.get());
  }

  /// Agrees on keys with the peer, and checks who it is.
  ///
  /// Errors: std::errc::permission_denied when it is somebody else (`refusal` says why),
  ///         std::errc::protocol_error, or what the endpoint says. A peer that keeps silent is
  ///         asked again and again: bound it with `with_timeout`.
  lockgate::task<lockgate::status> handshake() {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      const int why = SSL_get_error(ssl_.get(), done);
      const lockgate::status flushed = co_await flush();  // an alert goes out, too
      if (done == 1 || !flushed.ok()) co_return flushed;
      if (why != SSL_ERROR_WANT_READ) co_return failure();
      const lockgate::status fed = co_await feed();
      if (!fed.ok()) co_return fed;
    }
  }

  /// Requires: the handshake has succeeded. Errors: message_too_large, or what the endpoint says.
  lockgate::task<lockgate::status> send(lockgate::bytes_view message) {
    if (message.size() > largest_message) co_return lockgate::errc::message_too_large;
    ERR_clear_error();
    if (SSL_write(ssl_.get(), message.data(), static_cast<int>(message.size())) <= 0)
      co_return failure();
    co_return co_await flush();
  }

  /// The next message. Errors: closed when the peer has said that it is leaving.
  lockgate::task<lockgate::result<std::vector<std::byte>>> receive() {
    std::vector<std::byte> message(largest_datagram);
    for (;;) {
      ERR_clear_error();
      const int size = SSL_read(ssl_.get(), message.data(), static_cast<int>(message.size()));
      const int why = SSL_get_error(ssl_.get(), size);
      const lockgate::status flushed = co_await flush();
      if (!flushed.ok()) co_return flushed;
      if (size > 0) {
        message.resize(static_cast<std::size_t>(size));
        co_return message;
      }
      if (why == SSL_ERROR_ZERO_RETURN) co_return lockgate::errc::closed;
      if (why != SSL_ERROR_WANT_READ) co_return failure();
      const lockgate::status fed = co_await feed();
      if (!fed.ok()) co_return fed;
    }
  }

  /// Tells the peer that no more will come.
  lockgate::task<lockgate::status> close() {
    ERR_clear_error();
    if (SSL_shutdown(ssl_.get()) < 0) co_return failure();
    co_return co_await flush();
  }

  /// Why the peer's certificate was not accepted.
  [[nodiscard]] std::string refusal() const {
    return X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
  }
  /// What was agreed on: protocol and cipher suite.
  [[nodiscard]] std::string agreed() const {
    return std::string(SSL_get_version(ssl_.get())) + ", " + SSL_get_cipher_name(ssl_.get());
  }

 private:
  [[nodiscard]] lockgate::status failure() const {
    const bool distrust = SSL_get_verify_result(ssl_.get()) != X509_V_OK;
    return std::make_error_code(distrust ? std::errc::permission_denied
                                         : std::errc::protocol_error);
  }

  /// Sends what OpenSSL has written: as many whole records in a datagram as fit (RFC 6347, 4.1.1).
  lockgate::task<lockgate::status> flush() {
    std::array<std::byte, largest_datagram> datagram;
    for (;;) {
      const std::size_t size = whole_records();
      if (size == 0) co_return lockgate::status();
      BIO_read(out_, datagram.data(), static_cast<int>(size));
      const auto bytes = std::span<const std::byte>(datagram).first(size);
      const lockgate::status sent = co_await over_.send_to(peer_, lockgate::chain(bytes));
      if (!sent.ok()) co_return sent;
    }
  }
  [[nodiscard]] std::size_t whole_records() const {
    char* data = nullptr;
    const auto written = static_cast<std::size_t>(BIO_get_mem_data(out_, &data));
    constexpr std::size_t header = 13;  // the last two bytes are the length of what follows
    std::size_t size = 0;
    while (size + header <= written) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(data[size + i]); };
      const std::size_t record = header + (std::size_t{byte(11)} << 8 | byte(12));
      if (size + record > largest_datagram) break;
      size += record;
    }
    return size;
  }

  /// Gives OpenSSL the peer's next datagram, or, when it took too long, the time to ask again.
  lockgate::task<lockgate::status> feed() {
    timeval left{};
    const bool asks_again = DTLSv1_get_timeout(ssl_.get(), &left) == 1;
    const lockgate::duration wait = asks_again
                                        ? lockgate::duration(std::chrono::seconds(left.tv_sec)) +
                                              std::chrono::microseconds(left.tv_usec)
                                        : lockgate::duration(std::chrono::hours(24));
    auto listening = lockgate::with_timeout(next(), wait);
    lockgate::result<lockgate::incoming> message = co_await std::move(listening);
    if (message.error() == lockgate::errc::timed_out) {
      if (asks_again && DTLSv1_handle_timeout(ssl_.get()) < 0) co_return failure();
      co_return co_await flush();
    }
    if (!message) co_return message.error();
    if (message->remote != peer_) co_return lockgate::status();  // not for this channel
    const auto bytes = message->contiguous();
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
    co_return lockgate::status();
  }
  lockgate::task<lockgate::result<lockgate::incoming>> next() {
    co_return co_await over_.receive();
  }

  lockgate::endpoint& over_;
  lockgate::transport_id peer_;
  openssl_ptr<SSL> ssl_;
  BIO* in_;  // these two belong to ssl_
  BIO* out_;
};

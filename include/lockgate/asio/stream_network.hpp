// The Asio network with everything: datagrams, TCP and TLS streams, name look-ups. Needs OpenSSL:
// link libssl.
#pragma once

#include "lockgate/asio/network.hpp"   // for asio_network
#include "lockgate/asio/resolver.hpp"  // for resolve_with_asio
#include "lockgate/asio/stream.hpp"    // for asio_stream
#include "lockgate/net/resolver.hpp"   // for resolving_network
#include "lockgate/net/stream.hpp"     // for stream_network

#include <asio/io_context.hpp>   // for io_context
#include <asio/ssl/context.hpp>  // for ssl::context

#include <string>        // for string
#include <system_error>  // for error_code
#include <utility>       // for move
#include <vector>        // for vector

namespace lockgate::inline v0 {

/// An `asio_network` that connects streams and looks names up too.
///
/// Requires: as `asio_network`.
class asio_stream_network : public asio_network {
 public:
  using stream_type = asio_stream;

  explicit asio_stream_network(asio::io_context& context, const network_options& options = {})
      : asio_network(context, options), tls_(asio::ssl::context::tls_client) {
    tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                     asio::ssl::context::no_tlsv1_1);  // RFC 8996
    std::error_code ignored;  // without the system's certificates nobody is trusted, and that fails
    tls_.set_default_verify_paths(ignored);
  }

  /// The settings of secured streams: the system's certificates are trusted, add others here.
  [[nodiscard]] asio::ssl::context& tls() noexcept { return tls_; }

  [[nodiscard]] task<result<asio_stream>> connect(stream_target target) {
    return asio_stream::connect(context(), tls_, std::move(target));
  }
  [[nodiscard]] task<result<std::vector<ip_address>>> resolve(std::string name) {
    return resolve_with_asio(context(), std::move(name));
  }

 private:
  asio::ssl::context tls_;
};

static_assert(stream_network<asio_stream_network>);
static_assert(resolving_network<asio_stream_network>);

}  // namespace lockgate::inline v0

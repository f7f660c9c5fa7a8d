// A consumer of the components with dependencies: both must be usable and linked.
#include "lockgate/lockgate.hpp"

#include <openssl/crypto.h>     // for OpenSSL_version
#include <asio/io_context.hpp>  // for io_context
#include <cstdio>               // for puts

int main() {
  asio::io_context io;
  std::puts(lockgate::version.data());
  std::puts(OpenSSL_version(OPENSSL_VERSION));
  return io.run() == 0 ? 0 : 1;
}

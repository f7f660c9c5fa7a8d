// The stepped platform that scenarios written in C run on.
#pragma once

#include "lockgate/capi/platform.hpp"  // for stepped_platform
#include "support/world.hpp"           // for world, running

#include <cstddef>   // for size_t
#include <memory>    // for unique_ptr
#include <optional>  // for optional
#include <string>    // for string
#include <vector>    // for vector

namespace capi_test {

/// Grants, refuses, or does not decide.
class policy final : public lockgate::access_policy {
 public:
  lockgate::task<lockgate::status> authorise(std::string_view provider_name,
                                             std::string_view access) override;
  HRESULT says = S_OK;
  std::string asked;
  lockgate::wait_list undecided;
};

/// One send under way.
struct sending {
  std::vector<std::byte> bytes;
  std::vector<lockgate::bytes_view> parts;
  std::unique_ptr<support::running<lockgate::status>> run;
};

/// While it lives, the functions of application.h are about it.
class application {
 public:
  explicit application(const lockgate::platform_options& options = lockgate::platform_options());
  application(const application&) = delete;
  ~application();

  support::world world;
  lockgate::capi::stepped_platform platform;
  policy host_policy;
  std::vector<lockgate::endpoint> endpoints;
  std::vector<std::unique_ptr<support::running<lockgate::result<lockgate::transport_id>>>> readying;
  std::vector<sending> sends;
  std::vector<lockgate::incoming> held;
  std::unique_ptr<support::running<lockgate::status>> stopping;
  std::string name;
};

}  // namespace capi_test

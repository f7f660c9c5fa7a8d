// Calls of several threads that meet at one moment; the scenarios are in races.c.
#include "races.h"

#include "lockgate/capi/platform.hpp"  // for run, stop, platform
#include "support/doctest.hpp"         // for TEST_CASE
#include "support/own_thread.hpp"      // for own_thread, restless_application

#include <string_view>  // for string_view

namespace capi = lockgate::capi;

namespace {

/// Grants every fourth registration only.
class strict final : public lockgate::access_policy {
 public:
  lockgate::task<lockgate::status> authorise(std::string_view, std::string_view) override {
    if (++asked_ % 4 == 0) co_return lockgate::status();
    co_return lockgate::errc::registration_refused;
  }

 private:
  unsigned asked_ = 0;
};

lockgate::task<> use(strict* policy) {
  capi::platform().use_access_policy(*policy);
  co_return;
}

}  // namespace

TEST_CASE("G2: C: establish may run before Register has returned") {
  const capi_test::own_thread platform;
  establish_may_come_before_register_returns();
}
TEST_CASE("G18: C: two threads destroy one instance") {
  const capi_test::own_thread platform;
  two_threads_destroy_one_instance();
}
TEST_CASE("G1, G12: C: two threads register one instance until it is granted") {
  strict policy;
  const capi_test::own_thread platform;
  capi::run([&policy] { return use(&policy); });
  two_threads_register_one_instance();
}
TEST_CASE("G23, G27, G28: C: helpers complete twice and too late, indicate, and deregister") {
  const capi_test::own_thread platform;
  const capi_test::restless_application application;
  careless_helpers();
}

#include "wire.hpp"

#include "lockgate/testing/conformance.hpp"
#include "lockgate/testing/replace_operator_new.hpp"
#include "lockgate/testing/virtual_network.hpp"

#include <iostream>

using lockgate::testing::virtual_host;
using lockgate::testing::virtual_network;

int main() {
  const auto report =
      lockgate::testing::run_conformance<wire<virtual_host>>([](lockgate::testing::trial& t) {
        const auto here = lockgate::ip_address::v4(203, 0, 113, 1);
        auto& net = t.make<virtual_network>(t.home(), /*seed*/ 1);
        wire<virtual_host> made(net.add_host(net.internet(), here), here);
        made.connect(lockgate::testing::conformance_options().peer,
                     {lockgate::ip_address::v4(203, 0, 113, 2), 9, 0});
        return made;
      });
  std::cout << report.text();
  return report.passed() ? 0 : 1;
}

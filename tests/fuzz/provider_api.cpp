// Fuzz target: the bytes are the calls that applications and providers make, and the order in which
// whatever is ready runs. Every run is judged by the standing invariants.
#include "lockgate/testing/explorer.hpp"
#include "proof/any_calls.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string choices;
  for (std::size_t i = 0; i < size && i < 400; ++i)
    choices += (i > 0 ? "." : "") + std::to_string(data[i] % 14);
  if (choices.empty()) return 0;
  proof::any_calls calls(24);
  const auto run =
      lockgate::testing::replay(choices, [&](lockgate::testing::trial& t) { calls(t); });
  if (run.first_failure) {
    std::fputs(to_string(*run.first_failure).c_str(), stderr);
    std::abort();
  }
  return 0;
}

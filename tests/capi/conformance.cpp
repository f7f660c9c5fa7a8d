// The conformance questions, put to a provider in C that pends every call and completes it from
// another thread.
#include "lockgate/testing/conformance.hpp"  // for run_instance_conformance
#include "support/doctest.hpp"               // for TEST_CASE
#include "support/trial_instance.hpp"        // for trial_instance

namespace lt = lockgate::testing;
using capi_test::trial_instance;

TEST_CASE("C: a provider that pends every call and completes elsewhere conforms") {
  capi_test::other_thread other;
  capi_test::make_slots();
  const lt::conformance_report report =
      lt::run_instance_conformance([&other](lt::trial& t, lockgate::platform& cp) {
        return trial_instance(t, cp, other, trial_instance::completions::on_another_thread);
      });
  CHECK_MESSAGE(report.passed(), report.text());
  for (const lt::conformance_item& item : report.items) {
    CAPTURE(item.question);
    CHECK(item.outcome == lt::verdict::passed);
  }
}

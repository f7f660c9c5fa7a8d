// Create, Register, Destroy and handles through the C surface; the scenarios are in registration.c.
#include "registration.h"

#include "support/application.hpp"  // for application
#include "support/child_process.hpp"  // for in_child_process
#include "support/doctest.hpp"        // for TEST_CASE

using capi_test::application;

TEST_CASE_FIXTURE(application, "G1, G2, G11, G12, G19: C: establish follows a granted registration only") {
  establish_follows_a_granted_registration_only();
}
TEST_CASE_FIXTURE(application, "G12: C: a policy that does not decide refuses on the platform's thread") {
  a_policy_that_does_not_decide_cannot_be_waited_for_here();
}
TEST_CASE_FIXTURE(application, "G4, G5, G21: C: establish may call every function; deregister comes after it") {
  establish_may_call_every_function();
}
TEST_CASE_FIXTURE(application, "G12, G19: C: a refused instance can be destroyed") {
  a_refused_instance_can_be_destroyed();
}
TEST_CASE_FIXTURE(application, "G13, G14, G15: C: names are default, numbered, and cut") {
  names_are_default_numbered_and_cut();
}
TEST_CASE_FIXTURE(application, "G15: C: a name of exactly the maximum is kept") {
  a_name_of_exactly_the_maximum_is_kept();
}
TEST_CASE_FIXTURE(application, "G16: C: a LUID belongs to the table that had it") {
  a_luid_belongs_to_the_table_that_had_it();
}
TEST_CASE_FIXTURE(application, "C: sddl goes to the access policy (U9)") { sddl_goes_to_the_policy(); }
TEST_CASE("C: Create wants a whole table (U2)") { create_wants_a_whole_table(); }
TEST_CASE_FIXTURE(application, "G18: C: stale and doubly destroyed handles are harmless") {
  stale_handles_are_harmless();
}
#if LOCKGATE_CHECKED
TEST_CASE("G17: C: destroying a registered instance stops a checked program") {
  const support::child_end end = support::in_child_process([] {
    const application here;
    destroy_while_registered();
  });
  CHECK(end.died_saying("G17: an instance is destroyed while registered"));
}
#endif
TEST_CASE_FIXTURE(application, "C: a second life needs a new instance (U20)") {
  a_second_life_needs_a_new_instance();
}
TEST_CASE_FIXTURE(application, "G10: C: every callback gets the instance's handle and context") {
  every_callback_gets_handle_and_context();
}

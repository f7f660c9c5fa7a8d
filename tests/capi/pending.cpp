// Callbacks that pend, through the C surface; the scenarios are in pending.c.
#include "pending.h"

#include "support/application.hpp"  // for application
#include "support/doctest.hpp"      // for TEST_CASE_FIXTURE

using capi_test::application;

TEST_CASE_FIXTURE(application, "G24, G26, G29: C: every callback can pend") { every_callback_can_pend(); }
TEST_CASE_FIXTURE(application, "G24: C: pended failures count as failures") { pended_failures_count_as_failures(); }
TEST_CASE_FIXTURE(application, "G28: C: a completion may come before pending is returned") { a_completion_may_come_before_pending_is_returned(); }
TEST_CASE_FIXTURE(application, "G25, G27: C: a completion after a synchronous result has no effect") { a_completion_after_a_synchronous_result_has_no_effect(); }
TEST_CASE_FIXTURE(application, "G27: C: a second completion has no effect") { a_second_completion_has_no_effect(); }
TEST_CASE_FIXTURE(application, "G27: C: pending is no result of a completion") { pending_is_no_result(); }

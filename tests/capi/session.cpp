// The states of a session, through the C surface; the scenarios are in session.c.
#include "session.h"

#include "support/application.hpp"  // for application
#include "support/doctest.hpp"      // for TEST_CASE_FIXTURE

using capi_test::application;

TEST_CASE_FIXTURE(application, "G41: C: nothing happens without demand") { nothing_happens_without_demand(); }
TEST_CASE_FIXTURE(application, "G3, G7: C: nothing starts before establish has returned") { nothing_starts_before_establish_has_returned(); }
TEST_CASE_FIXTURE(application, "G8, G38, G39: C: a failed preparation surfaces at activation, which is tried again") { a_failed_preparation_surfaces_at_activation(); }
TEST_CASE_FIXTURE(application, "G9: C: activation may wait for the provider's own start") { activation_may_wait_for_the_provider_s_own_start(); }
TEST_CASE_FIXTURE(application, "G6: C: indicate is refused unless active") { indicate_is_refused_unless_active(); }
TEST_CASE_FIXTURE(application, "G6, G28: C: the session is active inside the completion call (U6)") { indicating_right_after_the_completion_works(); }
TEST_CASE_FIXTURE(application, "G40: C: the dormancy notice may be ignored") { the_dormancy_notice_may_be_ignored(); }
TEST_CASE_FIXTURE(application, "G34, G35: C: a failed add is followed by another id, eight times at most") { a_failed_add_is_followed_by_another_id(); }

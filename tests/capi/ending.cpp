// How sessions end, through the C surface; the scenarios are in ending.c.
#include "ending.h"

#include "support/application.hpp"  // for application
#include "support/doctest.hpp"      // for TEST_CASE_FIXTURE

using capi_test::application;

TEST_CASE_FIXTURE(application, "G5, G21, G22: C: deregister is accepted inside every callback") { deregister_is_accepted_inside_every_callback(); }
TEST_CASE_FIXTURE(application, "G17, G20: C: shutdown leaves deregister owed") { shutdown_leaves_deregister_owed(); }
TEST_CASE_FIXTURE(application, "G20, G23: C: a slow provider is ended, and drained when it completes") { a_slow_provider_is_ended(); }
TEST_CASE_FIXTURE(application, "G23: C: pended calls hold up the end") { pended_calls_hold_up_the_end(); }
TEST_CASE_FIXTURE(application, "G23: C: the end gives lent messages back") { the_end_gives_lent_messages_back(); }
TEST_CASE_FIXTURE(application, "G23: C: closing an endpoint gives lent messages back") { closing_an_endpoint_gives_lent_messages_back(); }

// Messages in both directions, through the C surface; the scenarios are in traffic.c.
#include "traffic.h"

#include "support/application.hpp"  // for application
#include "support/doctest.hpp"      // for TEST_CASE_FIXTURE

using capi_test::application;

TEST_CASE_FIXTURE(application, "G30: C: a send follows a reach that said yes") { a_send_follows_a_reach_that_said_yes(); }
TEST_CASE_FIXTURE(application, "G31: C: a message names both ends and its endpoint") { a_message_names_both_ends_and_its_endpoint(); }
TEST_CASE_FIXTURE(application, "G37: C: a chain is its parts in order, lent until the completion") { a_chain_is_its_parts_in_order(); }
TEST_CASE_FIXTURE(application, "G36: C: two instances are asked for each peer") { two_instances_are_asked_for_each_peer(); }
TEST_CASE_FIXTURE(application, "G32, G37: C: messages from peers arrive as they were indicated") { messages_from_peers_arrive_as_they_were_indicated(); }
TEST_CASE_FIXTURE(application, "G33: C: what cannot be delivered is refused, and nothing kept") { what_cannot_be_delivered_is_refused(); }
TEST_CASE_FIXTURE(application, "G4: C: indicating works inside callbacks") { indicating_works_inside_callbacks(); }
TEST_CASE_FIXTURE(application, "G33: C: ids are the platform's and can be kept") { ids_are_the_platform_s_and_can_be_kept(); }

/* Scenarios of traffic.c. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void a_send_follows_a_reach_that_said_yes(void);
void a_message_names_both_ends_and_its_endpoint(void);
void a_chain_is_its_parts_in_order(void);
void two_instances_are_asked_for_each_peer(void);
void messages_from_peers_arrive_as_they_were_indicated(void);
void what_cannot_be_delivered_is_refused(void);
void indicating_works_inside_callbacks(void);
void ids_are_the_platform_s_and_can_be_kept(void);

#ifdef __cplusplus
}
#endif

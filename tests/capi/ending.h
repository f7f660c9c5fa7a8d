/* Scenarios of ending.c. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void deregister_is_accepted_inside_every_callback(void);
void shutdown_leaves_deregister_owed(void);
void a_slow_provider_is_ended(void);
void pended_calls_hold_up_the_end(void);
void the_end_gives_lent_messages_back(void);
void closing_an_endpoint_gives_lent_messages_back(void);

#ifdef __cplusplus
}
#endif

/* Scenarios of threads.c. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void establish_may_wait_for_a_helper_that_calls(void);
void the_context_can_go_once_deregister_has_returned(void);
void several_threads_deregister_at_once(void);
void many_threads_live_many_lives(void);

#ifdef __cplusplus
}
#endif

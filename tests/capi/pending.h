/* Scenarios of pending.c. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void every_callback_can_pend(void);
void pended_failures_count_as_failures(void);
void a_completion_may_come_before_pending_is_returned(void);
void a_completion_after_a_synchronous_result_has_no_effect(void);
void a_second_completion_has_no_effect(void);
void pending_is_no_result(void);

#ifdef __cplusplus
}
#endif

/* Scenarios of session.c. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void nothing_happens_without_demand(void);
void nothing_starts_before_establish_has_returned(void);
void a_failed_preparation_surfaces_at_activation(void);
void activation_may_wait_for_the_provider_s_own_start(void);
void indicate_is_refused_unless_active(void);
void indicating_right_after_the_completion_works(void);
void the_dormancy_notice_may_be_ignored(void);
void a_failed_add_is_followed_by_another_id(void);

#ifdef __cplusplus
}
#endif

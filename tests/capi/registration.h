/* Scenarios of registration.c. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void establish_follows_a_granted_registration_only(void);
void a_policy_that_does_not_decide_cannot_be_waited_for_here(void);
void establish_may_call_every_function(void);
void a_refused_instance_can_be_destroyed(void);
void names_are_default_numbered_and_cut(void);
void a_name_of_exactly_the_maximum_is_kept(void);
void a_luid_belongs_to_the_table_that_had_it(void);
void sddl_goes_to_the_policy(void);
void create_wants_a_whole_table(void);
void stale_handles_are_harmless(void);
void a_second_life_needs_a_new_instance(void);
void destroy_while_registered(void);
void every_callback_gets_handle_and_context(void);

#ifdef __cplusplus
}
#endif

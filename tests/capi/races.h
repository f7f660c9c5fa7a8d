/* Scenarios of races.c. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

void establish_may_come_before_register_returns(void);
void two_threads_destroy_one_instance(void);
void two_threads_register_one_instance(void);
void careless_helpers(void);

#ifdef __cplusplus
}
#endif

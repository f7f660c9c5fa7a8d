/* For scenarios written in C: the application's side of the platform, its time, and checks. */
#pragma once

#include "lockgate/capi/cpnatfwt.h" /* for HRESULT, BYTE */

#include <stddef.h> /* for size_t */

#ifdef __cplusplus
extern "C" {
#endif

/* Reports a failed check to the test that runs. */
void expect(int holds, const char* text, const char* file, int line);
#define EXPECT(condition) expect((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

/* Runs what is ready; lets time pass. */
void step(void);
void pass_seconds(unsigned seconds);

/* Endpoints, by number. */
unsigned app_open(void);
void app_close(unsigned endpoint);
/* S_OK once it has an id, CPNATFWT_PENDING before, or why it gets none. */
HRESULT app_ready(unsigned endpoint);
void app_id(unsigned endpoint, BYTE id[16]);
/* Begins to send; the number of the send, and what has become of it. */
unsigned app_send(unsigned endpoint, const BYTE to[16], const void* bytes, size_t size);
unsigned app_send_parts(unsigned endpoint, const BYTE to[16], const void* bytes,
                        const size_t* sizes, size_t count);
HRESULT app_sent(unsigned send);
/* Takes a message that waits: its size, 0 when there is none. The message stays the application's
   until app_release. */
size_t app_take(unsigned endpoint, BYTE from[16], void* bytes, size_t room);
void app_release(void);

/* What the host program's access policy says from now on; CPNATFWT_PENDING: it does not decide. */
void policy_says(HRESULT result);
/* The text that it was last asked about. */
const char* policy_was_asked(void);
/* The friendly name of a registered instance, in UTF-8. */
const char* name_of(CPNATFWT_PROVIDER_INSTANCE instance);
/* Begins to shut the platform down. */
void shut_down(void);
/* Completions and calls that were made in vain so far. */
unsigned ignored_completions(void);
unsigned stale_handles(void);

#ifdef __cplusplus
}
#endif

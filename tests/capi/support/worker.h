/* A provider in C that pends every call and completes it, and echoes what is sent, on a thread of
   its own. */
#pragma once

#include "lockgate/capi/cpnatfwt.h" /* for CPNATFWT_PROVIDER_INSTANCE */

#include <pthread.h> /* for pthread_t, pthread_mutex_t */

#ifdef __cplusplus
extern "C" {
#endif

struct job;
typedef struct worker {
  CPNATFWT_PROVIDER_INSTANCE instance;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct job* first;
  struct job** last;
  int quits;
  int terminated;
  unsigned completed; /* calls that were pended and completed */
  unsigned echoed;    /* messages that were indicated */
  unsigned returned;  /* messages that came back through the completion routine */
} worker;

/* Creates the instance, registers it, and starts the thread. The first result that is not S_OK. */
HRESULT worker_start(worker* w);
/* Deregisters, destroys and joins. Everything pended has been completed then. */
HRESULT worker_finish(worker* w);

#ifdef __cplusplus
}
#endif

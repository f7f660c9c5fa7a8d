#include "threads.h"

#include "support/application.h" /* for EXPECT */
#include "support/provider.h"    /* for provider */

#include <pthread.h>   /* for pthread_create */
#include <sched.h>     /* for sched_yield */
#include <stdatomic.h> /* for atomic_int */
#include <stdlib.h>    /* for calloc, free */

static void* from_a_thread_of_its_own(void* argument) {
  provider* const p = argument;
  const BYTE id[16] = {1};
  CPNATFWT_PROVIDER_INSTANCE another = NULL;
  EXPECT(indicate(p, id, id, "x", 1) == CPNATFWT_E_STATE);
  EXPECT(CPNatfwtRegisterProviderInstance(p->instance, NULL, NULL, 0, NULL) == CPNATFWT_E_STATE);
  EXPECT(CPNatfwtCreateProviderInstance(&provider_table, NULL, &another) == S_OK);
  CPNatfwtDestroyProviderInstance(another);
  EXPECT(CPNatfwtDeregisterProviderInstance(another) == E_HANDLE);
  return NULL;
}

static void wait_for_a_helper(provider* p) {
  pthread_t helper;
  EXPECT(pthread_create(&helper, NULL, from_a_thread_of_its_own, p) == 0);
  pthread_join(helper, NULL);
}

void establish_may_wait_for_a_helper_that_calls(void) {
  provider p;
  provider_init(&p);
  p.inside[ESTABLISH] = wait_for_a_helper;
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 0, NULL) == S_OK);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK);
  EXPECT(p.calls[ESTABLISH] == 1);
  EXPECT(p.calls[TERMINATE] == 1);
  CPNatfwtDestroyProviderInstance(p.instance);
}

void the_context_can_go_once_deregister_has_returned(void) {
  for (int i = 0; i < 50; ++i) {
    provider* const p = calloc(1, sizeof *p);
    provider_init(p);
    EXPECT(CPNatfwtRegisterProviderInstance(p->instance, NULL, NULL, 0, NULL) == S_OK);
    EXPECT(CPNatfwtDeregisterProviderInstance(p->instance) == S_OK);
    EXPECT(p->calls[ESTABLISH] == 1);
    EXPECT(p->calls[TERMINATE] == 1);
    CPNatfwtDestroyProviderInstance(p->instance);
    free(p);
  }
}

static void* deregister(void* argument) {
  provider* const p = argument;
  const HRESULT result = CPNatfwtDeregisterProviderInstance(p->instance);
  EXPECT(result == S_OK || result == CPNATFWT_E_STATE); /* joined, or came after the end */
  EXPECT(p->calls[TERMINATE] == 1);
  return NULL;
}

static pthread_t helpers[3];
static atomic_int go;
static void* deregister_when_told(void* argument) {
  while (!atomic_load(&go)) sched_yield();
  return deregister(argument);
}

static void let_them_go(provider* p) {
  (void)p;
  atomic_store(&go, 1);
}

void several_threads_deregister_at_once(void) {
  provider p;
  atomic_store(&go, 0);
  provider_init(&p);
  p.inside[ESTABLISH] = let_them_go; /* all of them are in time: the session has hardly begun */
  for (int i = 0; i < 3; ++i)
    EXPECT(pthread_create(&helpers[i], NULL, deregister_when_told, &p) == 0);
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 0, NULL) == S_OK);
  for (int i = 0; i < 3; ++i) pthread_join(helpers[i], NULL);
  EXPECT(p.calls[TERMINATE] == 1);
  CPNatfwtDestroyProviderInstance(p.instance);
}

/* Threads that make and end instances of their own, and use everybody's handles. */

enum { HANDLES = 4, ROUNDS = 120 };
static _Atomic(PVOID) handles[HANDLES];

static VOID CALLBACK taken(PVOID context, HRESULT result) {
  (void)result;
  free(context);
}

static void use_somebody_s_handle(unsigned number) {
  CPNATFWT_PROVIDER_INSTANCE const handle = atomic_load(&handles[number % HANDLES]);
  BYTE id[16] = {0xfd};
  CPNATFWT_TRANSPORT_ID name = {16, id};
  switch (number % 3) {
    case 0: {
      CPNATFWT_BUFFER* const lent = calloc(1, sizeof *lent + 8);
      if (!lent) abort();
      lent->size = 8;
      lent->buffer = (BYTE*)(lent + 1);
      if (CPNatfwtIndicateReceivedBuffers(handle, &name, &name, lent, lent, taken) !=
          CPNATFWT_PENDING)
        free(lent);
      break;
    }
    case 1: {
      CPNATFWT_BUFFER kept = {NULL, 16, id};
      EXPECT(FAILED(CPNatfwtIndicateReceivedBuffers(handle, &name, &name, &kept, NULL, NULL)));
      break;
    }
    default: CPNatfwtRegisterProviderInstance(handle, NULL, NULL, 1, NULL);
  }
}

static void* live_many_lives(void* argument) {
  const unsigned who = (unsigned)(size_t)argument;
  provider* const p = calloc(1, sizeof *p);
  for (unsigned round = 0; round < ROUNDS; ++round) {
    provider_init(p);
    p->says[SEND] = round % 2 ? S_OK : E_FAIL;
    EXPECT(CPNatfwtRegisterProviderInstance(p->instance, NULL, NULL, 0, NULL) == S_OK);
    atomic_store(&handles[who], p->instance);
    for (unsigned i = 0; i < 6; ++i) use_somebody_s_handle(who + round + i);
    EXPECT(CPNatfwtDeregisterProviderInstance(p->instance) == S_OK);
    CPNatfwtDestroyProviderInstance(p->instance);
    CPNatfwtDestroyProviderInstance(p->instance);
    EXPECT(p->calls[ESTABLISH] == 1);
    EXPECT(p->calls[TERMINATE] == 1);
    EXPECT(p->wrong_arguments == 0);
    EXPECT(p->overlaps == 0);
  }
  free(p);
  return NULL;
}

void many_threads_live_many_lives(void) {
  pthread_t threads[HANDLES];
  for (size_t i = 0; i < HANDLES; ++i)
    EXPECT(pthread_create(&threads[i], NULL, live_many_lives, (void*)i) == 0);
  for (size_t i = 0; i < HANDLES; ++i) pthread_join(threads[i], NULL);
}

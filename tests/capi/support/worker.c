#include "worker.h"

#include <stdlib.h> /* for malloc, free */
#include <string.h> /* for memcpy, memset */

typedef struct job {
  struct job* next;
  worker* of;
  PVOID context;
  CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine;
  /* What to echo: size 0 for other calls. */
  BYTE local[16], remote[16];
  CPNATFWT_BUFFER parts[2];
  size_t size;
  BYTE payload[];
} job;

static VOID CALLBACK echo_taken(PVOID context, HRESULT result) {
  job* const done = context;
  (void)result;
  pthread_mutex_lock(&done->of->lock);
  ++done->of->returned;
  pthread_mutex_unlock(&done->of->lock);
  free(done);
}

/* Every other echo lends its memory in two parts, the others wait for the outcome. */
static void echo(job* done, unsigned number) {
  CPNATFWT_TRANSPORT_ID local = {16, done->local}, remote = {16, done->remote};
  CPNATFWT_PROVIDER_INSTANCE const instance = done->of->instance;
  const size_t half = done->size / 2;
  done->parts[0] = (CPNATFWT_BUFFER){&done->parts[1], (ULONG)half, done->payload};
  done->parts[1] = (CPNATFWT_BUFFER){NULL, (ULONG)(done->size - half), done->payload + half};
  if (number % 2 == 0) {
    if (CPNatfwtIndicateReceivedBuffers(instance, &local, &remote, done->parts, done, echo_taken) ==
        CPNATFWT_PENDING)
      return;
  } else {
    CPNatfwtIndicateReceivedBuffers(instance, &local, &remote, done->parts, NULL, NULL);
  }
  free(done);
}

static void* work(void* argument) {
  worker* const w = argument;
  pthread_mutex_lock(&w->lock);
  for (;;) {
    while (!w->first && !w->quits) pthread_cond_wait(&w->changed, &w->lock);
    job* const next = w->first;
    if (!next) break;
    w->first = next->next;
    if (!w->first) w->last = &w->first;
    ++w->completed;
    if (next->size > 0) ++w->echoed;
    const unsigned number = w->echoed;
    pthread_mutex_unlock(&w->lock);
    next->routine(next->context, S_OK);
    if (next->size > 0) echo(next, number);
    else free(next);
    pthread_mutex_lock(&w->lock);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

static job* make_job(worker* w, size_t size, PVOID context,
                     CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  job* const made = malloc(sizeof *made + size);
  if (!made) abort();
  memset(made, 0, sizeof *made);
  made->of = w;
  made->size = size;
  made->context = context;
  made->routine = routine;
  return made;
}

static HRESULT pend(job* added) {
  worker* const w = added->of;
  pthread_mutex_lock(&w->lock);
  *w->last = added;
  w->last = &added->next;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&w->lock);
  return CPNATFWT_PENDING;
}

static VOID CALLBACK establish(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context) {
  (void)instance;
  (void)context;
}
static VOID CALLBACK terminate(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                               CPNATFWT_SESSION_TERMINATION_REASON reason) {
  (void)instance;
  (void)reason;
  ((worker*)context)->terminated = 1;
}
static HRESULT CALLBACK transition(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                   PVOID completion, CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  (void)instance;
  return pend(make_job(context, 0, completion, routine));
}
static HRESULT CALLBACK with_id(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                CPNATFWT_TRANSPORT_ID* id, PVOID completion,
                                CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  (void)id;
  return transition(instance, context, completion, routine);
}
static HRESULT CALLBACK send_buffers(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                     CPNATFWT_TRANSPORT_ID* local, CPNATFWT_TRANSPORT_ID* remote,
                                     UINT64 endpoint, CPNATFWT_BUFFER* chain, PVOID completion,
                                     CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  size_t size = 0, at = 0;
  (void)instance;
  (void)endpoint;
  for (const CPNATFWT_BUFFER* part = chain; part; part = part->next) size += part->size;
  job* const made = make_job(context, size, completion, routine);
  memcpy(made->local, local->transportId, 16);
  memcpy(made->remote, remote->transportId, 16);
  for (const CPNATFWT_BUFFER* part = chain; part; at += part->size, part = part->next)
    if (part->size > 0) memcpy(made->payload + at, part->buffer, part->size);
  return pend(made);
}

static const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE table = {
    .establishSessionIndication = establish,
    .terminateSessionIndication = terminate,
    .transitionActive = transition,
    .transitionDormant = transition,
    .addTransportId = with_id,
    .removeTransportId = with_id,
    .reachTransportId = with_id,
    .sendBuffers = send_buffers,
};

HRESULT worker_start(worker* w) {
  memset(w, 0, sizeof *w);
  w->last = &w->first;
  if (pthread_mutex_init(&w->lock, NULL) != 0 || pthread_cond_init(&w->changed, NULL) != 0)
    return E_FAIL;
  HRESULT result = CPNatfwtCreateProviderInstance(&table, w, &w->instance);
  if (FAILED(result)) return result;
  if (pthread_create(&w->thread, NULL, work, w) != 0) return E_FAIL;
  return CPNatfwtRegisterProviderInstance(w->instance, NULL, NULL, 0, NULL);
}

HRESULT worker_finish(worker* w) {
  const HRESULT result = CPNatfwtDeregisterProviderInstance(w->instance);
  CPNatfwtDestroyProviderInstance(w->instance);
  pthread_mutex_lock(&w->lock);
  w->quits = 1;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&w->lock);
  pthread_join(w->thread, NULL);
  pthread_mutex_destroy(&w->lock);
  pthread_cond_destroy(&w->changed);
  return result;
}

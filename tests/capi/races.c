#define _DEFAULT_SOURCE /* mmap */

#include "races.h"

#include "support/application.h" /* for EXPECT, ignored_completions */
#include "support/provider.h"    /* for provider */

#include <pthread.h>   /* for pthread_create */
#include <sched.h>     /* for sched_yield */
#include <signal.h>    /* for sigaction */
#include <stdatomic.h> /* for atomic_int */
#include <stdlib.h>    /* for calloc, free */
#include <string.h>    /* for memset */
#include <sys/mman.h>  /* for mmap, mprotect */
#include <unistd.h>    /* for sysconf */

/* Register writes the LUID just before it returns: where it must not write yet, it is held. */
static atomic_int established;
static void* held_page;
static size_t page_size;

static void hold_until_established(int signal) {
  (void)signal;
  while (!atomic_load(&established)) sched_yield();
  mprotect(held_page, page_size, PROT_READ | PROT_WRITE);
}

static void tell_established(provider* p) {
  (void)p;
  atomic_store(&established, 1);
}

void establish_may_come_before_register_returns(void) {
  provider p;
  struct sigaction hold, before;
  memset(&hold, 0, sizeof hold);
  hold.sa_handler = hold_until_established;
  page_size = (size_t)sysconf(_SC_PAGESIZE);
  held_page = mmap(NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(held_page != MAP_FAILED);
  IF_LUID* const luid = held_page;
  atomic_store(&established, 0);
  provider_init(&p);
  p.inside[ESTABLISH] = tell_established;
  EXPECT(sigaction(SIGSEGV, &hold, &before) == 0);
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, luid, 0, NULL) == S_OK);
  EXPECT(sigaction(SIGSEGV, &before, NULL) == 0);
  EXPECT(atomic_load(&established) == 1);
  EXPECT(luid->Value != 0);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK);
  EXPECT(p.calls[ESTABLISH] == 1);
  CPNatfwtDestroyProviderInstance(p.instance);
  munmap(held_page, page_size);
}

/* Two threads that do the same to one instance after the other, at the same time. */

enum { ROUNDS = 300 };
static _Atomic(PVOID) handle;
static atomic_uint arrived;

static void meet(unsigned round) {
  atomic_fetch_add(&arrived, 1);
  while (atomic_load(&arrived) < 2 * round) sched_yield();
}

static void together(void* (*work)(void*)) {
  pthread_t other;
  atomic_store(&arrived, 0);
  EXPECT(pthread_create(&other, NULL, work, NULL) == 0);
  work(&other);
  pthread_join(other, NULL);
}

static void* destroy_all(void* makes) {
  for (unsigned round = 0; round < ROUNDS; ++round) {
    CPNATFWT_PROVIDER_INSTANCE made = NULL;
    if (makes) {
      EXPECT(CPNatfwtCreateProviderInstance(&provider_table, NULL, &made) == S_OK);
      atomic_store(&handle, made);
    }
    meet(2 * round + 1);
    CPNATFWT_PROVIDER_INSTANCE const ours = atomic_load(&handle);
    CPNatfwtDestroyProviderInstance(ours);
    meet(2 * round + 2);
    EXPECT(CPNatfwtDeregisterProviderInstance(ours) == E_HANDLE);
  }
  return NULL;
}

void two_threads_destroy_one_instance(void) {
  together(destroy_all);
}

static provider shared;
static atomic_int registrations;

static void* register_all(void* makes) {
  for (unsigned round = 0; round < ROUNDS; ++round) {
    if (makes) provider_init(&shared);
    meet(2 * round + 1);
    HRESULT result = E_FAIL;
    for (unsigned i = 0; i < 8 && result != S_OK; ++i) {
      result = CPNatfwtRegisterProviderInstance(shared.instance, NULL, NULL, 0, NULL);
      EXPECT(result == S_OK || result == E_ACCESSDENIED || result == CPNATFWT_E_STATE);
    }
    if (result == S_OK) {
      atomic_fetch_add(&registrations, 1);
      EXPECT(CPNatfwtDeregisterProviderInstance(shared.instance) == S_OK);
      EXPECT(shared.calls[ESTABLISH] == 1);
      EXPECT(shared.calls[TERMINATE] == 1);
    }
    meet(2 * round + 2);
    if (makes) CPNatfwtDestroyProviderInstance(shared.instance);
  }
  return NULL;
}

void two_threads_register_one_instance(void) {
  atomic_store(&registrations, 0);
  together(register_all);
  EXPECT(atomic_load(&registrations) > 0);
}

/* A provider whose helpers complete everything that was pended, some of it twice or when it is
   long over, indicate whatever they like, and deregister, all at the same time. */

enum { LIVES = 40, MOST_LIVES = 4000, KEPT = 32, HELPERS = 3, PATIENCE = 10000 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pended_call calls[KEPT]; /* the latest ones, of all lives */
static unsigned called, completed;
static int lives_over;

static void keep_call(provider* p) {
  pthread_mutex_lock(&lock);
  calls[called++ % KEPT] = p->last;
  pthread_mutex_unlock(&lock);
}

static unsigned calls_so_far(void) {
  pthread_mutex_lock(&lock);
  const unsigned count = called;
  pthread_mutex_unlock(&lock);
  return count;
}

static VOID CALLBACK message_back(PVOID context, HRESULT result) {
  (void)result;
  /* Calls of every kind may be made here, too. */
  EXPECT(CPNatfwtIndicateReceivedBuffers(atomic_load(&handle), NULL, NULL, NULL, NULL, NULL) !=
         S_OK);
  free(context);
}

static void indicate_somehow(unsigned number) {
  BYTE id[16] = {0xfd};
  CPNATFWT_TRANSPORT_ID name = {16, id};
  if (number % 2 == 0) {
    CPNATFWT_BUFFER kept = {NULL, 16, id};
    EXPECT(FAILED(
        CPNatfwtIndicateReceivedBuffers(atomic_load(&handle), &name, &name, &kept, NULL, NULL)));
    return;
  }
  CPNATFWT_BUFFER* const lent = calloc(1, sizeof *lent + 8);
  if (!lent) abort();
  lent->size = 8;
  lent->buffer = (BYTE*)(lent + 1);
  if (CPNatfwtIndicateReceivedBuffers(atomic_load(&handle), &name, &name, lent, lent,
                                      message_back) != CPNATFWT_PENDING)
    free(lent);
}

static void* help(void* argument) {
  const unsigned who = (unsigned)(size_t)argument;
  for (unsigned turn = who;; ++turn) {
    pended_call next = {NULL, NULL, ROWS}, again = {NULL, NULL, ROWS};
    pthread_mutex_lock(&lock);
    const int over = lives_over;
    if (completed < called) next = calls[completed++ % KEPT];
    if (called > 0) again = calls[turn * 7 % (called < KEPT ? called : KEPT)];
    pthread_mutex_unlock(&lock);
    if (next.routine) next.routine(next.context, turn % 5 == 0 ? E_FAIL : S_OK);
    if (again.routine && turn % 3 == 0) again.routine(again.context, E_FAIL);
    if (over) return NULL;
    indicate_somehow(turn);
    if (who == 1 && turn % 64 == 0) { /* the others go on completing meanwhile */
      const HRESULT result = CPNatfwtDeregisterProviderInstance(atomic_load(&handle));
      EXPECT(result == S_OK || result == CPNATFWT_E_STATE || result == E_HANDLE);
    }
    sched_yield();
  }
}

void careless_helpers(void) {
  pthread_t helpers[HELPERS];
  const unsigned ignored = ignored_completions();
  called = completed = 0;
  lives_over = 0;
  for (size_t i = 0; i < HELPERS; ++i)
    EXPECT(pthread_create(&helpers[i], NULL, help, (void*)i) == 0);
  /* More of them, and longer ones, where the machine is so slow that none was ever used. */
  for (unsigned life = 0; life < LIVES || (calls_so_far() == 0 && life < MOST_LIVES); ++life) {
    provider* const p = calloc(1, sizeof *p);
    if (!p) abort();
    provider_init(p);
    for (enum row row = ACTIVE; row < ROWS; ++row) {
      p->says[row] = CPNATFWT_PENDING;
      p->inside[row] = keep_call;
    }
    EXPECT(CPNatfwtRegisterProviderInstance(p->instance, NULL, NULL, 0, NULL) == S_OK);
    atomic_store(&handle, p->instance);
    for (unsigned i = 0; i < (life < LIVES ? 20 : life); ++i) sched_yield();
    const HRESULT result = CPNatfwtDeregisterProviderInstance(p->instance);
    EXPECT(result == S_OK || result == CPNATFWT_E_STATE); /* a helper was first */
    EXPECT(p->calls[TERMINATE] == 1);
    EXPECT(p->overlaps == 0);
    EXPECT(p->wrong_arguments == 0);
    CPNatfwtDestroyProviderInstance(p->instance);
    free(p);
  }
  for (unsigned i = 0; i < PATIENCE && ignored_completions() == ignored; ++i) sched_yield();
  pthread_mutex_lock(&lock);
  lives_over = 1;
  pthread_mutex_unlock(&lock);
  for (size_t i = 0; i < HELPERS; ++i) pthread_join(helpers[i], NULL);
  EXPECT(called > 0);
  EXPECT(ignored_completions() > ignored);
}

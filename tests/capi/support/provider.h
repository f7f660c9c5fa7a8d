/* A provider in C that does as it is told and records what is asked of it. */
#pragma once

#include "lockgate/capi/cpnatfwt.h" /* for the dispatch table */

#include <stddef.h> /* for size_t */

#ifdef __cplusplus
extern "C" {
#endif

enum row { ESTABLISH, TERMINATE, ACTIVE, DORMANT, ADD, REMOVE, REACH, SEND, ROWS };
enum { MOST_PENDED = 64, LOG_LENGTH = 256 };

typedef struct provider provider;
typedef struct pended_call {
  PVOID context;
  CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine;
  enum row row;
} pended_call;

struct provider {
  CPNATFWT_PROVIDER_INSTANCE instance;
  HRESULT says[ROWS];              /* what the callbacks return; CPNATFWT_PENDING pends the call */
  void (*inside[ROWS])(provider*); /* called in the callback, before it returns */
  unsigned calls[ROWS];
  char log[LOG_LENGTH]; /* a letter for each callback: E T A D + - R S */
  pended_call pended[MOST_PENDED];
  size_t pended_count;
  pended_call last;    /* of the callback that was entered last */
  int wrong_arguments; /* callbacks with another instance or context than this one's */
  CPNATFWT_SESSION_TERMINATION_REASON reason;
  BYTE id[16]; /* of the last ADD, REMOVE or REACH */
  BYTE local[16], remote[16];
  UINT64 endpoint;
  BYTE sent[4096]; /* the last message, its parts joined */
  size_t sent_size;
  size_t sent_parts;
  CPNATFWT_BUFFER* lent; /* the chain of the last message */
  int inside_callback;
  int overlaps; /* callbacks that began inside another one of this instance */
  void* more;   /* the scenario's own */
};

extern const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE provider_table;
/* Another provider with the same callbacks. */
extern const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE other_provider_table;

/* A provider whose instance has been created. It answers S_OK throughout. */
void provider_init(provider* p);
void provider_init_with(provider* p, const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE* table);
/* The same, registered, its session begun and idle. */
void provider_start(provider* p);
/* Deregisters, lets the end come, and destroys. */
void provider_finish(provider* p);
/* Completes the call that was pended first, or the last one. */
void complete_first(provider* p, HRESULT result);
void complete_last(provider* p, HRESULT result);
/* Indicates one message without a completion routine. */
HRESULT indicate(provider* p, const BYTE local[16], const BYTE remote[16], const void* bytes,
                 size_t size);

#ifdef __cplusplus
}
#endif

#include "provider.h"

#include "application.h" /* for EXPECT, step */

#include <string.h> /* for memcpy, memset, strlen */

static void note(provider* p, CPNATFWT_PROVIDER_INSTANCE instance, enum row row) {
  const size_t length = strlen(p->log);
  if (length + 1 < LOG_LENGTH) p->log[length] = "ETAD+-RS"[row];
  ++p->calls[row];
  if (instance != p->instance) ++p->wrong_arguments;
  if (p->inside_callback) ++p->overlaps;
  p->inside_callback = 1;
}

static HRESULT answer(provider* p, enum row row, PVOID context,
                      CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  const HRESULT result = p->says[row];
  p->last.context = context;
  p->last.routine = routine;
  p->last.row = row;
  if (p->inside[row]) p->inside[row](p);
  if (result == CPNATFWT_PENDING && p->pended_count < MOST_PENDED) {
    p->last.context = context;
    p->last.routine = routine;
    p->last.row = row;
    p->pended[p->pended_count++] = p->last;
  }
  p->inside_callback = 0;
  return result;
}

static void copy_id(BYTE to[16], const CPNATFWT_TRANSPORT_ID* from) {
  EXPECT(from->size == 16);
  memcpy(to, from->transportId, 16);
}

static VOID CALLBACK establish(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context) {
  provider* const p = context;
  note(p, instance, ESTABLISH);
  if (p->inside[ESTABLISH]) p->inside[ESTABLISH](p);
  p->inside_callback = 0;
}

static VOID CALLBACK terminate(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                               CPNATFWT_SESSION_TERMINATION_REASON reason) {
  provider* const p = context;
  note(p, instance, TERMINATE);
  p->reason = reason;
  if (p->inside[TERMINATE]) p->inside[TERMINATE](p);
  p->inside_callback = 0;
}

static HRESULT CALLBACK active(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context, PVOID completion,
                               CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  note(context, instance, ACTIVE);
  return answer(context, ACTIVE, completion, routine);
}

static HRESULT CALLBACK dormant(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                PVOID completion, CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  note(context, instance, DORMANT);
  return answer(context, DORMANT, completion, routine);
}

static HRESULT with_id(enum row row, CPNATFWT_PROVIDER_INSTANCE instance, provider* p,
                       CPNATFWT_TRANSPORT_ID* id, PVOID completion,
                       CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  note(p, instance, row);
  copy_id(p->id, id);
  return answer(p, row, completion, routine);
}

static HRESULT CALLBACK add(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                            CPNATFWT_TRANSPORT_ID* id, PVOID completion,
                            CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  return with_id(ADD, instance, context, id, completion, routine);
}

static HRESULT CALLBACK remove_id(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                  CPNATFWT_TRANSPORT_ID* id, PVOID completion,
                                  CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  return with_id(REMOVE, instance, context, id, completion, routine);
}

static HRESULT CALLBACK reach(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                              CPNATFWT_TRANSPORT_ID* id, PVOID completion,
                              CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  return with_id(REACH, instance, context, id, completion, routine);
}

static HRESULT CALLBACK send_buffers(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                     CPNATFWT_TRANSPORT_ID* local, CPNATFWT_TRANSPORT_ID* remote,
                                     UINT64 endpoint, CPNATFWT_BUFFER* chain, PVOID completion,
                                     CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  provider* const p = context;
  note(p, instance, SEND);
  copy_id(p->local, local);
  copy_id(p->remote, remote);
  p->endpoint = endpoint;
  p->lent = chain;
  p->sent_size = 0;
  p->sent_parts = 0;
  for (const CPNATFWT_BUFFER* part = chain; part; part = part->next, ++p->sent_parts) {
    if (part->size > 0) memcpy(p->sent + p->sent_size, part->buffer, part->size);
    p->sent_size += part->size;
  }
  return answer(p, SEND, completion, routine);
}

const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE provider_table = {
    .establishSessionIndication = establish,
    .terminateSessionIndication = terminate,
    .transitionActive = active,
    .transitionDormant = dormant,
    .addTransportId = add,
    .removeTransportId = remove_id,
    .reachTransportId = reach,
    .sendBuffers = send_buffers,
};
const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE other_provider_table = {
    .size = sizeof(CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE),
    .establishSessionIndication = establish,
    .terminateSessionIndication = terminate,
    .transitionActive = active,
    .transitionDormant = dormant,
    .addTransportId = add,
    .removeTransportId = remove_id,
    .reachTransportId = reach,
    .sendBuffers = send_buffers,
};

void provider_init_with(provider* p, const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE* table) {
  memset(p, 0, sizeof *p);
  EXPECT(CPNatfwtCreateProviderInstance(table, p, &p->instance) == S_OK);
}
void provider_init(provider* p) { provider_init_with(p, &provider_table); }

void provider_start(provider* p) {
  provider_init(p);
  EXPECT(CPNatfwtRegisterProviderInstance(p->instance, NULL, NULL, 0, NULL) == S_OK);
  step();
}

void provider_finish(provider* p) {
  EXPECT(CPNatfwtDeregisterProviderInstance(p->instance) == S_OK);
  step();
  EXPECT(p->calls[ESTABLISH] == 1);
  EXPECT(p->calls[TERMINATE] == 1);
  EXPECT(p->log[0] == 'E');
  EXPECT(p->log[strlen(p->log) - 1] == 'T');
  EXPECT(p->wrong_arguments == 0);
  EXPECT(p->overlaps == 0);
  CPNatfwtDestroyProviderInstance(p->instance);
  EXPECT(CPNatfwtDeregisterProviderInstance(p->instance) == E_HANDLE);
}

void complete_first(provider* p, HRESULT result) {
  EXPECT(p->pended_count > 0);
  if (p->pended_count == 0) return;
  const pended_call call = p->pended[0];
  memmove(p->pended, p->pended + 1, --p->pended_count * sizeof *p->pended);
  call.routine(call.context, result);
}

void complete_last(provider* p, HRESULT result) {
  EXPECT(p->pended_count > 0);
  if (p->pended_count == 0) return;
  const pended_call call = p->pended[--p->pended_count];
  call.routine(call.context, result);
}

HRESULT indicate(provider* p, const BYTE local[16], const BYTE remote[16], const void* bytes,
                 size_t size) {
  BYTE to[16], from[16], payload[4096];
  CPNATFWT_TRANSPORT_ID local_id = {16, to}, remote_id = {16, from};
  CPNATFWT_BUFFER buffer = {NULL, (ULONG)size, payload};
  memcpy(to, local, 16);
  memcpy(from, remote, 16);
  memcpy(payload, bytes, size);
  return CPNatfwtIndicateReceivedBuffers(p->instance, &local_id, &remote_id, &buffer, NULL, NULL);
}

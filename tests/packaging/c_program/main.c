/* A program without a C++ source file: a provider lives its life on the installed library. */
#include "lockgate/capi/cpnatfwt.h"

#include <stdio.h> /* for puts */

typedef struct life {
  int established, terminated;
} life;

static VOID CALLBACK establish(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context) {
  (void)instance;
  ++((life*)context)->established;
}
static VOID CALLBACK terminate(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                               CPNATFWT_SESSION_TERMINATION_REASON reason) {
  (void)instance;
  if (reason == CPNATFWT_SESSION_TERMINATION_PROVIDER_REQUEST) ++((life*)context)->terminated;
}
static HRESULT CALLBACK transition(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                   PVOID completion, CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  (void)instance;
  (void)context;
  (void)completion;
  (void)routine;
  return S_OK;
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
  (void)remote;
  (void)endpoint;
  (void)chain;
  return with_id(instance, context, local, completion, routine);
}

int main(void) {
  const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE table = {
      .establishSessionIndication = establish,
      .terminateSessionIndication = terminate,
      .transitionActive = transition,
      .transitionDormant = transition,
      .addTransportId = with_id,
      .removeTransportId = with_id,
      .reachTransportId = with_id,
      .sendBuffers = send_buffers,
  };
  life mine = {0, 0};
  CPNATFWT_PROVIDER_INSTANCE instance = NULL;
  if (FAILED(CPNatfwtCreateProviderInstance(&table, &mine, &instance))) return 1;
  if (FAILED(CPNatfwtRegisterProviderInstance(instance, NULL, NULL, 0, NULL))) return 2;
  if (FAILED(CPNatfwtDeregisterProviderInstance(instance))) return 3;
  CPNatfwtDestroyProviderInstance(instance);
  puts("established, terminated");
  return mine.established == 1 && mine.terminated == 1 ? 0 : 4;
}

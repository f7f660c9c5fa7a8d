#include "c_sink.h"

static VOID CALLBACK establish(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context) {
  (void)instance;
  (void)context;
}
static VOID CALLBACK terminate(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                               CPNATFWT_SESSION_TERMINATION_REASON reason) {
  (void)instance;
  (void)context;
  (void)reason;
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
  (void)instance;
  (void)local;
  (void)remote;
  (void)endpoint;
  (void)completion;
  (void)routine;
  ((c_sink*)context)->bytes += chain->size;
  ++((c_sink*)context)->messages;
  return S_OK;
}

const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE c_sink_table = {
    .establishSessionIndication = establish,
    .terminateSessionIndication = terminate,
    .transitionActive = transition,
    .transitionDormant = transition,
    .addTransportId = with_id,
    .removeTransportId = with_id,
    .reachTransportId = with_id,
    .sendBuffers = send_buffers,
};

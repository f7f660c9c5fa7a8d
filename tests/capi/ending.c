#include "ending.h"

#include "support/application.h" /* for EXPECT, app_open */
#include "support/provider.h"    /* for provider */

#include <string.h> /* for strcmp, memcpy */

static const BYTE peer[16] = {0xfd, 9};

static void deregister_twice(provider* p) {
  EXPECT(CPNatfwtDeregisterProviderInstance(p->instance) == S_OK);
  EXPECT(CPNatfwtDeregisterProviderInstance(p->instance) == S_OK);
  EXPECT(p->calls[TERMINATE] == (p->log[strlen(p->log) - 1] == 'T'));
}

void deregister_is_accepted_inside_every_callback(void) {
  for (enum row row = ESTABLISH; row < ROWS; ++row) {
    if (row == TERMINATE) continue;
    provider p;
    provider_init(&p);
    p.inside[row] = deregister_twice;
    EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 0, NULL) == S_OK);
    step();
    const unsigned endpoint = app_open();
    const unsigned sent = app_send(endpoint, peer, "x", 1);
    if (row == REMOVE || row == DORMANT) pass_seconds(200);
    EXPECT(app_sent(sent) != CPNATFWT_PENDING);
    EXPECT(p.calls[row] == 1);
    EXPECT(p.calls[TERMINATE] == 1);
    EXPECT(p.log[strlen(p.log) - 1] == 'T');
    EXPECT(p.reason == CPNATFWT_SESSION_TERMINATION_PROVIDER_REQUEST);
    EXPECT(p.overlaps == 0);
    EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == CPNATFWT_E_STATE);
    CPNatfwtDestroyProviderInstance(p.instance);
    app_close(endpoint);
  }
}

void shutdown_leaves_deregister_owed(void) {
  provider p;
  provider_start(&p);
  app_open();
  p.inside[TERMINATE] = deregister_twice;
  shut_down();
  EXPECT(p.reason == CPNATFWT_SESSION_TERMINATION_PLATFORM_SHUTDOWN);
  EXPECT(strcmp(p.log, "EA+T") == 0);
  step();
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == CPNATFWT_E_STATE);
  CPNatfwtDestroyProviderInstance(p.instance);
  provider late;
  provider_init(&late);
  EXPECT(CPNatfwtRegisterProviderInstance(late.instance, NULL, NULL, 0, NULL) ==
         HRESULT_FROM_WIN32(ERROR_SHUTDOWN_IN_PROGRESS));
  CPNatfwtDestroyProviderInstance(late.instance);
}

void a_slow_provider_is_ended(void) {
  provider p;
  provider_start(&p);
  p.says[ACTIVE] = CPNATFWT_PENDING;
  app_open();
  pass_seconds(29);
  EXPECT(p.calls[TERMINATE] == 0);
  pass_seconds(1 + 5 + 5); /* the limit, the grace time of the row, and that of the end */
  EXPECT(p.calls[TERMINATE] == 1);
  EXPECT(p.reason == CPNATFWT_SESSION_TERMINATION_PROVIDER_TIMEOUT);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK);
  pass_seconds(60);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK); /* not drained: it joins */
  complete_first(&p, S_OK);                                        /* late */
  step();
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == CPNATFWT_E_STATE);
  CPNatfwtDestroyProviderInstance(p.instance);
}

void pended_calls_hold_up_the_end(void) {
  provider p;
  provider_start(&p);
  const unsigned endpoint = app_open();
  p.says[SEND] = CPNATFWT_PENDING;
  const unsigned sent = app_send(endpoint, peer, "x", 1);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK);
  pass_seconds(60);
  EXPECT(p.calls[TERMINATE] == 1);
  EXPECT(app_sent(sent) == CPNATFWT_PENDING); /* the provider may still read it */
  complete_first(&p, CPNATFWT_E_ABORTED);
  step();
  EXPECT(app_sent(sent) == CPNATFWT_E_ABORTED);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == CPNATFWT_E_STATE);
  CPNatfwtDestroyProviderInstance(p.instance);
}

static HRESULT outcomes[4];
static int completions;
static VOID CALLBACK indicated(PVOID context, HRESULT result) {
  outcomes[completions++] = result;
  if (context) *(int*)context = completions;
}

void the_end_gives_lent_messages_back(void) {
  provider p;
  BYTE local[16], remote[16], from[16], bytes[] = "lent!";
  char text[8];
  int order[3] = {0, 0, 0};
  memcpy(remote, peer, 16);
  provider_start(&p);
  const unsigned endpoint = app_open();
  app_id(endpoint, local);
  CPNATFWT_BUFFER buffer = {NULL, 5, bytes};
  CPNATFWT_TRANSPORT_ID to = {16, local}, source = {16, remote};
  completions = 0;
  for (int i = 0; i < 3; ++i)
    EXPECT(CPNatfwtIndicateReceivedBuffers(p.instance, &to, &source, &buffer, &order[i],
                                           indicated) == CPNATFWT_PENDING);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 5);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK);
  step();
  EXPECT(p.calls[TERMINATE] == 1);
  EXPECT(completions == 2); /* those that nobody had taken */
  EXPECT(order[0] == 0);
  EXPECT(outcomes[0] == CPNATFWT_E_ABORTED);
  EXPECT(outcomes[1] == CPNATFWT_E_ABORTED);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK); /* one is still out */
  app_release();
  EXPECT(completions == 3);
  EXPECT(order[0] == 3);
  EXPECT(outcomes[2] == CPNATFWT_E_ABORTED);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == CPNATFWT_E_STATE);
  CPNatfwtDestroyProviderInstance(p.instance);
  memset(bytes, 0, sizeof bytes);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 5); /* the application has not lost them */
  EXPECT(memcmp(text, "lent!", 5) == 0);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 5);
  app_release();
}

void closing_an_endpoint_gives_lent_messages_back(void) {
  provider p;
  BYTE local[16], remote[16], bytes[] = "lent!";
  memcpy(remote, peer, 16);
  provider_start(&p);
  const unsigned endpoint = app_open();
  app_id(endpoint, local);
  CPNATFWT_BUFFER buffer = {NULL, 5, bytes};
  CPNATFWT_TRANSPORT_ID to = {16, local}, source = {16, remote};
  completions = 0;
  EXPECT(CPNatfwtIndicateReceivedBuffers(p.instance, &to, &source, &buffer, NULL, indicated) ==
         CPNATFWT_PENDING);
  EXPECT(completions == 0);
  app_close(endpoint);
  EXPECT(completions == 1);
  EXPECT(outcomes[0] == S_OK);
  provider_finish(&p);
}

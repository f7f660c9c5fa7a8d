#include "session.h"

#include "support/application.h" /* for EXPECT, app_open */
#include "support/provider.h"    /* for provider */

#include <string.h> /* for strcmp, memset */

static const BYTE peer[16] = {0xfd, 9};

void nothing_happens_without_demand(void) {
  provider p;
  provider_start(&p);
  pass_seconds(600);
  EXPECT(strcmp(p.log, "E") == 0);
  app_open();
  EXPECT(strcmp(p.log, "EA+") == 0);
  provider_finish(&p);
}

static void demand_arrives(provider* p) {
  app_open();
  EXPECT(strcmp(p->log, "E") == 0);
}

void nothing_starts_before_establish_has_returned(void) {
  provider p;
  provider_init(&p);
  p.inside[ESTABLISH] = demand_arrives;
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 0, NULL) == S_OK);
  step();
  EXPECT(strcmp(p.log, "EA+") == 0);
  provider_finish(&p);
}

void a_failed_preparation_surfaces_at_activation(void) {
  provider p;
  provider_start(&p);
  p.says[ACTIVE] = E_FAIL;
  const unsigned endpoint = app_open();
  EXPECT(p.calls[ACTIVE] == 1);
  const unsigned sent = app_send(endpoint, peer, "x", 1);
  EXPECT(app_sent(sent) != S_OK);
  EXPECT(p.calls[SEND] == 0);
  EXPECT(p.calls[ADD] == 0);
  EXPECT(p.calls[TERMINATE] == 0);
  p.says[ACTIVE] = S_OK;
  pass_seconds(2); /* the back-off */
  EXPECT(p.calls[ACTIVE] == 2);
  EXPECT(app_ready(endpoint) == S_OK);
  provider_finish(&p);
}

void activation_may_wait_for_the_provider_s_own_start(void) {
  provider p;
  provider_start(&p);
  p.says[ACTIVE] = CPNATFWT_PENDING;
  const unsigned endpoint = app_open();
  pass_seconds(10);
  EXPECT(app_ready(endpoint) == CPNATFWT_PENDING);
  EXPECT(strcmp(p.log, "EA") == 0);
  complete_first(&p, S_OK);
  step();
  EXPECT(app_ready(endpoint) == S_OK);
  provider_finish(&p);
}

static void expect_refused(provider* p) {
  EXPECT(indicate(p, p->id, peer, "x", 1) == CPNATFWT_E_STATE);
}

void indicate_is_refused_unless_active(void) {
  provider p;
  char text[4];
  BYTE from[16], local[16];
  provider_init(&p);
  expect_refused(&p); /* created */
  p.inside[ESTABLISH] = p.inside[TERMINATE] = p.inside[ACTIVE] = p.inside[DORMANT] = expect_refused;
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 0, NULL) == S_OK);
  expect_refused(&p); /* granted, establish has not begun */
  step();
  expect_refused(&p); /* idle */
  p.says[ACTIVE] = CPNATFWT_PENDING;
  const unsigned endpoint = app_open();
  expect_refused(&p); /* activating */
  complete_first(&p, S_OK);
  step();
  app_id(endpoint, local);
  EXPECT(indicate(&p, local, peer, "yes", 3) == S_OK);
  pass_seconds(200);
  EXPECT(p.calls[DORMANT] == 1);
  expect_refused(&p); /* dormant */
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK);
  step();
  EXPECT(p.calls[TERMINATE] == 1);
  expect_refused(&p); /* deregistered */
  CPNatfwtDestroyProviderInstance(p.instance);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 3);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 0);
}

void indicating_right_after_the_completion_works(void) {
  provider p;
  BYTE from[16];
  char text[8];
  provider_start(&p);
  const unsigned endpoint = app_open();
  pass_seconds(200); /* dormant again; the endpoint keeps its id */
  EXPECT(p.calls[DORMANT] == 1);
  BYTE local[16];
  app_id(endpoint, local);
  p.says[ACTIVE] = CPNATFWT_PENDING;
  const unsigned sent = app_send(endpoint, peer, "x", 1);
  EXPECT(p.calls[ACTIVE] == 2);
  complete_first(&p, S_OK);
  /* Active from here on, and no longer refused for that; the id has yet to be added again. */
  EXPECT(indicate(&p, local, peer, "early", 5) == HRESULT_FROM_WIN32(ERROR_NOT_FOUND));
  step();
  EXPECT(indicate(&p, local, peer, "hello", 5) == S_OK);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 5);
  EXPECT(app_sent(sent) == S_OK);
  provider_finish(&p);
}

void the_dormancy_notice_may_be_ignored(void) {
  provider p;
  provider_start(&p);
  p.says[DORMANT] = E_FAIL;
  const unsigned endpoint = app_open();
  EXPECT(app_sent(app_send(endpoint, peer, "a", 1)) == S_OK);
  pass_seconds(200);
  EXPECT(strcmp(p.log, "EA+RS-D") == 0);
  EXPECT(app_sent(app_send(endpoint, peer, "b", 1)) == S_OK);
  EXPECT(strcmp(p.log, "EA+RS-DA+RS") == 0);
  provider_finish(&p);
}

void a_failed_add_is_followed_by_another_id(void) {
  provider p;
  BYTE first[16], id[16];
  provider_start(&p);
  p.says[ADD] = CPNATFWT_PENDING;
  const unsigned endpoint = app_open();
  memcpy(first, p.id, 16);
  complete_first(&p, CPNATFWT_E_DUPLICATE);
  step();
  EXPECT(p.calls[ADD] == 2);
  EXPECT(memcmp(first, p.id, 16) != 0);
  complete_first(&p, S_OK);
  step();
  EXPECT(app_ready(endpoint) == S_OK);
  app_id(endpoint, id);
  EXPECT(memcmp(id, p.id, 16) == 0);
  p.says[ADD] = CPNATFWT_E_DUPLICATE;
  const unsigned unlucky = app_open();
  EXPECT(app_ready(unlucky) == CPNATFWT_E_UNREACHABLE);
  EXPECT(p.calls[ADD] == 2 + 8);
  provider_finish(&p);
}

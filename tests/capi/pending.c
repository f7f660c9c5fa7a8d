#include "pending.h"

#include "support/application.h" /* for EXPECT, app_open */
#include "support/provider.h"    /* for provider */

#include <string.h> /* for strcmp */

static const BYTE peer[16] = {0xfd, 9};

void every_callback_can_pend(void) {
  provider p;
  const unsigned ignored = ignored_completions();
  provider_start(&p);
  for (enum row row = ACTIVE; row < ROWS; ++row) p.says[row] = CPNATFWT_PENDING;
  const unsigned endpoint = app_open();
  EXPECT(strcmp(p.log, "EA") == 0);
  complete_first(&p, S_OK);
  step();
  EXPECT(strcmp(p.log, "EA+") == 0);
  complete_first(&p, S_OK);
  step();
  EXPECT(app_ready(endpoint) == S_OK);
  const unsigned sent = app_send(endpoint, peer, "x", 1);
  EXPECT(strcmp(p.log, "EA+R") == 0);
  complete_first(&p, S_OK);
  step();
  EXPECT(strcmp(p.log, "EA+RS") == 0);
  EXPECT(app_sent(sent) == CPNATFWT_PENDING);
  complete_first(&p, S_OK);
  step();
  EXPECT(app_sent(sent) == S_OK);
  pass_seconds(130);
  EXPECT(strcmp(p.log, "EA+RS-") == 0);
  complete_first(&p, S_OK);
  step();
  EXPECT(strcmp(p.log, "EA+RS-D") == 0);
  complete_first(&p, S_OK);
  step();
  EXPECT(ignored_completions() == ignored);
  provider_finish(&p);
  EXPECT(strcmp(p.log, "EA+RS-DT") == 0);
}

void pended_failures_count_as_failures(void) {
  provider p;
  provider_start(&p);
  const unsigned endpoint = app_open();
  p.says[REACH] = CPNATFWT_PENDING;
  unsigned sent = app_send(endpoint, peer, "x", 1);
  complete_first(&p, CPNATFWT_E_UNREACHABLE);
  step();
  EXPECT(app_sent(sent) == CPNATFWT_E_UNREACHABLE);
  EXPECT(p.calls[SEND] == 0);
  p.says[REACH] = S_OK;
  p.says[SEND] = CPNATFWT_PENDING;
  sent = app_send(endpoint, peer, "x", 1);
  complete_first(&p, (HRESULT)0x80041234);
  step();
  EXPECT(app_sent(sent) == (HRESULT)0x80041234); /* the provider's own code reaches the sender */
  provider_finish(&p);
}

static void complete_inside(provider* p) {
  p->last.routine(p->last.context, S_OK);
}

void a_completion_may_come_before_pending_is_returned(void) {
  provider p;
  const unsigned ignored = ignored_completions();
  provider_start(&p);
  for (enum row row = ACTIVE; row < ROWS; ++row) {
    p.says[row] = CPNATFWT_PENDING;
    p.inside[row] = complete_inside;
  }
  const unsigned endpoint = app_open();
  EXPECT(app_ready(endpoint) == S_OK);
  EXPECT(app_sent(app_send(endpoint, peer, "x", 1)) == S_OK);
  EXPECT(app_sent(app_send(endpoint, peer, "y", 1)) == S_OK);
  pass_seconds(200);
  EXPECT(strcmp(p.log, "EA+RSS-D") == 0);
  EXPECT(ignored_completions() == ignored);
  provider_finish(&p);
}

void a_completion_after_a_synchronous_result_has_no_effect(void) {
  provider p;
  const unsigned ignored = ignored_completions();
  provider_start(&p);
  p.says[ACTIVE] = E_FAIL;
  p.inside[ACTIVE] = complete_inside; /* says S_OK, and then fails: the failure counts */
  const unsigned endpoint = app_open();
  EXPECT(app_ready(endpoint) == CPNATFWT_PENDING);
  EXPECT(p.calls[ACTIVE] == 1);
  EXPECT(ignored_completions() == ignored + 1);
  const pended_call stale = p.last;
  p.says[ACTIVE] = S_OK;
  p.inside[ACTIVE] = NULL;
  pass_seconds(2);
  EXPECT(app_ready(endpoint) == S_OK);
  stale.routine(stale.context, S_OK);
  p.last.routine(p.last.context, E_FAIL); /* of the ADD that answered S_OK */
  p.last.routine(NULL, S_OK);
  EXPECT(ignored_completions() == ignored + 4);
  step();
  EXPECT(app_ready(endpoint) == S_OK);
  EXPECT(app_sent(app_send(endpoint, peer, "x", 1)) == S_OK);
  provider_finish(&p);
}

void a_second_completion_has_no_effect(void) {
  provider p;
  const unsigned ignored = ignored_completions();
  provider_start(&p);
  const unsigned endpoint = app_open();
  p.says[SEND] = CPNATFWT_PENDING;
  const unsigned first = app_send(endpoint, peer, "1", 1);
  const pended_call done = p.pended[0];
  done.routine(done.context, E_FAIL);
  done.routine(done.context, S_OK);
  step();
  EXPECT(app_sent(first) == E_FAIL);
  const unsigned second = app_send(endpoint, peer, "2", 1); /* takes the same place */
  done.routine(done.context, S_OK);
  step();
  EXPECT(app_sent(second) == CPNATFWT_PENDING);
  complete_last(&p, S_OK);
  step();
  EXPECT(app_sent(second) == S_OK);
  EXPECT(ignored_completions() == ignored + 2);
  provider_finish(&p);
}

void pending_is_no_result(void) {
  provider p;
  provider_start(&p);
  const unsigned endpoint = app_open();
  p.says[SEND] = CPNATFWT_PENDING;
  const unsigned sent = app_send(endpoint, peer, "1", 1);
  complete_first(&p, CPNATFWT_PENDING);
  step();
  EXPECT(app_sent(sent) == E_FAIL);
  provider_finish(&p);
}

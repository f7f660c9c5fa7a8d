#include "traffic.h"

#include "support/application.h" /* for EXPECT, app_open */
#include "support/provider.h"    /* for provider */

#include <string.h> /* for strcmp, memcmp */

static const BYTE peer[16] = {0xfd, 9};

void a_send_follows_a_reach_that_said_yes(void) {
  provider p;
  provider_start(&p);
  const unsigned endpoint = app_open();
  p.says[REACH] = E_FAIL;
  EXPECT(app_sent(app_send(endpoint, peer, "no", 2)) == E_FAIL);
  EXPECT(p.calls[SEND] == 0);
  p.says[REACH] = S_OK;
  EXPECT(app_sent(app_send(endpoint, peer, "yes", 3)) == S_OK);
  EXPECT(strcmp(p.log, "EA+RRS") == 0);
  EXPECT(memcmp(p.id, peer, 16) == 0);
  EXPECT(app_sent(app_send(endpoint, peer, "again", 5)) == S_OK);
  EXPECT(strcmp(p.log, "EA+RRSS") == 0);
  p.says[SEND] = CPNATFWT_E_UNREACHABLE;
  EXPECT(app_sent(app_send(endpoint, peer, "lost", 4)) == CPNATFWT_E_UNREACHABLE);
  p.says[SEND] = S_OK;
  EXPECT(app_sent(app_send(endpoint, peer, "back", 4)) == S_OK);
  EXPECT(strcmp(p.log, "EA+RRSSSRS") == 0);
  provider_finish(&p);
}

void a_message_names_both_ends_and_its_endpoint(void) {
  provider p;
  BYTE local[16], other[16];
  provider_start(&p);
  const unsigned one = app_open(), two = app_open();
  app_id(one, local);
  app_id(two, other);
  EXPECT(app_sent(app_send(one, peer, "x", 1)) == S_OK);
  EXPECT(memcmp(p.local, local, 16) == 0);
  EXPECT(memcmp(p.remote, peer, 16) == 0);
  const UINT64 endpoint = p.endpoint;
  EXPECT(endpoint != 0);
  EXPECT(app_sent(app_send(two, peer, "x", 1)) == S_OK);
  EXPECT(memcmp(p.local, other, 16) == 0);
  EXPECT(p.endpoint != endpoint);
  EXPECT(app_sent(app_send(one, peer, "x", 1)) == S_OK);
  EXPECT(p.endpoint == endpoint);
  provider_finish(&p);
}

void a_chain_is_its_parts_in_order(void) {
  provider p;
  static const size_t one[] = {6}, two[] = {2, 4}, empty[] = {0, 3, 0, 3, 0};
  static const size_t many[] = {1, 1, 1, 0, 1, 1, 1};
  static const struct {
    const size_t* sizes;
    size_t count;
  } chains[] = {{one, 1}, {two, 2}, {empty, 5}, {many, 7}};
  provider_start(&p);
  p.says[SEND] = CPNATFWT_PENDING;
  const unsigned endpoint = app_open();
  for (size_t i = 0; i < sizeof chains / sizeof *chains; ++i) {
    const unsigned sent =
        app_send_parts(endpoint, peer, "abcdef", chains[i].sizes, chains[i].count);
    EXPECT(p.sent_parts == chains[i].count);
    EXPECT(p.sent_size == 6);
    EXPECT(memcmp(p.sent, "abcdef", 6) == 0);
    size_t part = 0; /* lent until the completion */
    for (const CPNATFWT_BUFFER* b = p.lent; b; b = b->next, ++part)
      EXPECT(b->size == chains[i].sizes[part]);
    EXPECT(part == chains[i].count);
    complete_first(&p, S_OK);
    step();
    EXPECT(app_sent(sent) == S_OK);
  }
  provider_finish(&p);
}

void two_instances_are_asked_for_each_peer(void) {
  provider p, q;
  provider_start(&p);
  provider_start(&q);
  const unsigned endpoint = app_open();
  q.says[REACH] = CPNATFWT_E_UNREACHABLE;
  EXPECT(app_sent(app_send(endpoint, peer, "p", 1)) == S_OK);
  EXPECT(p.calls[REACH] == 1);
  EXPECT(q.calls[REACH] == 1);
  EXPECT(p.calls[SEND] == 1);
  EXPECT(q.calls[SEND] == 0);
  const BYTE another[16] = {0xfd, 10};
  p.says[REACH] = CPNATFWT_E_UNREACHABLE;
  q.says[REACH] = S_OK;
  EXPECT(app_sent(app_send(endpoint, another, "q", 1)) == S_OK);
  EXPECT(q.calls[SEND] == 1);
  const BYTE both[16] = {0xfd, 11};
  p.says[REACH] = S_OK;
  EXPECT(app_sent(app_send(endpoint, both, "?", 1)) == CPNATFWT_E_UNREACHABLE);
  EXPECT(p.calls[SEND] + q.calls[SEND] == 2);
  provider_finish(&p);
  provider_finish(&q);
}

static HRESULT outcome;
static int completions;
static VOID CALLBACK indicated(PVOID context, HRESULT result) {
  (void)context;
  outcome = result;
  ++completions;
}

void messages_from_peers_arrive_as_they_were_indicated(void) {
  provider p;
  BYTE local[16], from[16], remote[16];
  char text[16];
  memcpy(remote, peer, 16);
  provider_start(&p);
  const unsigned endpoint = app_open();
  app_id(endpoint, local);
  BYTE bytes[] = "abcdef";
  CPNATFWT_BUFFER third = {NULL, 4, bytes + 2}, second = {&third, 0, NULL},
                  first = {&second, 2, bytes};
  CPNATFWT_TRANSPORT_ID to = {16, local}, source = {16, remote};
  completions = 0;
  EXPECT(CPNatfwtIndicateReceivedBuffers(p.instance, &to, &source, &first, NULL, indicated) ==
         CPNATFWT_PENDING);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 6);
  EXPECT(memcmp(text, "abcdef", 6) == 0);
  EXPECT(memcmp(from, peer, 16) == 0);
  step();
  EXPECT(completions == 0); /* the application still reads the provider's memory */
  app_release();
  EXPECT(completions == 1);
  EXPECT(outcome == S_OK);
  EXPECT(CPNatfwtIndicateReceivedBuffers(p.instance, &to, &source, &first, NULL, NULL) == S_OK);
  memset(bytes, 'x', sizeof bytes); /* it was copied */
  EXPECT(app_take(endpoint, from, text, sizeof text) == 6);
  EXPECT(memcmp(text, "abcdef", 6) == 0);
  app_release();
  provider_finish(&p);
  EXPECT(completions == 1);
}

void what_cannot_be_delivered_is_refused(void) {
  provider p;
  BYTE local[16], remote[16], nobody[16] = {0xfd, 77};
  memcpy(remote, peer, 16);
  provider_start(&p);
  const unsigned endpoint = app_open();
  app_id(endpoint, local);
  BYTE bytes[] = "abc";
  CPNATFWT_BUFFER buffer = {NULL, 3, bytes}, empty = {NULL, 0, bytes}, missing = {NULL, 3, NULL};
  CPNATFWT_TRANSPORT_ID to = {16, local}, source = {16, remote}, unknown = {16, nobody};
  CPNATFWT_TRANSPORT_ID shorter = {15, local}, null_id = {16, NULL};
  CPNATFWT_BUFFER endless[5] = {{&endless[1], 3, bytes},
                                {&endless[2], 0, NULL},
                                {&endless[3], 0, NULL},
                                {&endless[4], 3, bytes},
                                {&endless[2], 3, bytes}};
  CPNATFWT_BUFFER own_next = {&own_next, 0, NULL};
  completions = 0;
  for (int with = 0; with < 2; ++with) {
    const CPNATFWT_PROVIDER_COMPLETION_ROUTINE routine = with ? indicated : NULL;
    PVOID const instance = p.instance;
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, &unknown, &source, &buffer, NULL, routine) ==
           HRESULT_FROM_WIN32(ERROR_NOT_FOUND));
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, &to, &source, &empty, NULL, routine) ==
           E_INVALIDARG);
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, &to, &source, &missing, NULL, routine) ==
           E_INVALIDARG);
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, &to, &source, NULL, NULL, routine) ==
           E_INVALIDARG);
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, &to, &source, endless, NULL, routine) ==
           E_INVALIDARG);
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, &to, &source, &own_next, NULL, routine) ==
           E_INVALIDARG);
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, &shorter, &source, &buffer, NULL, routine) ==
           E_INVALIDARG);
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, &to, &null_id, &buffer, NULL, routine) ==
           E_INVALIDARG);
    EXPECT(CPNatfwtIndicateReceivedBuffers(instance, NULL, &source, &buffer, NULL, routine) ==
           E_INVALIDARG);
  }
  step();
  EXPECT(completions == 0);
  EXPECT(app_take(endpoint, remote, bytes, sizeof bytes) == 0);
  provider_finish(&p);
}

static void indicate_from_inside(provider* p) {
  EXPECT(indicate(p, p->local, p->remote, p->sent, p->sent_size) == S_OK);
}

void indicating_works_inside_callbacks(void) {
  provider p;
  BYTE from[16];
  char text[8];
  provider_start(&p);
  const unsigned endpoint = app_open();
  p.inside[SEND] = indicate_from_inside;
  EXPECT(app_sent(app_send(endpoint, peer, "echo", 4)) == S_OK);
  EXPECT(app_sent(app_send(endpoint, peer, "echo", 4)) == S_OK);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 4);
  EXPECT(memcmp(from, peer, 16) == 0);
  EXPECT(app_take(endpoint, from, text, sizeof text) == 4);
  app_release();
  provider_finish(&p);
}

void ids_are_the_platform_s_and_can_be_kept(void) {
  provider p;
  provider_start(&p);
  BYTE kept[3][16];
  for (size_t i = 0; i < 3; ++i) {
    app_open();
    memcpy(kept[i], p.id, 16);
    for (size_t j = 0; j < i; ++j) EXPECT(memcmp(kept[i], kept[j], 16) != 0);
  }
  app_close(1);
  EXPECT(p.calls[REMOVE] == 1);
  EXPECT(memcmp(p.id, kept[1], 16) == 0);
  EXPECT(indicate(&p, kept[1], peer, "x", 1) == HRESULT_FROM_WIN32(ERROR_NOT_FOUND));
  EXPECT(indicate(&p, kept[2], peer, "x", 1) == S_OK);
  provider_finish(&p);
}

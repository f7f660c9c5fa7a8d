#include "registration.h"

#include "support/application.h" /* for EXPECT, step */
#include "support/provider.h"    /* for provider */

#include <stdlib.h> /* for calloc, free */
#include <string.h> /* for strcmp, memset */

static HRESULT enroll(provider* p) {
  return CPNatfwtRegisterProviderInstance(p->instance, NULL, NULL, 0, NULL);
}

void establish_follows_a_granted_registration_only(void) {
  provider p;
  provider_init(&p);
  policy_says(E_ACCESSDENIED);
  EXPECT(enroll(&p) == E_ACCESSDENIED);
  step();
  EXPECT(p.calls[ESTABLISH] == 0);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == CPNATFWT_E_STATE);
  policy_says(S_OK);
  EXPECT(enroll(&p) == S_OK);
  EXPECT(p.calls[ESTABLISH] == 0); /* register has returned first */
  step();
  EXPECT(p.calls[ESTABLISH] == 1);
  EXPECT(p.calls[TERMINATE] == 0);
  EXPECT(enroll(&p) == CPNATFWT_E_STATE);
  provider_finish(&p);
  EXPECT(p.calls[ESTABLISH] == 1);
}

void a_policy_that_does_not_decide_cannot_be_waited_for_here(void) {
  provider p;
  provider_init(&p);
  policy_says(CPNATFWT_PENDING);
  EXPECT(enroll(&p) == HRESULT_FROM_WIN32(ERROR_RETRY));
  step();
  policy_says(S_OK);
  EXPECT(enroll(&p) == S_OK);
  step();
  provider_finish(&p);
}

static void call_everything(provider* p) {
  provider* const another = p->more;
  const BYTE id[16] = {1};
  EXPECT(indicate(p, id, id, "x", 1) == CPNATFWT_E_STATE);
  EXPECT(enroll(p) == CPNATFWT_E_STATE);
  provider_init(another);
  EXPECT(enroll(another) == S_OK);
  EXPECT(CPNatfwtDeregisterProviderInstance(p->instance) == S_OK);
  EXPECT(p->calls[TERMINATE] == 0);
}

void establish_may_call_every_function(void) {
  provider p, another;
  provider_init(&p);
  p.inside[ESTABLISH] = call_everything;
  p.more = &another;
  EXPECT(enroll(&p) == S_OK);
  step();
  EXPECT(strcmp(p.log, "ET") == 0);
  EXPECT(p.overlaps == 0);
  EXPECT(p.reason == CPNATFWT_SESSION_TERMINATION_PROVIDER_REQUEST);
  EXPECT(another.calls[ESTABLISH] == 1);
  CPNatfwtDestroyProviderInstance(p.instance);
  provider_finish(&another);
}

void a_refused_instance_can_be_destroyed(void) {
  provider p;
  provider_init(&p);
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 1, NULL) == E_INVALIDARG);
  CPNatfwtDestroyProviderInstance(p.instance);
  EXPECT(enroll(&p) == E_HANDLE);
  EXPECT(p.log[0] == 0);
}

void names_are_default_numbered_and_cut(void) {
  provider p[4];
  WCHAR long_name[CPNATFWT_MAX_INTERFACE_NAME_LENGTH + 1];
  for (size_t i = 0; i < 4; ++i) provider_init(&p[i]);
  EXPECT(enroll(&p[0]) == S_OK);
  EXPECT(strcmp(name_of(p[0].instance), "Microsoft Connectivity Platform Adapter #1") == 0);
  WCHAR name[] = u"Gr\u00fc\u00df \u2192 \U0001F512";
  EXPECT(CPNatfwtRegisterProviderInstance(p[1].instance, name, NULL, 0, NULL) == S_OK);
  EXPECT(strcmp(name_of(p[1].instance), "Gr\xc3\xbc\xc3\x9f \xe2\x86\x92 \xf0\x9f\x94\x92") == 0);
  EXPECT(CPNatfwtRegisterProviderInstance(p[2].instance, name, NULL, 0, NULL) == S_OK);
  EXPECT(strcmp(name_of(p[2].instance), "Gr\xc3\xbc\xc3\x9f \xe2\x86\x92 \xf0\x9f\x94\x92 2") == 0);
  for (size_t i = 0; i < CPNATFWT_MAX_INTERFACE_NAME_LENGTH; ++i) long_name[i] = 'n';
  long_name[CPNATFWT_MAX_INTERFACE_NAME_LENGTH] = 0;
  EXPECT(CPNatfwtRegisterProviderInstance(p[3].instance, long_name, NULL, 0, NULL) == S_OK);
  EXPECT(strlen(name_of(p[3].instance)) == CPNATFWT_MAX_INTERFACE_NAME_LENGTH - 1);
  step();
  for (size_t i = 0; i < 4; ++i) provider_finish(&p[i]);
}

void a_name_of_exactly_the_maximum_is_kept(void) {
  provider p;
  WCHAR name[CPNATFWT_MAX_INTERFACE_NAME_LENGTH];
  provider_init(&p);
  for (size_t i = 0; i + 1 < CPNATFWT_MAX_INTERFACE_NAME_LENGTH; ++i) name[i] = 'a' + (WCHAR)(i % 26);
  name[CPNATFWT_MAX_INTERFACE_NAME_LENGTH - 1] = 0;
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, name, NULL, 0, NULL) == S_OK);
  const char* const kept = name_of(p.instance);
  EXPECT(strlen(kept) == CPNATFWT_MAX_INTERFACE_NAME_LENGTH - 1);
  for (size_t i = 0; kept[i]; ++i) EXPECT(kept[i] == (char)('a' + i % 26));
  step();
  provider_finish(&p);
}

void a_luid_belongs_to_the_table_that_had_it(void) {
  provider first, again, other;
  IF_LUID luid = {0};
  provider_init(&first);
  EXPECT(CPNatfwtRegisterProviderInstance(first.instance, NULL, &luid, 0, NULL) == S_OK);
  EXPECT(luid.Value != 0);
  step();
  provider_init(&again);
  EXPECT(CPNatfwtRegisterProviderInstance(again.instance, NULL, &luid, 0, NULL) ==
         HRESULT_FROM_WIN32(ERROR_BUSY));
  provider_finish(&first);
  const UINT64 had = luid.Value;
  EXPECT(CPNatfwtRegisterProviderInstance(again.instance, NULL, &luid, 0, NULL) == S_OK);
  EXPECT(luid.Value == had);
  step();
  provider_finish(&again);
  provider_init_with(&other, &other_provider_table);
  EXPECT(CPNatfwtRegisterProviderInstance(other.instance, NULL, &luid, 0, NULL) ==
         HRESULT_FROM_WIN32(ERROR_NOT_FOUND));
  luid.Value = had + 1000;
  EXPECT(CPNatfwtRegisterProviderInstance(other.instance, NULL, &luid, 0, NULL) ==
         HRESULT_FROM_WIN32(ERROR_NOT_FOUND));
  CPNatfwtDestroyProviderInstance(other.instance);
}

void sddl_goes_to_the_policy(void) {
  provider p;
  WCHAR sddl[] = u"D:(A;;GA;;;WD)", empty[] = u"";
  provider_init(&p);
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 0, sddl) == E_INVALIDARG);
  policy_says(S_OK);
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 0, empty) == E_INVALIDARG);
  EXPECT(CPNatfwtRegisterProviderInstance(p.instance, NULL, NULL, 0, sddl) == S_OK);
  EXPECT(strcmp(policy_was_asked(), "D:(A;;GA;;;WD)") == 0);
  step();
  provider_finish(&p);
}

void create_wants_a_whole_table(void) {
  CPNATFWT_PROVIDER_INSTANCE instance = NULL;
  CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE table = provider_table;
  EXPECT(CPNatfwtCreateProviderInstance(NULL, NULL, &instance) == E_INVALIDARG);
  EXPECT(CPNatfwtCreateProviderInstance(&table, NULL, NULL) == E_INVALIDARG);
  table.transitionDormant = NULL;
  EXPECT(CPNatfwtCreateProviderInstance(&table, NULL, &instance) == E_INVALIDARG);
  table = provider_table;
  table.version = 1;
  EXPECT(CPNatfwtCreateProviderInstance(&table, NULL, &instance) == E_INVALIDARG);
  table.version = 0;
  table.size = sizeof table - 1;
  EXPECT(CPNatfwtCreateProviderInstance(&table, NULL, &instance) == E_INVALIDARG);
  EXPECT(instance == NULL);
}

void stale_handles_are_harmless(void) {
  provider p, successor;
  const BYTE id[16] = {1};
  const unsigned before = stale_handles();
  provider_init(&p);
  CPNatfwtDestroyProviderInstance(p.instance);
  provider_init(&successor); /* takes the same place */
  CPNatfwtDestroyProviderInstance(p.instance);
  EXPECT(enroll(&p) == E_HANDLE);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == E_HANDLE);
  EXPECT(indicate(&p, id, id, "x", 1) == E_HANDLE);
  CPNatfwtDestroyProviderInstance(NULL);
  EXPECT(CPNatfwtDeregisterProviderInstance(NULL) == E_HANDLE);
  EXPECT(CPNatfwtDeregisterProviderInstance((PVOID)&p) == E_HANDLE);
  EXPECT(stale_handles() == before + 7);
  EXPECT(enroll(&successor) == S_OK);
  step();
  provider_finish(&successor);
}

void a_second_life_needs_a_new_instance(void) {
  provider p;
  provider_start(&p);
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == S_OK);
  step();
  EXPECT(CPNatfwtDeregisterProviderInstance(p.instance) == CPNATFWT_E_STATE);
  EXPECT(enroll(&p) == CPNATFWT_E_STATE);
  CPNatfwtDestroyProviderInstance(p.instance);
}

void destroy_while_registered(void) {
  provider p;
  provider_start(&p);
  CPNatfwtDestroyProviderInstance(p.instance);
}

void every_callback_gets_handle_and_context(void) {
  provider p[3];
  BYTE peer[16] = {0xfd, 9};
  for (size_t i = 0; i < 3; ++i) {
    provider_init(&p[i]);
    EXPECT(enroll(&p[i]) == S_OK);
    p[i].says[REACH] = i == 1 ? S_OK : CPNATFWT_E_UNREACHABLE;
  }
  const unsigned endpoint = app_open();
  const unsigned sent = app_send(endpoint, peer, "hello", 5);
  EXPECT(app_sent(sent) == S_OK);
  pass_seconds(200); /* until dormancy */
  for (size_t i = 0; i < 3; ++i) {
    EXPECT(p[i].calls[ACTIVE] == 1);
    EXPECT(p[i].calls[ADD] == 1);
    EXPECT(p[i].calls[REACH] == 1);
    EXPECT(p[i].calls[SEND] == (i == 1));
    EXPECT(p[i].calls[REMOVE] == 1);
    EXPECT(p[i].calls[DORMANT] == 1);
    provider_finish(&p[i]);
  }
}

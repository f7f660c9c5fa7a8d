// How sessions end, through the C surface; the scenarios are in ending.c.
#include "ending.h"

#include "lockgate/capi/c_instance.hpp"  // for instance_table
#include "support/application.h"         // for app_open, step
#include "support/application.hpp"       // for application
#include "support/doctest.hpp"           // for TEST_CASE_FIXTURE
#include "support/provider.h"            // for provider

using capi_test::application;

namespace {

HRESULT CALLBACK throws(CPNATFWT_PROVIDER_INSTANCE, PVOID, PVOID,
                        CPNATFWT_PLATFORM_COMPLETION_ROUTINE) {
  throw 1;  // only a provider in C++ can
}

lockgate::task<> breaks_the_link(lockgate::instance self) {
  const lockgate::status told = co_await self.report_broken_link();
  CHECK(told.ok());
}

}  // namespace

TEST_CASE_FIXTURE(application, "G5, G21, G22: C: deregister is accepted inside every callback") {
  deregister_is_accepted_inside_every_callback();
}
TEST_CASE_FIXTURE(application, "G17, G20: C: shutdown leaves deregister owed") {
  shutdown_leaves_deregister_owed();
}
TEST_CASE_FIXTURE(application,
                  "G20, G23: C: a slow provider is ended, and drained when it completes") {
  a_slow_provider_is_ended();
}
TEST_CASE_FIXTURE(application, "G23: C: pended calls hold up the end") {
  pended_calls_hold_up_the_end();
}
TEST_CASE_FIXTURE(application, "G23: C: the end gives lent messages back") {
  the_end_gives_lent_messages_back();
}
TEST_CASE_FIXTURE(application, "G23: C: closing an endpoint gives lent messages back") {
  closing_an_endpoint_gives_lent_messages_back();
}

TEST_CASE_FIXTURE(application, "G20: C: an exception from a callback ends the session") {
  CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE table = provider_table;
  table.transitionActive = throws;
  provider p;
  provider_init_with(&p, &table);
  CHECK(CPNatfwtRegisterProviderInstance(p.instance, nullptr, nullptr, 0, nullptr) == S_OK);
  step();
  app_open();
  CHECK(p.calls[TERMINATE] == 1);
  CHECK(p.reason == CPNATFWT_SESSION_TERMINATION_PROVIDER_OTHER_FAILURE);
  provider_finish(&p);
}
TEST_CASE_FIXTURE(application, "G20: C: a broken link ends the session") {
  provider p;
  provider_start(&p);
  const lockgate::instance self =
      lockgate::capi::detail::instance_table::get().find(p.instance)->native;
  const support::running<> breaks(world.home, breaks_the_link(self));
  step();
  CHECK(breaks.done());
  CHECK(p.calls[TERMINATE] == 1);
  CHECK(p.reason == CPNATFWT_SESSION_TERMINATION_OTHER_COMMUNICATION_ERROR);
  provider_finish(&p);
}

// Registration: when it is granted, what it grants, and what follows from a refusal.
#include "support/platform_world.hpp"

#include <set>      // for set
#include <string>   // for string
#include <utility>  // for move

using lockgate::errc;
using lockgate::event_kind;
using lockgate::platform_options;
using lockgate::provider_instance;
using lockgate::registration;
using lockgate::row;
using lockgate::session_state;
using lockgate::status;
using lockgate::task;
using support::act;
using support::manner;
using support::platform_world;
using support::script;

namespace {

/// Decides when a test says so.
class slow_policy final : public lockgate::access_policy {
 public:
  task<status> authorise(std::string_view provider_name, std::string_view access) override {
    asked_name = provider_name;
    asked_access = access;
    ++asked;
    if (!decided) static_cast<void>(co_await decision.wait());
    co_return answer;
  }
  lockgate::wait_list decision;
  bool decided = false;
  status answer{};
  std::string asked_name, asked_access;
  int asked = 0;

  void decide(status with) {
    decided = true;
    answer = with;
    decision.complete_all();
  }
};

std::string repeated(std::size_t n, const std::string& what) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += what;
  return out;
}

task<> register_beside(provider_instance* i, status* outcome) {
  *outcome = co_await i->register_instance();
}
task<> await_group(lockgate::task_group* group) {
  static_cast<void>(co_await group->join());
}

}  // namespace

TEST_CASE("G1: a refused registration never establishes") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  CHECK(w.register_instance(p, {.flags = 1}) == errc::invalid_argument);
  CHECK(w.register_instance(p, {.interface_luid = 77}) == errc::interface_not_owned);
  CHECK(w.register_instance(p, {.access = "D:(A;;GA;;;WD)"}) == errc::invalid_argument);
  slow_policy policy;
  policy.decide(errc::registration_refused);
  w.cp.use_access_policy(policy);
  CHECK(w.register_instance(p) == errc::registration_refused);
  policy.decide(errc::no_memory);
  CHECK(w.register_instance(p) == errc::no_memory);
  w.advance(std::chrono::hours(1));
  CHECK(s.calls.empty());
  CHECK(p.state() == session_state::created);
  CHECK(w.seen.count(event_kind::registration_ended) == 5);
}

TEST_CASE("G1: whenever establish runs, the registration has succeeded or will") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  slow_policy policy;
  w.cp.use_access_policy(policy);
  const auto registering = w.start(p.register_instance());
  bool granted = false;
  s.usual(row::establish_session).first = [&] {
    for (const lockgate::event& e : w.seen.events)
      if (e.kind == event_kind::registration_ended) granted = e.result.ok();
  };
  w.run();
  CHECK(s.calls.empty());
  CHECK(p.state() == session_state::registering);
  policy.decide({});
  w.run();
  CHECK(registering->take() == status());
  CHECK(s.count(row::establish_session) == 1);
  CHECK(granted);
}

TEST_CASE("G2, U28: registration does not wait for establish") {
  platform_world w;
  script& s = w.make_script();
  s.usual(row::establish_session) = act(manner::waits);
  provider_instance p = w.create(s);
  const auto registering = w.start(p.register_instance());
  w.run();
  REQUIRE(registering->done());
  CHECK(registering->take() == status());
  CHECK(p.state() == session_state::establishing);
  s.door_of(row::establish_session).open();
  w.run();
  CHECK(p.state() == session_state::idle);
}

TEST_CASE("G2: establish may run before the caller of register has its result, or after") {
  for (const bool caller_first : {true, false}) {
    CAPTURE(caller_first);
    platform_world w;
    script& s = w.make_script();
    provider_instance p = w.create(s);
    bool caller_knew = false;
    if (caller_first) {
      const auto registering = w.start(p.register_instance());
      s.usual(row::establish_session).first = [&] { caller_knew = registering->done(); };
      w.run();
      CHECK(registering->take() == status());
    } else {
      lockgate::task_group beside(w.home);
      status outcome = errc::canceled;
      REQUIRE(beside.spawn(register_beside(&p, &outcome)) == status());
      const auto caller = w.start(await_group(&beside));
      // The caller's own step comes after establish has run.
      s.usual(row::establish_session).first = [&] { caller_knew = caller->done(); };
      w.run();
      CHECK(caller->done());
      CHECK(outcome == status());
    }
    CHECK(caller_knew == caller_first);
    CHECK(s.count(row::establish_session) == 1);
    CHECK(p.state() == session_state::idle);
  }
}

TEST_CASE("G11: establish is called exactly once per successful registration") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  CHECK(w.register_instance(p, {.flags = 2}) == errc::invalid_argument);
  CHECK(w.register_instance(p) == status());
  w.run();
  CHECK(w.register_instance(p) == errc::already_registered);
  auto e = w.cp.open_endpoint();
  CHECK(w.ready(e).has_value());
  w.advance(std::chrono::minutes(10));
  CHECK(w.deregister(p) == status());
  CHECK(w.register_instance(p) == errc::already_registered);
  CHECK(s.count(row::establish_session) == 1);
}

TEST_CASE("G11: a session that is ended before establish began still has its one establish") {
  platform_world w;
  script& s = w.make_script();
  s.usual(row::establish_session) = act(manner::waits);  // heeds the stop that is waiting for it
  provider_instance p = w.create(s);
  const auto registering = w.start(p.register_instance());
  const auto ending = w.start_deregister(p);
  CHECK(s.calls.empty());
  w.run();
  REQUIRE(ending->done());
  CHECK(ending->take() == status());
  CHECK(w.time.at == lockgate::time_point{});
  CHECK(s.rows() == std::vector{row::establish_session, row::terminate_session});
}

TEST_CASE("G12: after a failed registration the instance can be registered again") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  slow_policy policy;
  w.cp.use_access_policy(policy);
  policy.decide(errc::registration_refused);
  CHECK(w.register_instance(p) == errc::registration_refused);
  CHECK(p.state() == session_state::created);
  CHECK(p.friendly_name().empty());
  policy.decide({});
  CHECK(w.register_instance(p, {.friendly_name = "again"}) == status());
  w.run();
  CHECK(p.state() == session_state::idle);
  CHECK(p.friendly_name() == "again");
  CHECK(s.count(row::establish_session) == 1);
}

TEST_CASE("G12: after a failed registration the instance can be destroyed") {
  platform_world w;
  script& s = w.make_script();
  {
    provider_instance p = w.create(s);
    CHECK(w.register_instance(p, {.interface_luid = 5}) == errc::interface_not_owned);
  }
  CHECK(s.destroyed == 1);
  CHECK(s.calls.empty());
}

TEST_CASE("G12: a refused registration keeps neither name nor interface") {
  platform_world w;
  script& s = w.make_script();
  provider_instance first = w.create(s), second = w.create(s), third = w.create(s);
  CHECK(w.register_instance(first, {.friendly_name = "a", .provider_name = "x"}) == status());
  const auto luid = first.interface_luid();
  CHECK(w.deregister(first) == status());
  slow_policy policy;
  w.cp.use_access_policy(policy);
  policy.decide(errc::registration_refused);
  const registration again{.friendly_name = "a", .interface_luid = luid, .provider_name = "x"};
  CHECK(w.register_instance(second, again) == errc::registration_refused);
  policy.decide({});
  CHECK(w.register_instance(third, again) == status());
  CHECK(third.friendly_name() == "a");
  CHECK(third.interface_luid() == luid);
}

TEST_CASE("G13: without a name the adapter gets the default one, with a number") {
  platform_world w;
  script& s = w.make_script();
  provider_instance first = w.create(s), second = w.create(s), third = w.create(s);
  CHECK(w.register_instance(first) == status());
  CHECK(first.friendly_name() == "Microsoft Connectivity Platform Adapter #1");
  CHECK(w.register_instance(second) == status());
  CHECK(second.friendly_name() == "Microsoft Connectivity Platform Adapter #2");
  CHECK(w.deregister(first) == status());
  CHECK(w.register_instance(third) == status());
  CHECK(third.friendly_name() == "Microsoft Connectivity Platform Adapter #3");
}

TEST_CASE("G13, G14: a default name and a chosen one that looks like it are not the same") {
  platform_world w;
  script& s = w.make_script();
  std::set<std::string, std::less<>> names;
  std::vector<provider_instance> kept;
  const std::string like_default = "Microsoft Connectivity Platform Adapter #2";
  for (int i = 0; i < 3; ++i) {
    for (const std::string& wish : {std::string(), like_default}) {
      provider_instance p = w.create(s);
      CHECK(w.register_instance(p, {.friendly_name = wish}) == status());
      CHECK(names.emplace(p.friendly_name()).second);
      kept.push_back(std::move(p));
    }
  }
  CHECK(names.contains(like_default));
}

TEST_CASE("G14: a name that is taken gets a number, and no error") {
  platform_world w;
  script& s = w.make_script();
  provider_instance first = w.create(s), second = w.create(s), third = w.create(s);
  CHECK(w.register_instance(first, {.friendly_name = "link"}) == status());
  CHECK(w.register_instance(second, {.friendly_name = "link"}) == status());
  CHECK(w.register_instance(third, {.friendly_name = "link"}) == status());
  CHECK(first.friendly_name() == "link");
  CHECK(second.friendly_name() == "link 2");
  CHECK(third.friendly_name() == "link 3");
}

TEST_CASE("G14: a name is free again once its session is over") {
  platform_world w;
  script& s = w.make_script();
  provider_instance first = w.create(s), second = w.create(s);
  CHECK(w.register_instance(first, {.friendly_name = "link"}) == status());
  CHECK(w.deregister(first) == status());
  CHECK(w.register_instance(second, {.friendly_name = "link"}) == status());
  CHECK(second.friendly_name() == "link");
}

TEST_CASE("G15, U10: a name of 255 characters stays, the 256th is cut") {
  platform_world w;
  script& s = w.make_script();
  for (const std::size_t length : {254u, 255u, 256u, 1000u}) {
    CAPTURE(length);
    provider_instance p = w.create(s);
    const std::string wish = repeated(length, "n");
    CHECK(w.register_instance(p, {.friendly_name = wish}) == status());
    CHECK(p.friendly_name() == wish.substr(0, 255));
    CHECK(w.deregister(p) == status());
  }
}

TEST_CASE("G15, U10: characters are counted in UTF-16, and never cut in two") {
  platform_world w;
  script& s = w.make_script();
  struct sample {
    std::string text;
    std::size_t kept;  // of 300
  };
  const sample samples[] = {{"\xc3\xa9", 255}, {"\xe2\x82\xac", 255}, {"\xf0\x9f\x9a\xaa", 127}};
  for (const sample& one : samples) {
    CAPTURE(one.text);
    provider_instance p = w.create(s);
    CHECK(w.register_instance(p, {.friendly_name = repeated(300, one.text)}) == status());
    CHECK(p.friendly_name() == repeated(one.kept, one.text));
    CHECK(w.deregister(p) == status());
  }
}

TEST_CASE("G15, U10: the number of a cut name still fits") {
  platform_world w;
  script& s = w.make_script();
  provider_instance first = w.create(s), second = w.create(s);
  const std::string wish = repeated(300, "n");
  CHECK(w.register_instance(first, {.friendly_name = wish}) == status());
  CHECK(w.register_instance(second, {.friendly_name = wish}) == status());
  CHECK(second.friendly_name() == wish.substr(0, 253) + " 2");
}

TEST_CASE("G13, G15: of a name that is no text at all nothing is left, so it is the default one") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  CHECK(w.register_instance(p, {.friendly_name = "\xf0\x9f"}) == status());
  CHECK(p.friendly_name() == "Microsoft Connectivity Platform Adapter #1");
}

TEST_CASE("G16: an interface can be taken over by a later session of its provider only") {
  platform_world w;
  script& s = w.make_script();
  provider_instance first = w.create(s), second = w.create(s), other = w.create(s);
  CHECK(w.register_instance(first, {.provider_name = "mine"}) == status());
  const auto luid = first.interface_luid();
  CHECK(luid != 0);
  const registration again{.interface_luid = luid, .provider_name = "mine"};
  CHECK(w.register_instance(second, again) == errc::interface_in_use);
  CHECK(w.deregister(first) == status());
  CHECK(w.register_instance(other, {.interface_luid = luid, .provider_name = "theirs"}) ==
        errc::interface_not_owned);
  CHECK(w.register_instance(other, {.interface_luid = luid + 1, .provider_name = "mine"}) ==
        errc::interface_not_owned);
  CHECK(w.register_instance(second, again) == status());
  CHECK(second.interface_luid() == luid);
  CHECK(w.register_instance(other, {.provider_name = "mine"}) == status());
  CHECK(other.interface_luid() != luid);
}

TEST_CASE("G16, U1: without a name, instances of one provider type are one provider") {
  struct other_provider : support::scripted_provider {
    using scripted_provider::scripted_provider;
  };
  platform_world w;
  script& s = w.make_script();
  provider_instance first = w.create(s), second = w.create(s);
  provider_instance other = w.cp.create<other_provider>(s);
  CHECK(w.register_instance(first) == status());
  const auto luid = first.interface_luid();
  CHECK(w.deregister(first) == status());
  CHECK(w.register_instance(other, {.interface_luid = luid}) == errc::interface_not_owned);
  CHECK(w.register_instance(second, {.interface_luid = luid}) == status());
}

TEST_CASE("U8: only 0 is a valid value of flags") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  for (const std::uint32_t flags : {1u, 2u, 0x80000000u, 0xffffffffu})
    CHECK(w.register_instance(p, {.flags = flags}) == errc::invalid_argument);
  CHECK(w.register_instance(p, {.flags = 0}) == status());
}

TEST_CASE("U9: the text about access goes to the host's policy, and is an error without one") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  const registration wish{.access = "everybody", .provider_name = "relay"};
  CHECK(w.register_instance(p, wish) == errc::invalid_argument);
  slow_policy policy;
  w.cp.use_access_policy(policy);
  policy.decide({});
  CHECK(w.register_instance(p, wish) == status());
  CHECK(policy.asked == 1);
  CHECK(policy.asked_name == "relay");
  CHECK(policy.asked_access == "everybody");
}

TEST_CASE("U20: an instance has one session; the next one is another instance's") {
  platform_world w;
  script& s = w.make_script();
  provider_instance p = w.create(s);
  CHECK(w.register_instance(p, {.friendly_name = "x"}) == status());
  CHECK(w.deregister(p) == status());
  CHECK(w.register_instance(p) == errc::already_registered);
  CHECK(p.state() == session_state::deregistered);
  provider_instance next = w.create(s);
  CHECK(w.register_instance(next, {.interface_luid = p.interface_luid()}) == status());
}

TEST_CASE("F14: a registration that is under way is given up when its handle goes") {
  platform_world w;
  script& s = w.make_script();
  slow_policy policy;
  w.cp.use_access_policy(policy);
  std::unique_ptr<support::running<status>> registering;
  {
    provider_instance p = w.create(s);
    registering = w.start(p.register_instance());
    CHECK(w.deregister(p) == errc::invalid_state);  // section 5: an error while the outcome is open
  }
  policy.decide({});
  w.run();
  REQUIRE(registering->done());
  CHECK(registering->take() == errc::closed);
  CHECK(s.destroyed == 1);
  CHECK(s.calls.empty());
}

TEST_CASE("G12: a registration whose caller gives up leaves the instance as it was") {
  platform_world w;
  script& s = w.make_script();
  slow_policy policy;
  w.cp.use_access_policy(policy);
  provider_instance p = w.create(s);
  const auto registering = w.start(p.register_instance());
  CHECK(p.state() == session_state::registering);
  registering->destroy();
  CHECK(p.state() == session_state::created);
  policy.decide({});
  CHECK(w.register_instance(p) == status());
}

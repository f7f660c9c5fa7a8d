#include "lockgate/testing/conformance.hpp"  // for run_conformance
#include "lockgate/provider.hpp"             // for instance, task

#include <doctest/doctest.h>  // for TEST_CASE

#include <chrono>     // for seconds
#include <span>       // for span
#include <stdexcept>  // for runtime_error
#include <string>     // for string

namespace lt = lockgate::testing;
using lockgate::accepted;
using lockgate::errc;
using lockgate::status;
using lockgate::task;

namespace {

/// What each provider below does right unless it says otherwise.
struct plain {
  void establish_session(lockgate::instance) {}
  void terminate_session(lockgate::termination_reason) {}
  status transition_active() { return {}; }
  status reach_transport_id(lockgate::transport_id) { return {}; }
  accepted send_buffers(std::span<const lockgate::outgoing> messages) { return messages.size(); }
};

struct with_all_rows : plain {
  status transition_dormant() { return {}; }
  status add_transport_id(lockgate::transport_id) { return {}; }
  status remove_transport_id(lockgate::transport_id) { return {}; }
};

struct never_active : plain {
  status transition_active() { return errc::unreachable; }
};

struct throws_in_reach : plain {
  status reach_transport_id(lockgate::transport_id) { throw std::runtime_error("reach"); }
};

struct hangs_in_establish : plain {
  task<> establish_session(lockgate::instance) {
    lockgate::wait_list nobody;
    const status stopped = co_await nobody.wait();
    static_cast<void>(stopped);
  }
};

struct miscounts : plain {
  accepted send_buffers(std::span<const lockgate::outgoing> messages) {
    return messages.size() - 1;
  }
};

struct greets_early : plain {
  void establish_session(lockgate::instance self) {
    static std::byte byte[1];
    lockgate::lease payload = lockgate::lease::wrap(byte, [](void*) noexcept {}, nullptr);
    static_cast<void>(self.indicate(lockgate::incoming(
        lockgate::transport_id(), lockgate::transport_id(), std::move(payload))));
  }
};

struct ignores_stop : plain {
  void establish_session(lockgate::instance self) { static_cast<void>(self.spawn(tick())); }
  static task<> tick() {
    for (;;) static_cast<void>(co_await lockgate::sleep_for(std::chrono::seconds(1)));
  }
};

template <class P>
std::string broken_rules() {
  const lt::conformance_report report = lt::run_conformance<P>([] { return P(); });
  std::string rules;
  for (const lt::conformance_item& item : report.items) {
    if (item.outcome != lt::verdict::failed) continue;
    CHECK_FALSE(item.events.empty());
    const std::string rule = item.why.substr(0, item.why.find(':'));
    if (rules.find(rule) == std::string::npos) rules += rule + ' ';
  }
  return rules;
}

std::size_t count(const lt::conformance_report& report, lt::verdict v) {
  std::size_t n = 0;
  for (const lt::conformance_item& item : report.items) n += item.outcome == v;
  return n;
}

}  // namespace

TEST_CASE("good providers pass, with what does not apply to them named") {
  const lt::conformance_report all =
      lt::run_conformance<with_all_rows>([] { return with_all_rows(); });
  CHECK_MESSAGE(all.passed(), all.text());
  CHECK(count(all, lt::verdict::not_applicable) == 0);
  const lt::conformance_report some = lt::run_conformance<plain>([] { return plain(); });
  CHECK_MESSAGE(some.passed(), some.text());
  CHECK(count(some, lt::verdict::not_applicable) == 2);
}

TEST_CASE("a provider that refuses activation is right, and most questions do not apply") {
  const lt::conformance_report report =
      lt::run_conformance<never_active>([] { return never_active(); });
  CHECK_MESSAGE(report.passed(), report.text());
  CHECK(count(report, lt::verdict::not_applicable) >= 4);
}

TEST_CASE("each fault is reported under its rule") {
  CHECK(broken_rules<throws_in_reach>() == "U16 ");
  CHECK(broken_rules<hangs_in_establish>() == "U15 ");
  CHECK(broken_rules<miscounts>() == "G26 ");
  CHECK(broken_rules<greets_early>() == "G6 ");
  CHECK(broken_rules<ignores_stop>() == "I8 ");
}

TEST_CASE("the report is text too") {
  const std::string text = lt::run_conformance<miscounts>([] { return miscounts(); }).text();
  CHECK(text.find("FAILED  G41") != std::string::npos);
  CHECK(text.find("choices: ") != std::string::npos);
  CHECK(text.find("send_buffers") != std::string::npos);
}

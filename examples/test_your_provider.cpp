// How do I test my provider? In ten lines: run_conformance makes it live every life there is.
#include "lockgate/provider.hpp"                      // for instance, task, accepted
#include "lockgate/testing/conformance.hpp"           // for run_conformance
#include "lockgate/testing/replace_operator_new.hpp"  // for counting allocations

#include <chrono>   // for seconds
#include <cstdio>   // for puts
#include <cstdlib>  // for EXIT_SUCCESS
#include <span>     // for span

namespace {

using namespace std::chrono_literals;
using lockgate::accepted;
using lockgate::status;
using lockgate::task;

/// Keeps its server's mapping open. With a fault: the timer goes on when the session has ended.
class forgetful : lockgate::timer {
 public:
  forgetful()
      : timer([](lockgate::ready_item& self) noexcept {
          static_cast<forgetful&>(self).keep_alive();
        }) {}

  void establish_session(lockgate::instance self) {
    instance_ = self;
    instance_.home().arm(*this, instance_.now() + 15s);
  }
  void terminate_session(lockgate::termination_reason) {}  // and the timer?
  status transition_active() { return {}; }
  status reach_transport_id(lockgate::transport_id) { return {}; }
  accepted send_buffers(std::span<const lockgate::outgoing> messages) { return messages.size(); }

 private:
  void keep_alive() {
    static_cast<void>(instance_.spawn(ping()));
    instance_.home().arm(*this, instance_.now() + 15s);
  }
  static task<> ping() { co_return; }  // here a real provider sends a packet

  lockgate::instance instance_;
};

/// The same, mended: the session owns the loop, and stops it.
class careful {
 public:
  void establish_session(lockgate::instance self) { static_cast<void>(self.spawn(keep_alive())); }
  void terminate_session(lockgate::termination_reason) {}
  status transition_active() { return {}; }
  status reach_transport_id(lockgate::transport_id) { return {}; }
  accepted send_buffers(std::span<const lockgate::outgoing> messages) { return messages.size(); }

 private:
  static task<> keep_alive() {
    for (status woken; woken.ok();) woken = co_await lockgate::sleep_for(15s);
  }
};

}  // namespace

int main() {
  const auto report = lockgate::testing::run_conformance<careful>([] { return careful(); });
  std::puts(report.text().c_str());

  const auto broken = lockgate::testing::run_conformance<forgetful>([] { return forgetful(); });
  std::puts(broken.text().c_str());
  return report.passed() && !broken.passed() ? EXIT_SUCCESS : EXIT_FAILURE;
}

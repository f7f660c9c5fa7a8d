// A session in which everything happens that an observer should see, the same in every run.
#pragma once

#include "lockgate/lockgate.hpp"  // for platform

#include "support/doctest.hpp"  // for REQUIRE
#include "support/world.hpp"    // for world, running

#include <array>    // for array
#include <chrono>   // for seconds
#include <cstddef>  // for byte
#include <memory>   // for make_unique
#include <span>     // for span

namespace support {

[[nodiscard]] inline lockgate::transport_id id_of(unsigned char last) {
  std::array<std::byte, 16> bytes{};
  bytes[0] = std::byte{0xfd};
  bytes[15] = std::byte{last};
  return lockgate::transport_id(bytes);
}

/// Reaches everybody but one peer, refuses its first activation, and asks for an id too early.
class moody {
 public:
  lockgate::task<> establish_session(lockgate::instance self) {
    const lockgate::status spawned = self.spawn(ask_for_id(self));
    REQUIRE(spawned.ok());
    const lockgate::status slept = co_await lockgate::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(slept.ok());
    instance_ = self;
  }
  void terminate_session(lockgate::termination_reason) {}
  lockgate::status transition_active() {
    return activations_++ == 0 ? lockgate::status(lockgate::errc::timed_out) : lockgate::status();
  }
  lockgate::status reach_transport_id(lockgate::transport_id peer) {
    return peer == id_of(2) ? lockgate::status(lockgate::errc::unreachable) : lockgate::status();
  }
  lockgate::accepted send_buffers(std::span<const lockgate::outgoing> messages) {
    for (const lockgate::outgoing& m : messages) {
      auto memory = std::make_unique<std::byte[]>(m.payload.size());
      m.payload.copy_to(memory.get());
      lockgate::lease copy = lockgate::lease::wrap(
          {memory.get(), m.payload.size()},
          [](void* p) noexcept { delete[] static_cast<std::byte*>(p); }, memory.get());
      static_cast<void>(memory.release());
      const lockgate::status echoed =
          instance_.indicate(lockgate::incoming(m.local, m.remote, std::move(copy)));
      REQUIRE(echoed.ok());
    }
    return messages.size();
  }

 private:
  static lockgate::task<> ask_for_id(lockgate::instance self) {
    const lockgate::result<lockgate::transport_id> id = co_await self.request_transport_id();
    REQUIRE(id.has_value());
  }
  lockgate::instance instance_;
  int activations_ = 0;
};

/// Sends three messages of three bytes, one of them in two parts, and one to a peer out of reach.
inline lockgate::task<> use(lockgate::platform& cp, lockgate::provider_instance& link) {
  const lockgate::status registered = co_await link.register_instance();
  REQUIRE(registered.ok());
  lockgate::endpoint app = cp.open_endpoint({.proposed_id = id_of(1)});
  const std::array hello{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  const std::array parts{lockgate::bytes_view(hello).first(1), lockgate::bytes_view(hello).last(2)};
  const lockgate::status early = co_await app.send_to(id_of(3), lockgate::chain(hello));
  CHECK(early == lockgate::errc::activation_failed);
  const auto ready = co_await app.ready();
  REQUIRE(ready.has_value());
  for (int i = 0; i < 3; ++i) {
    const lockgate::chain message = i == 1 ? lockgate::chain(parts) : lockgate::chain(hello);
    const lockgate::status sent_now = co_await app.send_to(id_of(3), message);
    CHECK(sent_now.ok());
  }
  const lockgate::status refused = co_await app.send_to(id_of(2), lockgate::chain(hello));
  CHECK(refused == lockgate::errc::unreachable);
  app.close();
  const lockgate::status stopped = co_await cp.stop();
  CHECK(stopped.ok());
}

/// Runs the session with `seen` as the observer; `begun(instance)` when the instance is made.
template <class Observer, class Begun>
void run_observed_session(Observer& seen, Begun begun) {
  world w;
  lockgate::platform cp(w.home);
  cp.observe(seen);
  lockgate::provider_instance link = cp.create<moody>();
  begun(link.id());
  running<> run(w.home, use(cp, link));
  w.advance(std::chrono::seconds(10));
  REQUIRE(run.done());
}
template <class Observer>
void run_observed_session(Observer& seen) {
  run_observed_session(seen, [](std::uint32_t) {});
}

}  // namespace support

// A platform in a world whose time and random bytes belong to the test.
#pragma once

#include "lockgate/lockgate.hpp"          // for platform
#include "support/doctest.hpp"            // for REQUIRE
#include "support/scripted_provider.hpp"  // for script, scripted_provider
#include "support/world.hpp"              // for world, running

#include <algorithm>    // for max
#include <array>        // for array
#include <cstddef>      // for byte
#include <deque>        // for deque
#include <memory>       // for unique_ptr
#include <span>         // for as_bytes
#include <string>       // for string
#include <string_view>  // for string_view
#include <utility>      // for move
#include <vector>       // for vector

namespace support {

/// Notes every event.
class recorder {
 public:
  void on(const lockgate::event& e) noexcept { events.push_back(e); }
  std::vector<lockgate::event> events;

  [[nodiscard]] int count(lockgate::event_kind kind) const noexcept {
    int n = 0;
    for (const lockgate::event& e : events) n += e.kind == kind;
    return n;
  }
  [[nodiscard]] int count(lockgate::event_kind kind, lockgate::row which) const noexcept {
    int n = 0;
    for (const lockgate::event& e : events) n += e.kind == kind && e.which == which;
    return n;
  }
  /// The states that an instance has entered, in order.
  [[nodiscard]] std::vector<lockgate::session_state> states(std::uint32_t instance) const {
    std::vector<lockgate::session_state> out;
    for (const lockgate::event& e : events)
      if (e.kind == lockgate::event_kind::state_changed && e.instance == instance)
        out.push_back(e.to);
    return out;
  }
};

/// A task that awaits just one operation.
template <class Answer, class Op>
lockgate::task<Answer> awaiting(Op op) {
  co_return co_await std::move(op);
}

/// The id of a peer that no platform here has.
[[nodiscard]] inline lockgate::transport_id peer_id(unsigned number) noexcept {
  std::array<std::byte, lockgate::transport_id::size> bytes{};
  bytes[0] = std::byte{0xfc};
  bytes[14] = static_cast<std::byte>(number >> 8);
  bytes[15] = static_cast<std::byte>(number & 0xff);
  return lockgate::transport_id(bytes);
}

/// The bytes of a text, borrowed.
[[nodiscard]] inline lockgate::bytes_view bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
/// A lease on a copy of a text.
[[nodiscard]] inline lockgate::lease lease_of(std::string_view text) {
  auto* const memory = new std::string(text);
  return lockgate::lease::wrap(
      std::as_writable_bytes(std::span(memory->data(), memory->size())),
      [](void* m) noexcept { delete static_cast<std::string*>(m); }, memory);
}

/// A platform, its scheduler, its observer, and the scripts of its providers.
///
/// When it ends, every row is let go and the platform stopped, so that a test need not tidy up.
class platform_world : public world {
 public:
  explicit platform_world(const lockgate::platform_options& options = {}) : cp(home, options) {
    cp.observe(seen);
  }
  ~platform_world() {
    for (script& s : scripts_) s.open_all_for_good();
    const auto stopped = start(cp.stop());
    CHECK(run_until([&] { return stopped->done(); }));
  }

  /// A script, to be given to `create` (of any platform here).
  script& make_script() {
    script& made = scripts_.emplace_back();
    made.home = &home;
    return made;
  }
  lockgate::provider_instance create(script& s) { return cp.create<scripted_provider>(s); }

  /// Runs a task as a root, up to its first suspension.
  template <class T>
  [[nodiscard]] std::unique_ptr<running<T>> start(lockgate::task<T> work) {
    return std::make_unique<running<T>>(home, std::move(work));
  }
  [[nodiscard]] auto start_deregister(lockgate::provider_instance& i) {
    return start(awaiting<lockgate::status>(i.deregister()));
  }
  [[nodiscard]] auto start_ready(lockgate::endpoint& e) {
    return start(awaiting<lockgate::result<lockgate::transport_id>>(e.ready()));
  }
  [[nodiscard]] auto start_receive(lockgate::endpoint& e) {
    return start(awaiting<lockgate::result<lockgate::incoming>>(e.receive()));
  }
  /// Requires: `text` lives until the send has completed.
  [[nodiscard]] auto start_send(lockgate::endpoint& e, lockgate::transport_id to,
                                std::string_view text) {
    return start(awaiting<lockgate::status>(e.send_to(to, bytes_of(text))));
  }

  /// Runs a task to its end, letting time pass as need be.
  template <class T>
  T finish(lockgate::task<T> work) {
    const auto root = start(std::move(work));
    REQUIRE(run_until([&] { return root->done(); }));
    return root->take();
  }
  lockgate::status register_instance(lockgate::provider_instance& i,
                                     lockgate::registration wish = {}) {
    return finish(i.register_instance(wish));
  }
  lockgate::status deregister(lockgate::provider_instance& i) {
    return finish(awaiting<lockgate::status>(i.deregister()));
  }
  lockgate::result<lockgate::transport_id> ready(lockgate::endpoint& e) {
    return finish(awaiting<lockgate::result<lockgate::transport_id>>(e.ready()));
  }
  lockgate::status send(lockgate::endpoint& e, lockgate::transport_id to, std::string_view text) {
    return finish(awaiting<lockgate::status>(e.send_to(to, bytes_of(text))));
  }

  void run() { REQUIRE(home.run_ready(most_turns)); }
  /// Runs, jumping from one deadline to the next, until `done()`. False when nothing is left to do.
  template <class Predicate>
  [[nodiscard]] bool run_until(Predicate done) {
    for (int jumps = 0; jumps < most_jumps; ++jumps) {
      if (!home.run_ready(most_turns)) return false;
      if (done()) return true;
      if (home.next_deadline() == lockgate::never) return false;
      time.at = std::max(time.at, home.next_deadline());
    }
    return false;
  }

 private:
  static constexpr std::size_t most_turns = 10000;
  static constexpr int most_jumps = 10000;
  std::deque<script> scripts_;

 public:
  recorder seen;
  lockgate::platform cp;
};

}  // namespace support

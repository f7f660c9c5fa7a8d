// Exhausted memory at every allocation point of a whole life: an error, no leak, no stand-still.
#include "lockgate/signalling/memory_signalling.hpp"  // for memory_signalling
#include "support/allocation.hpp"                     // for failing_allocation, blocks_alive
#include "support/lean_provider.hpp"                  // for lean_provider
#include "support/platform_world.hpp"                 // for awaiting, peer_id, bytes_of

#include <array>     // for array
#include <chrono>    // for minutes, seconds
#include <new>       // for bad_alloc
#include <optional>  // for optional
#include <set>       // for set
#include <thread>    // for thread

using namespace lockgate;
using namespace support;

namespace {

/// What became of one life in which one allocation failed.
struct outcome {
  bool happened = false;     ///< the allocation was reached
  bool threw = false;        ///< std::bad_alloc reached the caller
  bool stood_still = false;  ///< something never completed
  bool useless = false;      ///< the platform did not recover
  bool ended = false;        ///< the session could not go on without the memory
  std::array<status, 32> errors{};
  int error_count = 0;
  void note(status s) {
    if (!s.ok() && error_count < 32) errors[static_cast<std::size_t>(error_count++)] = s;
  }
};

/// The life's steps are run without allocating in the test itself.
struct life {
  explicit life(outcome& result) : out(result) {}
  world w;
  outcome& out;
  std::optional<provider_instance> link;

  template <class T>
  T finish(task<T> work, T failed) {
    if (!work.valid()) return failed;
    running<T> root(w.home, std::move(work));
    for (int i = 0; i < 600 && !root.done(); ++i) w.advance(std::chrono::seconds(1));
    if (!root.done()) {
      // Where the only session has ended, ready() waits for another instance.
      if (!link || link->state() != session_state::ended) out.stood_still = true;
      root.request_stop();
      w.advance(std::chrono::seconds(1));
      root.destroy();
      return failed;
    }
    return root.take();
  }
  status does(task<status> work) {
    const status said = finish<status>(std::move(work), errc::no_memory);
    out.note(said);
    return said;
  }
  status send(endpoint& e, unsigned peer) {
    return does(awaiting<status>(e.send_to(peer_id(peer), bytes_of("message"))));
  }
  static task<accepted> hand_over(endpoint* e, std::span<const message_to> list) {
    co_return co_await e->send_to(list);
  }

  void run(lean_state::manner how) {
    memory_signalling signals;
    lean_state state;
    state.how = how;
    platform cp(w.home);
    endpoint app, listens;
#if LOCKGATE_HAS_EXCEPTIONS
    try {
#endif
      cp.use_signalling(signals);
      link.emplace(cp.create<lean_provider>(state));
      if (!does(link->register_instance({.friendly_name = "a name too long for the small buffer"}))
               .ok())
        does(link->register_instance());
      app = cp.open_endpoint();
      for (unsigned round = 0; round < 2; ++round) {
        listens = cp.open_endpoint({.proposed_id = peer_id(9), .listening = true});
        out.note(finish<result<transport_id>>(awaiting<result<transport_id>>(app.ready()),
                                              errc::no_memory)
                     .error());
        send(app, 1);
        send(app, 2);
        send(app, 1);
        std::byte memory[16]{};
        lease payload = lease::wrap(memory, [](void*) noexcept {}, nullptr);
        if (!payload.has_memory()) out.note(errc::no_memory);
        else out.note(app.forward(peer_id(1), std::move(payload)));
        w.advance(std::chrono::seconds(1));
        const message_to list[] = {{peer_id(1), chain(bytes_of("a"))},
                                   {peer_id(2), chain(bytes_of("b"))}};
        out.note(finish<accepted>(hand_over(&app, list), accepted(errc::no_memory)).why);
        lease received = lease::wrap(memory, [](void*) noexcept {}, nullptr);
        if (!received.has_memory()) {
          out.note(errc::no_memory);
        } else if (link->state() == session_state::active && !app.id().is_nil()) {
          const status indicated =
              state.self.indicate(incoming(app.id(), peer_id(1), std::move(received)));
          out.note(indicated);
          if (indicated.ok())
            out.note(
                finish<result<incoming>>(awaiting<result<incoming>>(app.receive()), errc::no_memory)
                    .error());
        }
        if (link->state() == session_state::active) {
          out.note(finish<result<transport_id>>(
                       awaiting<result<transport_id>>(state.self.request_transport_id()),
                       errc::no_memory)
                       .error());
          if (!listens.id().is_nil())
            does(awaiting<status>(state.self.signal(app.id(), listens.id(), bytes_of("knock"))));
        }
        listens.close();
        w.advance(std::chrono::minutes(3));  // dormant, and then all of it again
      }
#if LOCKGATE_HAS_EXCEPTIONS
    } catch (const std::bad_alloc&) {
      out.threw = true;
    }
#endif
    out.ended = link && link->state() == session_state::ended;
    // Whatever failed: one more attempt, now that memory is there, or a session that has ended.
    if (link && *link && app && link->state() != session_state::ended &&
        link->state() != session_state::created) {
      w.advance(std::chrono::minutes(2));
      task<status> send = awaiting<status>(app.send_to(peer_id(1), bytes_of("again")));
      if (!send.valid()) send = awaiting<status>(app.send_to(peer_id(1), bytes_of("again")));
      running<status> again(w.home, std::move(send));
      w.advance(std::chrono::minutes(2));
      // This may be where the allocation fails.
      out.useless = !again.done() || (!again.take().ok() && out.error_count + out.threw > 0);
    }
    link.reset();
    task<status> end = cp.stop();
    if (!end.valid()) end = cp.stop();
    running<status> stop(w.home, std::move(end));
    w.advance(std::chrono::minutes(10));
    if (!stop.done()) out.stood_still = true;
  }
};

outcome live(lean_state::manner how, std::uint64_t k) {
  outcome out;
  // A thread of its own: its frame memory is cold, and given back at its end.
  std::thread([&] {
    failing_allocation failure(k);
    life(out).run(how);
    out.happened = failure.happened();
  }).join();
  return out;
}

}  // namespace

TEST_CASE("F36: the k-th allocation fails, for every k of a whole life") {
  for (const auto how :
       {lean_state::manner::now, lean_state::manner::at_once, lean_state::manner::later}) {
    CAPTURE(static_cast<int>(how));
    int points = 0, unnoticed = 0;
    for (std::uint64_t k = 1;; ++k) {
      CAPTURE(k);
      REQUIRE(k < 5000);
      const std::int64_t before = blocks_alive();
      const outcome out = live(how, k);
      CHECK(blocks_alive() == before);
      CHECK_FALSE(out.stood_still);
      CHECK_FALSE(out.useless);
      for (int i = 0; i < out.error_count; ++i) {
        const status& error = out.errors[static_cast<std::size_t>(i)];
        CAPTURE(error.message());
        // The failure itself, or what comes of a session that could not go on without the memory.
        CHECK((error == errc::no_memory || error == errc::activation_delayed ||
               (out.ended && (error == errc::terminated || error == errc::unreachable))));
      }
      if (!out.happened) {
        CHECK(out.error_count == 0);
        break;
      }
      ++points;
      unnoticed += out.error_count == 0 && !out.threw;
    }
    MESSAGE(points << " allocation points, " << unnoticed << " of them made good unnoticed");
    CHECK(points > 30);
  }
}

// provider/answer.hpp, provider/any_provider.hpp: rows that answer now, later, or with an
// exception.
#include "lockgate/coro/foreign.hpp"
#include "lockgate/coro/sleep.hpp"
#include "lockgate/provider/any_provider.hpp"
#include "support/archetype.hpp"
#include "support/counted.hpp"
#include "support/doctest.hpp"
#include "support/foreign_event.hpp"
#include "support/test_host.hpp"
#include "support/world.hpp"

#include <array>      // for array
#include <chrono>     // for milliseconds
#include <stdexcept>  // for runtime_error
#include <string>     // for string

using lockgate::accepted;
using lockgate::answer;
using lockgate::any_provider;
using lockgate::errc;
using lockgate::status;
using lockgate::task;
using lockgate::termination_reason;
using lockgate::transport_id;
using namespace std::chrono_literals;

namespace {

/// Answers every row in another way, and notes what it was told.
class motley {
 public:
  motley(std::string& log, support::counted life) : log_(log), life_(life) {}

  task<> establish_session(lockgate::instance) {
    co_await lockgate::yield();
    log_ += 'e';
  }
  auto terminate_session(termination_reason why) {
    log_ += why == termination_reason::provider_request ? 't' : '?';
    return lockgate::yield();
  }
  auto transition_active() { return lockgate::sleep_for(1ms); }  // one of the library's operations
  std::error_code transition_dormant() {
    return std::make_error_code(std::errc::connection_refused);
  }
  answer<status> add_transport_id(transport_id id) {
    if (id.is_nil()) return status(errc::invalid_argument);
    return later();
  }
  errc remove_transport_id(transport_id) { return errc::unknown_transport_id; }
  status reach_transport_id(transport_id) { throw std::runtime_error("broke"); }
  auto send_buffers(std::span<const lockgate::outgoing> messages) {
    return lockgate::uninterruptible(ready{messages.size()});
  }

 private:
  static task<status> later() {
    co_await lockgate::yield();
    co_return errc::duplicate_transport_id;
  }
  struct ready {
    std::size_t count;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    accepted await_resume() const noexcept { return {count - 1, errc::would_block}; }
  };
  std::string& log_;
  support::counted life_;
};
static_assert(lockgate::dormant_provider<motley> && lockgate::id_aware_provider<motley>);

template <class T>
struct ended {
  bool later = false;
  T value{};
};
/// Runs an answer to its end.
template <class T>
ended<T> finish(support::world& w, answer<T> a) {
  REQUIRE_FALSE(a.failure());
  if (!a.is_later()) return {false, a.now()};
  support::running<T> root(w.home, std::move(a).take_later());
  w.advance(1ms);
  REQUIRE(root.done());
  return {true, root.take()};
}
bool finish(support::world& w, answer<void> a) {
  REQUIRE_FALSE(a.failure());
  if (!a.is_later()) return false;
  support::running<> root(w.home, std::move(a).take_later());
  w.advance(1ms);
  REQUIRE(root.done());
  return true;
}

TEST_CASE("any_provider: each row answers in its provider's way") {
  support::world w;
  support::test_host host(w.home);
  support::counted_totals totals;
  std::string log;
  transport_id some(std::array<std::byte, 16>{std::byte{1}});
  {
    any_provider p(std::in_place_type<motley>, log, support::counted(totals));
    CHECK(finish(w, p.establish_session(host.handle())));
    const auto active = finish(w, p.transition_active());
    CHECK(active.later);
    CHECK(active.value.ok());
    const auto dormant = finish(w, p.transition_dormant());
    CHECK_FALSE(dormant.later);
    CHECK(dormant.value == std::errc::connection_refused);
    CHECK(finish(w, p.add_transport_id(transport_id())).value == errc::invalid_argument);
    const auto added = finish(w, p.add_transport_id(some));
    CHECK(added.later);
    CHECK(added.value == errc::duplicate_transport_id);
    CHECK(finish(w, p.remove_transport_id(some)).value == errc::unknown_transport_id);
    const std::array<lockgate::outgoing, 3> batch{};
    const auto handed_over = finish(w, p.send_buffers(batch));
    CHECK(handed_over.later);
    CHECK(handed_over.value.count == 2);
    CHECK(handed_over.value.why == errc::would_block);
    CHECK(finish(w, p.terminate_session(termination_reason::provider_request)));
    CHECK(log == "et");
    CHECK(totals.alive() == 1);
  }
  CHECK(totals.alive() == 0);
}

TEST_CASE("F29: an exception that leaves a row becomes its answer") {
  support::counted_totals totals;
  std::string log;
  any_provider p(std::in_place_type<motley>, log, support::counted(totals));
  const auto reached = p.reach_transport_id(transport_id());
  CHECK_FALSE(reached.is_later());
  REQUIRE(reached.failure());
  CHECK_THROWS_AS(std::rethrow_exception(reached.failure()), std::runtime_error);
}

TEST_CASE("any_provider: optional rows that are absent answer success at once") {
  support::world w;
  any_provider p(std::in_place_type<support::archetype>, 1);
  CHECK((p.table().transition_dormant == nullptr));
  CHECK((p.table().add_transport_id == nullptr));
  CHECK((p.table().remove_transport_id == nullptr));
  for (const auto& a : {finish(w, p.transition_dormant()), finish(w, p.add_transport_id({})),
                        finish(w, p.remove_transport_id({}))}) {
    CHECK_FALSE(a.later);
    CHECK(a.value.ok());
  }
  CHECK_FALSE(finish(w, p.establish_session(lockgate::instance())));
  CHECK(finish(w, p.send_buffers({})).value.count == 0);
}

TEST_CASE("any_provider: owns, moves, and ends its provider once") {
  support::counted_totals totals;
  std::string log;
  any_provider a(std::in_place_type<motley>, log, support::counted(totals));
  const void* self = a.get();
  any_provider b = std::move(a);
  CHECK_FALSE(a);  // NOLINT(bugprone-use-after-move)
  CHECK(b.get() == self);
  any_provider c;
  CHECK_FALSE(c);
  c = std::move(b);
  CHECK(c.get() == self);
  CHECK(totals.alive() == 1);
  c = any_provider();
  CHECK(totals.alive() == 0);
  any_provider first(std::in_place_type<support::archetype>, 1);
  any_provider second(std::in_place_type<support::archetype>, 2);
  CHECK(&first.table() == &second.table());  // one type, one table
}

class breaks {
 public:
  breaks() { throw std::runtime_error("broke"); }
  void establish_session(lockgate::instance) {}
  void terminate_session(termination_reason) {}
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return {}; }
  accepted send_buffers(std::span<const lockgate::outgoing>) { return {}; }
};

TEST_CASE("F29: an exception of a provider's constructor reaches whoever made it") {
  CHECK_THROWS_AS(any_provider(std::in_place_type<breaks>), std::runtime_error);
}

}  // namespace

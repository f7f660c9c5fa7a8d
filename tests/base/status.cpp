// base/error.hpp, base/status.hpp, base/sent.hpp.
#include "lockgate/base/status.hpp"
#include "lockgate/base/accepted.hpp"
#include "support/doctest.hpp"

#include <array>         // for array
#include <atomic>        // for atomic
#include <set>           // for set
#include <string>        // for string
#include <system_error>  // for error_category
#include <thread>        // for thread
#include <vector>        // for vector

using lockgate::errc;
using lockgate::status;

namespace {

constexpr int last = static_cast<int>(errc::not_supported);

TEST_CASE("errc: each code has a sentence of its own") {
  std::set<std::string> sentences;
  for (int value = 0; value <= last; ++value)
    sentences.insert(lockgate::message_of(static_cast<errc>(value)));
  CHECK(sentences.size() == static_cast<std::size_t>(last) + 1);
  CHECK(sentences.count("unknown lockgate error") == 0);
  CHECK(lockgate::message_of(static_cast<errc>(last + 1)) ==
        std::string("unknown lockgate error"));  // so `last` is the last
}

TEST_CASE("errc: standard conditions compare equal") {
  CHECK(make_error_code(errc::canceled) == std::errc::operation_canceled);
  CHECK(make_error_code(errc::deadlock) == std::errc::resource_deadlock_would_occur);
  CHECK(make_error_code(errc::queue_full) == std::errc::no_buffer_space);
  CHECK(make_error_code(errc::no_buffer) == std::errc::no_buffer_space);
  CHECK(make_error_code(errc::closed) != std::errc::operation_canceled);
  CHECK(std::error_code(errc::timed_out) == std::errc::timed_out);
  CHECK(lockgate::error_category().name() == std::string("lockgate"));
}

TEST_CASE("status: success, own failures, foreign failures") {
  constexpr status success;
  static_assert(success.ok() && success.ok());
  constexpr status own = errc::closed;
  static_assert(!own.ok() && own == errc::closed && own.own() == errc::closed);
  CHECK(success.code() == std::error_code());
  CHECK(success.message() == "success");
  CHECK(own.message() == "closed");

  const status foreign = std::make_error_code(std::errc::connection_refused);
  CHECK(foreign == std::errc::connection_refused);
  CHECK(foreign.own() == errc::provider_failed);
  CHECK(foreign.code().category() == std::generic_category());
  CHECK(foreign != status(static_cast<errc>(foreign.code().value())));
}

TEST_CASE("status: to std::error_code and back is the same") {
  for (int value = 0; value <= last; ++value) {
    const status before = static_cast<errc>(value);
    const std::error_code between = before;
    CHECK(status(between) == before);
  }
  const std::error_code zero_of_ours(0, lockgate::error_category());
  CHECK(status(zero_of_ours) == status());
}

/// A category of errors that differs from every other.
class numbered_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "numbered"; }
  std::string message(int value) const override { return std::to_string(value); }
};

TEST_CASE("F47: threads that name categories at the same time get their own codes back") {
  constexpr std::size_t categories = 200, threads = 4;
  static const std::array<numbered_category, categories> all{};
  std::array<std::size_t, threads> wrong{};
  // Not std::barrier: that of libstdc++ 12 loses wake-ups on Windows.
  std::atomic<std::size_t> arrivals{0};
  std::vector<std::thread> namers;
  for (std::size_t t = 0; t < threads; ++t)
    namers.emplace_back([&mine = wrong[t], &arrivals, t] {
      auto meet = [&arrivals, expected = std::size_t{0}]() mutable {
        expected += threads;
        ++arrivals;
        while (arrivals < expected) std::this_thread::yield();
      };
      for (std::size_t i = 0; i < categories; i += threads) {
        meet();  // each names one that nobody has named
        const std::error_code code(static_cast<int>(i + 1), all[i + t]);
        const status named = code;
        meet();
        if (named.code() != code) ++mine;
      }
    });
  for (std::thread& namer : namers) namer.join();
  CHECK(wrong == std::array<std::size_t, threads>{});
}

TEST_CASE("sent: a count, a reason, or both") {
  constexpr lockgate::accepted all(3);
  static_assert(all.count == 3 && all.why.ok());
  constexpr lockgate::accepted some(1, errc::would_block);
  static_assert(some.count == 1 && some.why == errc::would_block);
  constexpr lockgate::accepted none = errc::closed;
  static_assert(none.count == 0 && none.why == errc::closed);
}

}  // namespace

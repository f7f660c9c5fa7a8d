// Every decision that a test leaves open is one call of choose(): all answers, random ones, or
// those of a printed string.
#pragma once

#include "lockgate/base/config.hpp"        // for LOCKGATE_REQUIRE
#include "lockgate/testing/split_mix.hpp"  // for split_mix

#include <cstddef>      // for size_t
#include <cstdint>      // for uint32_t, uint64_t
#include <string>       // for string, to_string
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace lockgate::inline v0::testing {

/// How much of the tree of decisions an exhaustive search visits.
struct search_bounds {
  static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);
  std::size_t depth = unlimited;       ///< later decisions take their first answer
  std::size_t deviations = unlimited;  ///< picks in one run that do not take what is first in line
};

/// A source of decisions, one run after the other.
///
/// Guarantees: the same answers make the same run, so `text()` says all there is to say about one.
/// Cost: a decision is a few nanoseconds; nothing is allocated once the longest run has been seen.
class choices {
 public:
  /// Depth first through all answers within `bounds`.
  [[nodiscard]] static choices exhaustive(const search_bounds& bounds = search_bounds()) {
    choices made(mode::exhaustive, 0);
    made.bounds_ = bounds;
    return made;
  }
  /// Uniformly random; run number n of seed s is run 0 of seed s + n.
  [[nodiscard]] static choices seeded(std::uint64_t seed) { return choices(mode::seeded, seed); }
  /// Random priorities, as in probabilistic concurrency testing: what came to the queue keeps its
  /// random rank, and at `change_points` steps among the first `steps` the highest rank is lost.
  [[nodiscard]] static choices by_priority(std::uint64_t seed, std::size_t change_points,
                                           std::size_t steps) {
    choices made(mode::priority, seed);
    made.change_points_ = change_points;
    made.expected_steps_ = steps;
    made.begin_run();
    return made;
  }
  /// The run that `text` describes; decisions beyond its end take their first answer.
  [[nodiscard]] static choices replay(std::string_view text) {
    choices made(mode::replay, 0);
    made.read(text);
    return made;
  }

  /// Decides between `n` answers, 0 to `n - 1`. Requires: `n > 0`.
  std::size_t choose(std::size_t n) { return n == 1 ? 0 : decide(n, false); }
  /// Decides which of `n` things in line goes next. Requires: `n > 0`.
  std::size_t pick(std::size_t n) {
    if (mode_ == mode::priority) return pick_by_priority(n);
    return n == 1 ? 0 : decide(n, true);
  }

  /// Prepares the next run. False when there is none: the tree is exhausted, or this is a replay.
  bool next_run() {
    if (mode_ == mode::replay) return false;
    if (mode_ == mode::exhaustive) {
      taken_.resize(position_);  // a run that ended early leaves no decisions behind
      while (!taken_.empty() && taken_.back().answer + 1 == taken_.back().answers)
        taken_.pop_back();
      if (taken_.empty()) return false;
      ++taken_.back().answer;
    } else {
      ++seed_;
      taken_.clear();
    }
    begin_run();
    return true;
  }
  /// The decisions of this run, as `replay` reads them: "0.2.1". Trailing zeros are left out.
  [[nodiscard]] std::string text() const {
    std::size_t length = position_;
    while (length > 0 && taken_[length - 1].answer == 0) --length;
    std::string out;
    for (std::size_t i = 0; i < length; ++i) {
      if (i > 0) out += '.';
      out += std::to_string(taken_[i].answer);
    }
    return out.empty() ? "0" : out;
  }
  /// Decisions taken in this run.
  [[nodiscard]] std::size_t count() const noexcept { return position_; }
  /// The seed of this run.
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  /// True once a bound has cut something off the search.
  [[nodiscard]] bool was_bounded() const noexcept { return bounded_; }

 private:
  enum class mode { exhaustive, seeded, priority, replay };
  struct decision {
    std::uint32_t answer;
    std::uint32_t answers;  // that will be tried; 0 in a replay, where it is not known
  };

  choices(mode m, std::uint64_t seed) : mode_(m), seed_(seed) {
    taken_.reserve(64);
    ranks_.reserve(64);
    begin_run();
  }

  void begin_run() {
    position_ = deviations_ = steps_ = 0;
    random_ = split_mix(seed_);
    ranks_.clear();
    change_at_.clear();
    for (std::size_t i = 0; i < change_points_; ++i)
      change_at_.push_back(random_.below(expected_steps_));
  }

  std::size_t decide(std::size_t n, bool in_line) {
    if (position_ == taken_.size()) taken_.push_back(new_decision(n, in_line));
    decision& d = taken_[position_++];
    if (mode_ == mode::replay && d.answer >= n) d.answer = static_cast<std::uint32_t>(n - 1);
    LOCKGATE_REQUIRE(d.answer < n, "choices: the same answers did not make the same run");
    if (in_line && d.answer > 0) ++deviations_;
    return d.answer;
  }
  decision new_decision(std::size_t n, bool in_line) {
    const auto answers = static_cast<std::uint32_t>(n);
    if (mode_ == mode::seeded || mode_ == mode::priority)
      return {static_cast<std::uint32_t>(random_.below(n)), answers};
    if (mode_ == mode::replay) return {0, 0};
    if (position_ < bounds_.depth && (!in_line || deviations_ < bounds_.deviations))
      return {0, answers};
    bounded_ = true;
    return {0, 1};
  }

  std::size_t pick_by_priority(std::size_t n) {
    while (ranks_.size() < n) ranks_.push_back(random_.next() | 1);
    ranks_.resize(n);
    std::size_t best = highest_rank();
    for (const std::uint64_t at : change_at_)
      if (at == steps_) ranks_[best] = 0;
    ++steps_;
    best = highest_rank();
    ranks_.erase(ranks_.begin() + static_cast<std::ptrdiff_t>(best));
    if (n > 1) {
      taken_.push_back({static_cast<std::uint32_t>(best), static_cast<std::uint32_t>(n)});
      ++position_;
    }
    return best;
  }
  [[nodiscard]] std::size_t highest_rank() const noexcept {
    std::size_t best = 0;
    for (std::size_t i = 1; i < ranks_.size(); ++i)
      if (ranks_[i] > ranks_[best]) best = i;
    return best;
  }

  void read(std::string_view text) {
    std::uint32_t number = 0;
    for (const char c : text) {
      if (c >= '0' && c <= '9') {
        number = number * 10 + static_cast<std::uint32_t>(c - '0');
      } else {
        taken_.push_back({number, 0});
        number = 0;
      }
    }
    taken_.push_back({number, 0});
  }

  mode mode_;
  std::uint64_t seed_;
  split_mix random_{0};
  search_bounds bounds_;
  bool bounded_ = false;
  std::vector<decision> taken_;
  std::size_t position_ = 0;
  std::size_t deviations_ = 0;
  std::size_t steps_ = 0;
  std::size_t change_points_ = 0;
  std::size_t expected_steps_ = 1;
  std::vector<std::uint64_t> ranks_;
  std::vector<std::uint64_t> change_at_;
};

/// Makes a failing run's string shorter and its digits smaller for as long as `fails(text)` says
/// that the run still fails. Cost: at most `attempts` runs.
template <class Fails>
[[nodiscard]] std::string shrink(std::string text, Fails fails, std::size_t attempts = 2000) {
  const auto parts = [](const std::string& whole) {
    std::vector<std::string> digits(1);
    for (const char c : whole) {
      if (c == '.') digits.emplace_back();
      else digits.back() += c;
    }
    return digits;
  };
  const auto join = [](const std::vector<std::string>& digits) {
    std::string whole;
    for (const std::string& d : digits) whole += (whole.empty() ? "" : ".") + d;
    return whole.empty() ? std::string("0") : whole;
  };
  for (bool better = true; better;) {
    better = false;
    for (std::size_t i = parts(text).size(); i-- > 0 && !better;) {
      for (int how = 0; how < 3 && !better && attempts > 0; ++how) {
        std::vector<std::string> digits = parts(text);
        const auto at = digits.begin() + static_cast<std::ptrdiff_t>(i);
        if (how == 0) digits.erase(at, digits.end());  // everything from here on
        else if (how == 1) digits.erase(at);
        else if (*at == "0") continue;
        else *at = std::to_string(std::stoul(*at) - 1);
        const std::string candidate = join(digits);
        if (candidate == text) continue;
        --attempts;
        better = fails(candidate);
        if (better) text = candidate;
      }
    }
  }
  return text;
}

}  // namespace lockgate::inline v0::testing

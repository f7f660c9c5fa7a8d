// The proof: every scenario of the catalogue, searched as far as the budget goes, and one table.
//
//   proof [--work orders|network|relay] [--part I/N] [--runs N] [--bases N] [--seeds N]
//         [--first-seed N] [--years N] [--relay-years N] [--only NAME] [--edges FILE]
//         [--replay NAME STRING]
//
// Without --work it does everything; --part is a share of the orders.
#include "lockgate/testing/explorer.hpp"              // for explore
#include "lockgate/testing/replace_operator_new.hpp"  // for operator new
#include "lockgate/testing/sweeps.hpp"                // for sweep_allocations
#include "proof/any_calls.hpp"                        // for any_calls
#include "proof/catalogue.hpp"                        // for catalogue
#include "proof/churn.hpp"                            // for churn
#include "proof/network.hpp"                          // for lifecycle_on_network
#include "proof/relayed.hpp"                          // for relayed_hosts

#include <algorithm>  // for min
#include <chrono>     // for steady_clock
#include <cstdint>    // for uint64_t
#include <cstdio>     // for printf
#include <cstdlib>    // for strtoull
#include <cstring>    // for strcmp
#include <fstream>    // for ofstream
#include <string>     // for string
#include <vector>     // for vector

namespace {

namespace lt = lockgate::testing;

struct arguments {
  arguments() {}
  std::uint64_t runs = 1'000'000;  ///< orders of one scenario
  std::uint64_t bases = 100;       ///< runs into which the sweeps put their faults
  std::uint64_t seeds = 20'000;    ///< lifecycles on the network
  std::uint64_t first_seed = 1;
  double years = 10;        ///< of two hosts that talk directly
  double relay_years = 10;  ///< of two that need a relay
  std::string work;
  std::string only;
  std::size_t part = 0, parts = 1;
  std::string edges;
  std::string replayed, text;
};

arguments read(int argc, char** argv) {
  arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* const value = argv[i + 1];
    if (name == "--runs") a.runs = std::strtoull(value, nullptr, 10);
    else if (name == "--bases") a.bases = std::strtoull(value, nullptr, 10);
    else if (name == "--seeds") a.seeds = std::strtoull(value, nullptr, 10);
    else if (name == "--first-seed") a.first_seed = std::strtoull(value, nullptr, 10);
    else if (name == "--years") a.years = std::strtod(value, nullptr);
    else if (name == "--relay-years") a.relay_years = std::strtod(value, nullptr);
    else if (name == "--work") a.work = value;
    else if (name == "--only") a.only = value;
    else if (name == "--edges") a.edges = value;
    else if (name == "--part") {
      a.part = static_cast<std::size_t>(value[0] - '1');
      a.parts = static_cast<std::size_t>(value[2] - '0');
    } else if (name == "--replay" && i + 2 < argc) {
      a.replayed = value;
      a.text = argv[++i + 1];
    }
  }
  return a;
}

double since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The table, and what all its lines add up to.
class table {
 public:
  void head() const {
    std::printf("%-28s | %-24s | %-13s | %10s | %-6s | %s\n", "scenario", "faults", "how", "runs",
                "end", "trace hash, time");
  }
  void add(std::string_view name, std::string_view faults, const std::string& how,
           const lt::exploration& x, double seconds) {
    const char* const end = !x.exhausted ? "budget" : x.bounded ? "bound" : "all";
    line(name, faults, how, x.runs, end);
    std::printf(" | %016llx, %.2f s\n", static_cast<unsigned long long>(x.hash), seconds);
    total_ += x.runs;
    note(x.first_failure);
  }
  void add(std::string_view name, std::string_view faults, const std::string& how,
           const lt::sweep& x) {
    line(name, faults, how, x.points, "all");
    std::printf("\n");
    points_ += x.points;
    note(x.first_failure);
  }
  [[nodiscard]] int failed() const noexcept { return failed_; }
  void foot(double seconds) const {
    std::printf("%llu runs, %llu points of failure, %d failed, %.1f s\n",
                static_cast<unsigned long long>(total_), static_cast<unsigned long long>(points_),
                failed_, seconds);
  }

 private:
  static void line(std::string_view name, std::string_view faults, const std::string& how,
                   std::uint64_t count, const char* end) {
    std::printf("%-28.*s | %-24.*s | %-13s | %10llu | %-6s", static_cast<int>(name.size()),
                name.data(), static_cast<int>(faults.size()), faults.data(), how.c_str(),
                static_cast<unsigned long long>(count), end);
  }
  void note(const std::optional<lt::failure>& found) {
    std::fflush(stdout);
    if (!found) return;
    ++failed_;
    std::printf("FAILED %s\n", lt::to_string(*found).c_str());
  }
  std::uint64_t total_ = 0, points_ = 0;
  int failed_ = 0;
};

/// Faults at every point of runs of all shapes.
void sweep(proof::entry& e, const arguments& options, table& out) {
  lt::trial_options each_run;
  each_run.any_order = !e.scenario.in_order;
  std::vector<std::string> bases;
  lt::trace record;
  for (std::uint64_t seed = 0; seed < options.bases; ++seed) {
    lt::choices source = lt::choices::seeded(options.first_seed + seed);
    static_cast<void>(lt::detail::run_once(source, record, e.scenario, each_run));
    bases.push_back(source.text());
  }
  const auto all = [&](const char* what, auto each) {
    lt::sweep sum;
    for (const std::string& base : bases) {
      lt::sweep one = each(base);
      sum.points += one.points;
      if (!one.first_failure) continue;
      sum.first_failure = std::move(one.first_failure);
      break;
    }
    out.add(e.name, e.faults, what, sum);
  };
  all("allocations",
      [&](const std::string& b) { return lt::sweep_allocations(e.scenario, b, each_run); });
  all("stops", [&](const std::string& b) { return lt::sweep_stops(e.scenario, b, each_run); });
  all("destructions",
      [&](const std::string& b) { return lt::sweep_destructions(e.scenario, b, each_run); });
}

/// Everything about one entry of the catalogue.
void prove(proof::entry& e, const arguments& options, table& out) {
  const auto search = [&](lt::choices source, const std::string& how, std::uint64_t runs) {
    lt::exploration_options limits;
    limits.runs = runs;
    limits.each.any_order = !e.scenario.in_order;
    const auto started = std::chrono::steady_clock::now();
    lt::exploration x = lt::explore(std::move(source), e.scenario, limits);
    if (x.runs > 0) out.add(e.name, e.faults, how, x, since(started));
    return x;
  };
  const lt::exploration every = search(lt::choices::exhaustive(), "every", options.runs);
  if (every.first_failure) return;
  sweep(e, options, out);
  if (every.exhausted) return;
  // What the budget did not reach: few departures from first in, first out, and random priorities.
  std::uint64_t left = options.runs;
  for (std::size_t deviations = 2; left > 0; ++deviations) {
    lt::search_bounds few;
    few.deviations = deviations;
    const lt::exploration near =
        search(lt::choices::exhaustive(few), "deviate " + std::to_string(deviations), left);
    if (!near.exhausted || !near.bounded || near.first_failure) break;
    left -= std::min(left, near.runs);
  }
  search(lt::choices::by_priority(options.first_seed, 3, 40), "priority", options.runs / 4);
}

/// A minute each of many lives.
template <class Hosts>
void live_on_network(std::string_view name, std::string_view faults, const arguments& options,
                     std::uint64_t seeds, table& out) {
  lt::exploration_options limits;
  limits.runs = seeds;
  limits.shrink_failure = false;
  limits.each.any_order = false;
  std::uint64_t received = 0;
  const proof::lifecycle_on_network<Hosts> minute{&received};
  const auto begun = std::chrono::steady_clock::now();
  const lt::exploration lives = lt::explore(
      lt::choices::seeded(options.first_seed), [&](lt::trial& t) { minute(t); }, limits);
  out.add(name, faults, "from seed " + std::to_string(options.first_seed), lives, since(begun));
  std::printf("  %llu messages received\n", static_cast<unsigned long long>(received));
}

/// One life that is long. A message goes each way every `interval` seconds.
template <class Hosts>
void last_years(std::string_view name, std::string_view faults, double years, int interval,
                table& out) {
  if (years <= 0) return;
  lt::exploration_options limits;
  limits.runs = 1;
  limits.shrink_failure = false;
  limits.each.any_order = false;
  limits.each.steps = static_cast<std::size_t>(-1);
  proof::years_on_network<Hosts> life;
  life.years = years;
  life.interval = std::chrono::seconds(interval);
  const auto begun = std::chrono::steady_clock::now();
  const lt::exploration x =
      lt::explore(lt::choices::seeded(1), [&](lt::trial& t) { life(t); }, limits);
  char how[32];
  std::snprintf(how, sizeof how, "%g years", years);
  out.add(name, faults, how, x, since(begun));
  std::printf("  %llu messages sent, %llu received, %llu refused, longest silence %lld s\n",
              static_cast<unsigned long long>(life.sent),
              static_cast<unsigned long long>(life.received),
              static_cast<unsigned long long>(life.refused),
              static_cast<long long>(life.longest_gap / std::chrono::seconds(1)));
}

/// Ten minutes of 10,000 sessions a second, or as much of them as the seeds allow.
void come_and_go(const arguments& options, table& out) {
  const std::uint64_t lives = std::min<std::uint64_t>(300 * options.seeds, 6'000'000);
  lt::exploration_options limits;
  limits.runs = 1;
  limits.shrink_failure = false;
  limits.each.any_order = false;
  limits.each.steps = static_cast<std::size_t>(-1);
  proof::churn sessions(lives);
  const auto begun = std::chrono::steady_clock::now();
  const lt::exploration x =
      lt::explore(lt::choices::replay("0"), [&](lt::trial& t) { sessions(t); }, limits);
  out.add("sessions come and go", "F82", std::to_string(lives), x, since(begun));
}

/// Lifecycles on a simulated network, and years of it.
void prove_on_network(const arguments& options, table& out) {
  lt::exploration_options limits;
  limits.runs = 100 * options.seeds;
  proof::any_calls calls(24);
  const auto begun = std::chrono::steady_clock::now();
  const lt::exploration x =
      lt::explore(lt::choices::seeded(options.first_seed), [&](lt::trial& t) { calls(t); }, limits);
  out.add("any calls", "F10 F19 F20 F27 F28", "from seed " + std::to_string(options.first_seed), x,
          since(begun));
  come_and_go(options, out);
  live_on_network<proof::direct_hosts>("lifecycle on a network", "F10 F21 F42 F59 F60 F61", options,
                                       options.seeds, out);
  last_years<proof::direct_hosts>("two hosts at 20 % loss", "F59 F60 F61 F64", options.years, 25,
                                  out);
}

/// The same through a relay.
void prove_with_relay(const arguments& options, table& out) {
  live_on_network<proof::relayed_hosts>("lifecycle with a relay", "F10 F21 F59 F60 F61 F63",
                                        options, options.seeds / 10, out);
  last_years<proof::relayed_hosts>("relayed at 20 % loss", "F58 F59 F60 F61 F63",
                                   options.relay_years, 60, out);
}

}  // namespace

int main(int argc, char** argv) {
  const arguments options = read(argc, argv);
  std::vector<proof::entry> all = proof::catalogue();
  proof::observed_edges edges;
  table out;
  const auto begin = std::chrono::steady_clock::now();
  if (!options.replayed.empty()) {
    for (proof::entry& e : all) {
      if (e.name != options.replayed) continue;
      const lt::exploration x = lt::replay(options.text, e.scenario);
      std::puts(x.first_failure ? lt::to_string(*x.first_failure).c_str() : "no failure");
      return x.first_failure ? 1 : 0;
    }
    return 2;
  }
  const auto wants = [&options](std::string_view work) {
    return options.only.empty() && (options.work.empty() || options.work == work);
  };
  out.head();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (options.only.empty() && !wants("orders")) break;
    if (i % options.parts != options.part) continue;
    if (!options.only.empty() && all[i].name != options.only) continue;
    all[i].scenario.edges = &edges;
    prove(all[i], options, out);
  }
  if (wants("network")) prove_on_network(options, out);
  if (wants("relay")) prove_with_relay(options, out);
  out.foot(since(begin));
  if (!options.edges.empty()) {
    std::ofstream file(options.edges);
    for (const std::string& line : edges.lines()) file << line << '\n';
  }
  return out.failed() == 0 ? 0 : 1;
}

// The proof: every scenario of the catalogue, searched as far as the budget goes, and one table.
//
//   proof [--runs N] [--only NAME] [--part I/N] [--edges FILE] [--replay NAME STRING]
#include "lockgate/testing/explorer.hpp"              // for explore
#include "lockgate/testing/replace_operator_new.hpp"  // for operator new
#include "lockgate/testing/sweeps.hpp"                // for sweep_allocations
#include "proof/catalogue.hpp"                        // for catalogue

#include <chrono>   // for steady_clock
#include <cstdint>  // for uint64_t
#include <cstdio>   // for printf
#include <cstdlib>  // for strtoull
#include <cstring>  // for strcmp
#include <fstream>  // for ofstream
#include <string>   // for string
#include <vector>   // for vector

namespace {

namespace lt = lockgate::testing;

struct arguments {
  arguments() {}
  std::uint64_t runs = 1'000'000;  ///< of one scenario
  std::string only;
  std::size_t part = 0, parts = 1;
  std::string edges;
  std::string replayed;
  std::string text;
};

arguments read(int argc, char** argv) {
  arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--runs") a.runs = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--only") a.only = value;
    else if (name == "--edges") a.edges = value;
    else if (name == "--part")
      a.part = static_cast<std::size_t>(value[0] - '1'),
      a.parts = static_cast<std::size_t>(value[2] - '0');
    else if (name == "--replay" && i + 2 < argc) a.replayed = value, a.text = argv[++i + 1];
  }
  return a;
}

/// One line of the table.
bool report(const proof::entry& e, const char* how, const lt::exploration& x, double seconds) {
  const char* const end = !x.exhausted ? "budget" : x.bounded ? "bound" : "all";
  std::printf("%-28.*s | %-24.*s | %-10s | %10llu | %-6s | %4zu | %016llx | %7.2f s\n",
              static_cast<int>(e.name.size()), e.name.data(), static_cast<int>(e.faults.size()),
              e.faults.data(), how, static_cast<unsigned long long>(x.runs), end, x.longest,
              static_cast<unsigned long long>(x.hash), seconds);
  std::fflush(stdout);
  if (x.first_failure)
    std::printf("FAILED %.*s\n%s\n", static_cast<int>(e.name.size()), e.name.data(),
                lt::to_string(*x.first_failure).c_str());
  return !x.first_failure;
}

bool report_sweep(const proof::entry& e, const char* what, const lt::sweep& x) {
  std::printf("%-28.*s | %-24.*s | %-12s | %8llu points\n", static_cast<int>(e.name.size()),
              e.name.data(), static_cast<int>(e.faults.size()), e.faults.data(), what,
              static_cast<unsigned long long>(x.points));
  if (x.first_failure) std::printf("FAILED %s\n", lt::to_string(*x.first_failure).c_str());
  return !x.first_failure;
}

double since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  const arguments options = read(argc, argv);
  std::vector<proof::entry> all = proof::catalogue();
  proof::observed_edges edges;
  std::uint64_t total = 0;
  int failed = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < all.size(); ++i) {
    proof::entry& e = all[i];
    if (!options.replayed.empty()) {
      if (e.name != options.replayed) continue;
      const lt::exploration x = lt::replay(options.text, e.scenario);
      std::puts(x.first_failure ? lt::to_string(*x.first_failure).c_str() : "no failure");
      return x.first_failure ? 1 : 0;
    }
    if (i % options.parts != options.part) continue;
    if (!options.only.empty() && e.name != options.only) continue;
    e.scenario.edges = &edges;
    lt::exploration_options limits;
    limits.runs = options.runs;
    limits.each.any_order = !e.scenario.in_order;
    auto started = std::chrono::steady_clock::now();
    const lt::exploration x = lt::explore(lt::choices::exhaustive(), e.scenario, limits);
    failed += !report(e, "every", x, since(started));
    total += x.runs;
    failed += !report_sweep(e, "allocations", lt::sweep_allocations(e.scenario));
    failed += !report_sweep(e, "stops", lt::sweep_stops(e.scenario));
    failed += !report_sweep(e, "destructions", lt::sweep_destructions(e.scenario));
    if (x.exhausted || x.first_failure) continue;
    // What the budget did not reach: all runs with few departures from first in, first out, and
    // random priorities.
    std::uint64_t left = options.runs;
    for (std::size_t deviations = 1; left > 0; ++deviations) {
      lt::search_bounds few;
      few.deviations = deviations;
      limits.runs = left;
      started = std::chrono::steady_clock::now();
      const lt::exploration near = lt::explore(lt::choices::exhaustive(few), e.scenario, limits);
      left -= near.runs;
      total += near.runs;
      if (deviations == 1 && near.exhausted) continue;  // the next bound includes it
      const std::string how = "deviate " + std::to_string(deviations);
      failed += !report(e, how.c_str(), near, since(started));
      if (!near.exhausted || !near.bounded || near.first_failure) break;
    }
    limits.runs = options.runs / 4;
    started = std::chrono::steady_clock::now();
    const lt::exploration ranked =
        lt::explore(lt::choices::by_priority(1, 3, 40), e.scenario, limits);
    failed += !report(e, "priority", ranked, since(started));
    total += ranked.runs;
  }
  std::printf("%llu interleavings, %d failed, %.1f s\n", static_cast<unsigned long long>(total),
              failed, since(begin));
  if (!options.edges.empty()) {
    std::ofstream out(options.edges);
    for (const std::string& line : edges.lines()) out << line << '\n';
  }
  return failed == 0 ? 0 : 1;
}

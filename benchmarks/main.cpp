// Runs every benchmark side by side in one process and holds the gates against the result.
//
//   lockgate_bench [--smoke] [--json=FILE] [Google Benchmark's own options]
//
// Exit status: 0 when all gates are kept; 1 when one is not kept, or not measured unless
// --benchmark_filter chose rows, or a contender failed, which ends the run; 2 for wrong arguments
// or a system on which nothing can be measured.
#include "harness/data_path.hpp"   // for register_data_path, effort
#include "harness/gate.hpp"        // for gates, print_table
#include "harness/per_core.hpp"    // for register_per_core
#include "harness/quiet_core.hpp"  // for take_core
#include "harness/results.hpp"     // for results
#include "harness/udp_socket.hpp"  // for udp_socket

#include <benchmark/benchmark.h>  // for Initialize, RunSpecifiedBenchmarks

#include <cstddef>      // for size_t
#include <cstdio>       // for printf, fprintf
#include <exception>    // for exception
#include <string>       // for string
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace {

// Many short passes, so that the two rows of a ratio are measured soon after one another.
constexpr int thorough_passes = 33;

// 16 trains: two from each of eight peers.
constexpr bench::effort thorough{.burst = 512, .rounds = 8};

// Two trains: fits the socket buffer of a system that grants no larger one.
constexpr bench::effort smoke{.burst = 64, .rounds = 1};

// What the kernel charges a socket for a datagram of 1200 bytes, at most.
constexpr std::size_t charged_per_datagram = 4096;

constexpr bool optimised =
#ifdef __OPTIMIZE__
    true;
#else
    false;
#endif

int measure_and_judge(int argc, char** argv) {
  // What the command line repeats wins, because Google Benchmark keeps the last of two options.
  std::vector<std::string> options{argv[0], "--benchmark_min_time=0.007"};
  bool only_smoke = false, only_list = false, chosen_rows = false;
  std::string json;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--smoke") {
      only_smoke = true;
      options.emplace_back("--benchmark_min_time=0");
    } else if (constexpr std::string_view name = "--json=";
               std::string_view(argv[i]).starts_with(name)) {
      json = argv[i] + name.size();
    } else {
      options.emplace_back(argv[i]);
      chosen_rows = chosen_rows || options.back().starts_with("--benchmark_filter");
      only_list = only_list || options.back().starts_with("--benchmark_list_tests");
    }
  }
  std::vector<char*> arguments;
  for (std::string& option : options) arguments.push_back(option.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  if (!only_smoke && !optimised) {
    std::fprintf(stderr, "built without optimisation: only --smoke means anything\n");
    return 2;
  }
  if (!only_smoke && bench::udp_socket().receive_buffer() < thorough.burst * charged_per_datagram) {
    std::fprintf(stderr,
                 "socket buffers are too small for a burst: run as root, or raise "
                 "net.core.rmem_max\n");
    return 2;
  }
  if (!only_smoke) {
    const std::string core = bench::take_core();
    benchmark::AddCustomContext("core", core);
    std::printf("%s; the rows appear after the last pass\n", core.c_str());
    std::fflush(stdout);
  }

  bench::register_data_path(only_smoke ? smoke : thorough);
  bench::register_per_core(only_smoke ? smoke : thorough);
  bench::results run(json);
  const int passes = only_smoke ? 1 : thorough_passes;
  for (int pass = 1; pass <= passes; ++pass) {
    if (benchmark::RunSpecifiedBenchmarks(&run) == 0) return 2;
    if (only_list) return 0;
    std::printf("pass %d of %d\n", pass, passes);
    std::fflush(stdout);
  }
  run.finish();
  if (only_smoke) return 0;
  return bench::print_table(bench::gates(), run, chosen_rows) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return measure_and_judge(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

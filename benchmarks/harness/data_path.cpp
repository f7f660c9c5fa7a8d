// See data_path.hpp.
#include "data_path.hpp"

#include "allocations.hpp"     // for allocations
#include "contender.hpp"       // for contender, entries, workload
#include "load_generator.hpp"  // for load_generator
#include "results.hpp"         // for report_items
#include "watchdog.hpp"        // for watchdog

#include <benchmark/benchmark.h>  // for RegisterBenchmark, State

#include <algorithm>  // for find
#include <chrono>     // for steady_clock
#include <exception>  // for exception
#include <optional>   // for optional
#include <stdexcept>  // for runtime_error
#include <string>     // for string, to_string

namespace bench {

namespace {

using clock = std::chrono::steady_clock;

struct scenario {
  std::string name;
  question asked;
  load offered;
};

std::vector<scenario> scenarios() {
  std::vector<scenario> all;
  for (const std::size_t size : sizes) {
    const std::string bytes = std::to_string(size);
    for (const traffic sent : {traffic::plain, traffic::trains}) {
      const std::string kind = sent == traffic::plain ? "plain" : "trains";
      all.push_back({"receive/" + kind + '/' + bytes, question::receive, {sent, 1, false, size}});
      for (const std::size_t peers : {1u, 8u})
        for (const bool gro : {true, false})
          all.push_back({"echo/" + kind + '/' + (peers == 1 ? "1_peer_" : "8_peers_") +
                             (gro ? "with" : "without") + "_gro/" + bytes,
                         question::echo,
                         {sent, peers, gro, size}});
    }
    all.push_back({"round_trip/" + bytes, question::round_trip, {traffic::plain, 0, false, size}});
  }
  return all;
}

/// An address that nobody is bound to. The contender has to bind it next.
sockaddr_in free_address() {
  return udp_socket().address();
}

/// A contender together with its peers.
class match {
 public:
  match(const scenario& rules, const entry& entered) : rules_(rules), peers_(rules.offered) {
    const sockaddr_in local = free_address();  // not before every peer has its own
    contender_ = entered.make({rules.offered.size, local, peers_.addresses()});
    peers_.aim_at(local);
  }

  /// Plays one burst and returns the contender's part of the time.
  clock::duration play(std::size_t burst) {
    if (rules_.asked != question::round_trip) peers_.fill(burst);
    const auto before = clock::now();
    const std::size_t bytes = contender_->run(burst);
    const auto taken = clock::now() - before;
    if (bytes != burst * rules_.offered.size)
      throw std::runtime_error("the contender received another number of bytes than was sent");
    if (rules_.asked == question::echo) peers_.take_replies();
    return taken;
  }

  [[nodiscard]] std::uint64_t copies() const { return contender_->copies(); }

 private:
  const scenario& rules_;
  load_generator peers_;
  std::unique_ptr<contender> contender_;
};

void measure(benchmark::State& state, const scenario& rules, const entry& entered,
             std::size_t burst) {
  match game{rules, entered};
  // Not counted: two bursts find the size of batches, the third the memory for them.
  for (int warming = 0; warming < 3; ++warming) game.play(burst);
  std::uint64_t allocated = 0;
  const std::uint64_t copied_before = game.copies();
  for (auto _ : state) {
    const std::uint64_t before = allocations();
    const std::chrono::duration<double> taken = game.play(burst);
    allocated += allocations() - before;
    state.SetIterationTime(taken.count());
  }
  const std::uint64_t items = static_cast<std::uint64_t>(state.iterations()) * burst;
  report_items(state, items, allocated);
  state.counters[std::string(copies_per_item)] =
      static_cast<double>(game.copies() - copied_before) / static_cast<double>(items);
}

}  // namespace

void register_data_path(const effort& each) {
  for (const scenario& rules : scenarios())
    for (const entry& entered : entries()) {
      const bool takes = std::find(entered.takes.begin(), entered.takes.end(),
                                   rules.offered.sent) != entered.takes.end();
      if (entered.asked != rules.asked || !takes) continue;
      const std::string name = rules.name + '/' + entered.name;
      const auto row = [name, rules, entered, burst = each.burst](benchmark::State& state) {
        const watchdog bites{name};
        try {
          measure(state, rules, entered, burst);
        } catch (const std::exception& error) {
          throw std::runtime_error(name + ": " + error.what());
        }
      };
      benchmark::RegisterBenchmark(name.c_str(), row)
          ->UseManualTime()
          ->Iterations(static_cast<benchmark::IterationCount>(each.rounds));
    }
}

}  // namespace bench

// Turns every contender of the data path into rows of Google Benchmark.
#pragma once

#include <array>    // for array
#include <cstddef>  // for size_t

namespace bench {

/// Bytes in the datagrams of each scenario.
inline constexpr std::array<std::size_t, 2> sizes{64, 1200};

/// How much is moved in each pass by a row.
struct effort {
  std::size_t burst;   ///< datagrams in the socket when the clock starts
  std::size_t rounds;  ///< bursts in each pass
};

/// Registers one row for each contender and scenario of its question. The rows are called
/// `receive/<traffic>/<size>/<contender>`,
/// `echo/<traffic>/<1_peer|8_peers>_<with|without>_gro/<size>/<contender>` and
/// `round_trip/<size>/<contender>`.
void register_data_path(const effort& each);

}  // namespace bench

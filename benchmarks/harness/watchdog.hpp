// Ends the program when a contender waits for a datagram that was lost.
#pragma once

#include <unistd.h>  // for alarm, write, _exit

#include <csignal>  // for signal, SIGALRM
#include <string>   // for string
#include <utility>  // for move

namespace bench {

/// While it lives, the program must make progress: a row that takes longer than a minute is named
/// on standard error and the program exits with status 1.
class watchdog {
 public:
  explicit watchdog(std::string row) {
    message() = "stuck: " + std::move(row) + '\n';
    std::signal(SIGALRM, [](int) {
      [[maybe_unused]] const auto written =
          ::write(STDERR_FILENO, message().data(), message().size());
      ::_exit(1);
    });
    ::alarm(60);
  }
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  ~watchdog() { ::alarm(0); }

 private:
  static std::string& message() {
    static std::string text;
    return text;
  }
};

}  // namespace bench

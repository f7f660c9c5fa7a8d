// Runs code that is expected to end the program, in a child process.
#pragma once

#include <sys/wait.h>  // for waitpid
#include <unistd.h>    // for fork, pipe, dup2, read

#include <csignal>  // for signal
#include <cstdio>   // for fflush
#include <cstdlib>  // for abort
#include <string>   // for string

namespace support {

/// How a child process ended, and what it wrote to its standard error.
struct child_end {
  bool orderly = false;  ///< came to its end, with status 0
  std::string output;

  [[nodiscard]] bool died_saying(const char* words) const {
    return !orderly && output.find(words) != std::string::npos;
  }
};

/// Runs `work` in a child process. Exiting through a sanitizer's report counts as dying.
template <class F>
child_end in_child_process(F work) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) {
    for (const int fatal : {SIGABRT, SIGSEGV, SIGBUS})
      std::signal(fatal, SIG_DFL);  // not doctest's
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    alarm(60);
    work();
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  child_end out;
  char piece[512];
  for (ssize_t n = 0; (n = read(ends[0], piece, sizeof piece)) > 0;)
    out.output.append(piece, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  out.orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return out;
}

}  // namespace support

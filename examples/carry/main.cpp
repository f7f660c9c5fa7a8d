// carry moves a file from one process to another, over two platforms and the direct provider on
// UDP.
//
//   carry FILE                                         both processes, on the loopback
//   carry receive --local A:P --peer B:Q --output FILE
//   carry send    --local B:Q --peer A:P FILE
//   carry receive --turn T:P --rendezvous R:P --output FILE
//   carry send    --turn T:P --rendezvous R:P FILE
//
// The last two cross any NAT or firewall, through a TURN server; see --help for what they take from
// the environment.
//
// The platform carries datagrams; the window, the retransmission and the check are this program's.
#include "receiver.hpp"  // for receiver
#include "sender.hpp"    // for sender

#include "lockgate/asio/async_run.hpp"  // for async_run

#include <CLI/CLI.hpp>  // for App

#include <sys/socket.h>  // for socketpair
#include <sys/wait.h>    // for waitpid
#include <unistd.h>      // for fork, pipe

#include <cstdio>      // for fprintf
#include <cstdlib>     // for exit
#include <exception>   // for exception_ptr
#include <filesystem>  // for temp_directory_path, remove
#include <string>      // for string

namespace {

struct command_line {
  carry::options transfer;
  std::string file;
  std::string output;
  std::string local = "127.0.0.1:0";
  std::string peer;
  std::string turn, rendezvous;
};

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

lockgate::socket_address address(const std::string& text) {
  const auto parsed = lockgate::parse_socket_address(text);
  if (!parsed)
    throw std::runtime_error(text + " is no address with a port, such as 127.0.0.1:4000");
  return *parsed;
}

/// Errors: throws for what is no address with a port.
carry::relay_options relay_from(const command_line& c) {
  carry::relay_options out;
  const lockgate::socket_address at = address(c.turn);
  lockgate::turn_server server(lockgate::to_string(at.ip), {environment("CARRY_TURN_USER"),
                                                            environment("CARRY_TURN_PASSWORD")});
  server.port = at.port;
  server.certificate_name = environment("CARRY_TURN_NAME");
  out.turn.servers.push_back(server);
  out.turn.allow_private_peers = !environment("CARRY_PRIVATE").empty();
  out.rendezvous = address(c.rendezvous);
  out.key = environment("CARRY_KEY");
  out.authority = environment("CARRY_AUTHORITY");
  return out;
}

/// Starts the side, does its work, and stops the platform whatever happens.
template <class Work>
lockgate::task<> live(carry::side& s, Work& work, lockgate::socket_address local,
                      const carry::side::rendezvous& meet) {
  std::exception_ptr failure;
  try {
    co_await s.start(local, meet);
    co_await work.run();
  } catch (...) {
    failure = std::current_exception();
  }
  co_await s.stop();
  if (failure) std::rethrow_exception(failure);
}

/// Errors: throws what went wrong.
template <class Work>
void run(asio::io_context& io, carry::side& s, Work& work, const std::string& local,
         const carry::side::rendezvous& meet) {
  std::exception_ptr failure;
  lockgate::async_run(s.net, live(s, work, address(local), meet),
                      [&failure](const std::exception_ptr& thrown) { failure = thrown; });
  io.run();
  s.seen.finish();  // what has been seen matters most when it failed
  if (failure) std::rethrow_exception(failure);
}

void send(const command_line& c, const carry::side::rendezvous& meet) {
  asio::io_context io;
  const carry::mapped_file file(c.file);
  carry::side s(io, true, c.transfer);
  carry::sender work(s, file);
  run(io, s, work, c.local, meet);
}
void receive(const command_line& c, const carry::side::rendezvous& meet) {
  asio::io_context io;
  carry::side s(io, false, c.transfer);
  carry::receiver work(s, c.output);
  run(io, s, work, c.local, meet);
}

/// Runs `work`, and says what went wrong. Returns the exit code.
template <class Work>
int reporting(const std::string& who, const Work& work) {
  try {
    work();
    std::fflush(stdout);
    return 0;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "carry%s: %s\n", who.c_str(), error.what());
    return 1;
  }
}

/// Tells the other process the own port through `fd`, and hears its port.
lockgate::socket_address meet_through(int fd, const lockgate::socket_address& own) {
  lockgate::socket_address other = own;
  if (::write(fd, &own.port, sizeof own.port) != sizeof own.port ||
      ::read(fd, &other.port, sizeof other.port) != sizeof other.port)
    throw std::runtime_error("the other process is gone");
  return other;
}

/// The receiver's own files, beside the sender's: trace.json and trace.receiver.json.
void rename_for_receiver(watch_options& files) {
  for (std::string* name : {&files.diagram, &files.trace, &files.pcapng, &files.metrics}) {
    if (name->empty()) continue;
    std::filesystem::path file(*name);
    file.replace_extension(".receiver" + file.extension().string());
    *name = file.string();
  }
}

/// Both processes; the receiver's words are printed after the sender's.
int send_and_receive(command_line c) {
  const bool keep = !c.output.empty();
  if (!keep)
    c.output = std::filesystem::temp_directory_path() / ("carry." + std::to_string(::getpid()));
  int meeting[2], words[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, meeting) != 0 || ::pipe(words) != 0)
    carry::fail("socketpair or pipe");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) carry::fail("fork");
  const int own_end = child == 0 ? meeting[1] : meeting[0];
  ::close(child == 0 ? meeting[0] : meeting[1]);
  const auto meet = [own_end](const lockgate::socket_address& own) {
    return meet_through(own_end, own);
  };
  if (child == 0) {
    ::dup2(words[1], STDOUT_FILENO);
    ::close(words[0]);
    ::close(words[1]);
    rename_for_receiver(c.transfer.watch);
    std::exit(reporting(" receive", [&] { receive(c, meet); }));
  }
  ::close(words[1]);
  std::printf("process %d sends %s to process %d\n", static_cast<int>(::getpid()), c.file.c_str(),
              static_cast<int>(child));
  int outcome = reporting(" send", [&] { send(c, meet); });
  ::close(own_end);  // a receiver that still waits for the meeting gives up
  char piece[4096];
  for (ssize_t n = 0; (n = ::read(words[0], piece, sizeof piece)) > 0;)
    std::fwrite(piece, 1, static_cast<std::size_t>(n), stdout);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) outcome = 1;
  std::error_code ignored;  // it may never have been made
  if (!keep) std::filesystem::remove(c.output, ignored);
  if (outcome == 0) std::printf("carried.\n");
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  command_line c;
  double loss_percent = 0;
  unsigned give_up = 20;

  CLI::App app("Moves a file from one process to another over two platforms and UDP.");
  app.fallthrough();
  app.add_option("--chunk", c.transfer.chunk_size, "bytes of the file in one datagram")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  app.add_option("--window", c.transfer.window, "chunks in flight at most")
      ->check(CLI::Range(10, 8192))
      ->capture_default_str();
  app.add_option("--loss", loss_percent, "percent of all datagrams to throw away on purpose")
      ->check(CLI::Range(0.0, 90.0));
  app.add_option("--give-up", give_up, "seconds without a word from the other side")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  watch_options& seen = c.transfer.watch;
  app.add_flag("--timeline", seen.printed_diagram,
               "print the session as a Mermaid sequence diagram");
  app.add_option("--diagram", seen.diagram, "a file for the same diagram");
  app.add_option("--trace", seen.trace, "a file for the Perfetto UI or chrome://tracing");
  app.add_option("--pcapng", seen.pcapng, "a file for Wireshark: every message, in the clear");
  app.add_option("--metrics", seen.metrics, "a file in the Prometheus text format");
  app.add_flag("!--no-view", seen.view, "do not show what happens while it happens");
  app.add_option("--output", c.output, "where the file is written");
  app.add_option("file", c.file, "the file to send");

  CLI::App* sending = app.add_subcommand("send", "only send");
  sending->add_option("file", c.file, "the file to send")->required();
  CLI::App* receiving = app.add_subcommand("receive", "only receive");
  for (CLI::App* one : {sending, receiving}) {
    auto* const local = one->add_option("--local", c.local, "this side's address and port");
    auto* const peer = one->add_option("--peer", c.peer, "the other side's address and port");
    auto* const turn = one->add_option("--turn", c.turn, "a TURN server's address and port");
    auto* const meet = one->add_option("--rendezvous", c.rendezvous, "a rendezvous server's");
    local->needs(peer)->excludes(turn);
    peer->needs(local);
    turn->needs(meet);
    meet->needs(turn);
    one->footer(
        "With --turn the environment says CARRY_TURN_USER, CARRY_TURN_PASSWORD, and CARRY_KEY,\n"
        "which all users of the rendezvous server share; CARRY_TURN_NAME and CARRY_AUTHORITY for\n"
        "TLS: the name in the certificate, and a file to trust; CARRY_PRIVATE=1 to relay to\n"
        "addresses that are not public.");
  }
  CLI11_PARSE(app, argc, argv);
  c.transfer.loss = loss_percent / 100;
  c.transfer.give_up = std::chrono::seconds(give_up);

  if ((*sending || *receiving) && c.peer.empty() && c.turn.empty()) {
    std::fprintf(stderr, "carry: say --local and --peer, or --turn and --rendezvous\n");
    return 1;
  }
  const auto meet = [&c](const lockgate::socket_address&) { return address(c.peer); };
  if (!c.turn.empty() && reporting("", [&] { c.transfer.relay = relay_from(c); }) != 0) return 1;
  if (*sending) return reporting(" send", [&] { send(c, meet); });
  if (*receiving) {
    return reporting(" receive", [&] {
      if (c.output.empty()) throw std::runtime_error("--output is missing");
      receive(c, meet);
    });
  }
  return reporting("", [&] {
    if (c.file.empty()) throw std::runtime_error("name a file to send, or see --help");
    if (send_and_receive(c) != 0) throw std::runtime_error("the file was not carried");
  });
}

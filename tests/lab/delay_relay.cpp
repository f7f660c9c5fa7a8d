// A link with delay and loss: carries packets between two TUN devices, in order, each one the given
// time after it was read. For kernels without netem.
//
// delay_relay <fd> <fd> <delay-us> <loss-percent> <seed>
//
// The two descriptors are open, non-blocking TUN devices (IFF_NO_PI). Ends on SIGTERM, and then
// says how many packets it carried and lost.

#include <poll.h>       // for ppoll
#include <sys/prctl.h>  // for PR_SET_TIMERSLACK
#include <unistd.h>     // for read, write

#include <algorithm>  // for min
#include <array>      // for array
#include <cerrno>     // for errno
#include <chrono>     // for steady_clock
#include <csignal>    // for sigaction
#include <cstddef>    // for byte
#include <cstdio>     // for fprintf
#include <cstdlib>    // for strtol, strtod
#include <optional>   // for optional
#include <random>     // for mt19937
#include <vector>     // for vector

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t max_packet_bytes = 2048;  // above the MTU of the devices, 1500
constexpr std::size_t queue_packets = 8192;     // 10 ms at 800,000 packets/s
constexpr int reads_per_turn = 64;              // so that one direction does not starve the other

struct packet {
  steady::time_point due;
  std::size_t size = 0;
  std::array<std::byte, max_packet_bytes> bytes;
};

/// One direction of the link: a bounded first-in first-out queue.
class direction {
 public:
  direction(int from, int to, steady::duration delay, double loss, unsigned seed)
      : from_(from), to_(to), delay_(delay), loss_(loss), random_(seed), queue_(queue_packets) {}

  void read_arrived() {
    for (int turn = 0; turn != reads_per_turn; ++turn) {
      packet& slot = queue_[(first_ + count_) % queue_packets];
      const ssize_t size = ::read(from_, slot.bytes.data(), slot.bytes.size());
      if (size <= 0) return;
      if (loss_(random_)) {
        ++lost_;
      } else if (count_ == queue_packets - 1) {  // one slot stays free to read into
        ++overflowed_;
      } else {
        slot.size = static_cast<std::size_t>(size);
        slot.due = steady::now() + delay_;
        ++count_;
      }
    }
  }

  void write_due() {
    while (count_ != 0 && queue_[first_].due <= steady::now()) {
      const packet& head = queue_[first_];
      if (::write(to_, head.bytes.data(), head.size) == static_cast<ssize_t>(head.size)) ++carried_;
      else ++refused_;
      first_ = (first_ + 1) % queue_packets;
      --count_;
    }
  }

  [[nodiscard]] std::optional<steady::time_point> next_due() const {
    return count_ == 0 ? std::nullopt : std::optional(queue_[first_].due);
  }

  void report(const char* name) const {
    std::fprintf(stderr, "%s: carried %zu, lost %zu, overflowed %zu, refused by the device %zu\n",
                 name, carried_, lost_, overflowed_, refused_);
  }

 private:
  int from_, to_;
  steady::duration delay_;
  std::bernoulli_distribution loss_;
  std::mt19937 random_;
  std::vector<packet> queue_;
  std::size_t first_ = 0, count_ = 0;
  std::size_t carried_ = 0, lost_ = 0, overflowed_ = 0, refused_ = 0;
};

volatile std::sig_atomic_t stopping = 0;

void wait(int a, int b, const direction& ab, const direction& ba, const sigset_t& during) {
  std::array<pollfd, 2> polled{pollfd{a, POLLIN, 0}, pollfd{b, POLLIN, 0}};
  const auto due = std::min(ab.next_due().value_or(steady::time_point::max()),
                            ba.next_due().value_or(steady::time_point::max()));
  timespec remaining{};
  if (const auto now = steady::now(); due > now && due != steady::time_point::max()) {
    const auto nanoseconds =
        std::chrono::duration_cast<std::chrono::nanoseconds>(due - now).count();
    remaining = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  }
  const bool idle = due == steady::time_point::max();
  ::ppoll(polled.data(), polled.size(), idle ? nullptr : &remaining, &during);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: delay_relay <fd> <fd> <delay-us> <loss-percent> <seed>\n");
    return 2;
  }
  const auto number = [&](int index) { return std::strtol(argv[index], nullptr, 10); };
  const int a = static_cast<int>(number(1));
  const int b = static_cast<int>(number(2));
  const auto delay = std::chrono::microseconds(number(3));
  const double loss = std::strtod(argv[4], nullptr) / 100.0;
  const auto seed = static_cast<unsigned>(number(5));

  // SIGTERM arrives only while waiting, so that it is never missed between test and wait.
  sigset_t blocked, during;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &during);
  std::signal(SIGTERM, [](int) { stopping = 1; });
  // The default slack of 50 us would be added to every wait.
  ::prctl(PR_SET_TIMERSLACK, 1UL);

  direction ab(a, b, delay, loss, seed);
  direction ba(b, a, delay, loss, seed + 1);
  while (stopping == 0) {
    ab.read_arrived();
    ba.read_arrived();
    ab.write_due();
    ba.write_due();
    wait(a, b, ab, ba, during);
  }
  ab.report("inward");
  ba.report("outward");
}

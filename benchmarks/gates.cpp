// Every gate of the project. All figures come from one run and one thread.
#include "harness/gate.hpp"  // for gate, ratio, value, at_most, at_least

namespace bench {

namespace {

/// The yardsticks themselves: a gate is worth nothing when its denominator is lame, so these hold
/// the baselines to the ratios that the kernel and the libraries are known to have.
void add_yardsticks(std::vector<gate>& all) {
  for (const std::string size : {"64", "1200"}) {
    const std::string bytes = ", " + size + " B";
    const std::string receive = "receive/plain/" + size + '/';
    const std::string c_receive = receive + "c_recvfrom";
    all.push_back({"C recvmmsg / C recvfrom, receive" + bytes,
                   ratio(receive + "c_recvmmsg", c_receive), at_most(1.15)});
    all.push_back({"C UDP_GRO on trains / C recvfrom, receive" + bytes,
                   ratio("receive/trains/" + size + "/c_gro", c_receive), at_most(0.25)});
    all.push_back({"Asio awaitable / C recvfrom, receive" + bytes,
                   ratio(receive + "asio_awaitable", c_receive), at_least(1.4)});

    for (const std::string peers : {"1 peer", "8 peers"})
      for (const bool gro : {true, false}) {
        const bool one = peers == "1 peer";
        const std::string take = gro ? "with" : "without";
        const std::string who = (one ? "1_peer_" : "8_peers_") + take + "_gro/" + size;
        const std::string words = ", echo, " + peers + ' ' + take + " GRO" + bytes;
        const std::string plain = "echo/plain/" + who + '/';
        const std::string c_echo = plain + "c_recvfrom_sendto";
        const double gathered = one ? (gro ? 0.40 : 0.60) : (gro ? 0.60 : 0.80);
        all.push_back({"C recvmmsg + gathered GSO / C recvfrom + sendto" + words,
                       ratio(plain + "c_gathered_gso", c_echo), at_most(gathered)});
        all.push_back({"C GRO + GSO on trains / C recvfrom + sendto" + words,
                       ratio("echo/trains/" + who + "/c_gro_gso", c_echo),
                       at_most(gro ? 0.15 : 0.40)});
        all.push_back({"Asio awaitable / C recvfrom + sendto" + words,
                       ratio(plain + "asio_awaitable", c_echo), at_least(1.2)});
      }
  }
  all.push_back({"allocations that are counted, asio::post to each of 1,000",
                 value("hand_over/asio_post/1000", allocations_per_item), at_least(0.9)});
}

/// What a call costs that moves no datagram.
void add_calls(std::vector<gate>& all) {
  const std::string now = "send/lockgate_now";
  all.push_back({"send_to through every check to a row that answers now, ns",
                 value(now, time_ns), at_most(40)});
  all.push_back({"... any_provider instead of the static type, ns more",
                 difference_ns("send/lockgate_any_provider", now), at_most(3)});
  all.push_back({"... a later row that completes at once, ns more",
                 difference_ns("send/lockgate_later", now), at_most(12)});
  all.push_back({"... through the C surface instead, ns more",
                 difference_ns("send/c_surface_now", now), at_most(40)});
  const std::string post = "hand_over/asio_post/1000";
  all.push_back({"hand-over to each of 1,000 waiters / asio::post",
                 ratio("hand_over/lockgate_bare/1000", post), at_most(0.20)});
  all.push_back({"... with stop support and the caller's end / asio::post",
                 ratio("hand_over/lockgate_stop_and_end/1000", post), at_most(0.40)});
  all.push_back({"register to deregister / asio::co_spawn of 4 steps",
                 ratio("life_cycle/lockgate_session", "life_cycle/asio_co_spawn/steps:4"),
                 at_most(0.30)});
  all.push_back({"a full life: 8 rows, a send, 2 timers / asio::co_spawn of as many",
                 ratio("life_cycle/lockgate_full", "life_cycle/asio_co_spawn_full"),
                 at_most(1.0)});
  for (const std::string row :
       {"send/lockgate_now", "send/lockgate_any_provider", "send/lockgate_later", "send/c_surface_now",
        "hand_over/lockgate_bare/1000", "hand_over/lockgate_stop_and_end/1000",
        "life_cycle/lockgate_session", "life_cycle/lockgate_full"})
    all.push_back({"allocations, " + row, value(row, allocations_per_item), at_most(0)});
}

}  // namespace

std::vector<gate> gates() {
  std::vector<gate> all;
  add_yardsticks(all);
  add_calls(all);
  return all;
}

}  // namespace bench

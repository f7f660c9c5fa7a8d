// Every gate of the project. All figures come from one run and one thread.
#include "harness/gate.hpp"  // for gate, figures, limits

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

/// The data path, through the whole stack with one configuration for all rows.
void add_data_path(std::vector<gate>& all) {
  for (const std::string size : {"64", "1200"}) {
    const std::string bytes = ", " + size + " B";
    const std::string receive = "receive/plain/" + size + '/';
    all.push_back({"receive + indicate / C recvmmsg" + bytes,
                   ratio(receive + "lockgate", receive + "c_recvmmsg"), at_most(1.10)});
    for (const bool one : {true, false})
      for (const bool gro : {true, false}) {
        const std::string who = std::string(one ? "1_peer_" : "8_peers_") +
                                (gro ? "with" : "without") + "_gro/" + size + '/';
        const std::string words = std::string(", ") + (one ? "1 peer " : "8 peers ") +
                                  (gro ? "with" : "without") + " GRO" + bytes;
        const std::string plain = "echo/plain/" + who;
        const std::string trains = "echo/trains/" + who;
        const double echo = one ? (gro ? 0.40 : 0.60) : (gro ? 0.60 : 0.80);
        all.push_back({"echo / C recvfrom + sendto" + words,
                       ratio(plain + "lockgate", plain + "c_recvfrom_sendto"), at_most(echo)});
        if (one)
          all.push_back({"Asio awaitable echo / echo" + words,
                         ratio(plain + "asio_awaitable", plain + "lockgate"),
                         at_least(gro ? 4 : 2.5)});
        const limit in_trains = gro ? at_most(size == "64" ? 1.6 : 1.25) : reported();
        all.push_back({"echo of trains / C GRO + GSO" + words,
                       ratio(trains + "lockgate", trains + "c_gro_gso"), in_trains});
      }
    const std::string trip = "round_trip/" + size + '/';
    all.push_back({"round trip / Asio awaitable" + bytes,
                   ratio(trip + "lockgate", trip + "asio_awaitable"), at_most(1.15)});
    all.push_back({"... looking again before waiting / Asio awaitable" + bytes,
                   ratio(trip + "lockgate_look_again", trip + "asio_awaitable"), at_most(1.0)});
    for (const std::string& row :
         {receive + "lockgate", "receive/trains/" + size + "/lockgate",
          "echo/plain/1_peer_with_gro/" + size + "/lockgate",
          "echo/plain/8_peers_with_gro/" + size + "/lockgate",
          "echo/trains/1_peer_with_gro/" + size + "/lockgate",
          "echo/trains/8_peers_with_gro/" + size + "/lockgate", trip + "lockgate"}) {
      all.push_back({"allocations, " + row, worst(row, allocations_per_item), at_most(0)});
      all.push_back({"copies, " + row, worst(row, copies_per_item), at_most(0)});
    }
  }
}

/// One platform on each core, on one port: told, not gated, since two cores disturb each other.
void add_per_core(std::vector<gate>& all) {
  for (const std::string size : {"64", "1200"}) {
    const std::string bytes = ", " + size + " B";
    const std::string one = "per_core/" + size + "/one/", every = "per_core/" + size + "/all/";
    for (const std::string who : {"lockgate", "c_recvfrom_sendto"})
      all.push_back({"a core each / one core, echo, " + who + bytes, ratio(every + who, one + who),
                     reported()});
    all.push_back({"a core each, echo / C recvfrom + sendto on as many" + bytes,
                   ratio(every + "lockgate", every + "c_recvfrom_sendto"), reported()});
    all.push_back({"allocations, " + every + "lockgate",
                   worst(every + "lockgate", allocations_per_item), at_most(0)});
  }
}

/// What one of many costs, and the memory it takes.
void add_scale(std::vector<gate>& all) {
  for (const std::string what : {"pended_calls", "paths"}) {
    const std::string row = "scale/" + what + '/';
    all.push_back({"steps, " + what + ", 100,000 / 10",
                   counter_ratio(row + "100000", row + "10", steps_per_item), at_most(2)});
    all.push_back(
        {"time, " + what + ", 100,000 / 10", ratio(row + "100000", row + "10"), reported()});
    all.push_back({"ns for each of 100,000, " + what, value(row + "100000", time_ns), reported()});
  }
  all.push_back({"bytes of an idle instance, of 100,000",
                 value("scale/instance_memory/100000", bytes_per_item), reported()});
  all.push_back({"bytes of a path, of 100,000", value("scale/path_memory/100000", bytes_per_item),
                 reported()});
}

/// What a call costs that moves no datagram.
void add_calls(std::vector<gate>& all) {
  const std::string now = "send/lockgate_now", coroutine = "send/cpp_coroutine";
  all.push_back({"send_to through every check to a row that answers now / a plain coroutine",
                 ratio(now, coroutine), at_most(1.0)});
  all.push_back({"... any_provider instead of the static type / the static type",
                 ratio("send/lockgate_any_provider", now), at_most(1.2)});
  all.push_back({"... what a later row adds that completes at once / a plain coroutine",
                 added("send/lockgate_later", now, coroutine), at_most(1.0)});
  all.push_back({"... what the C surface adds / a plain coroutine",
                 added("send/c_surface_now", now, coroutine), at_most(2.0)});
  const std::string post = "hand_over/asio_post/1000";
  all.push_back({"hand-over to each of 1,000 waiters / asio::post",
                 ratio("hand_over/lockgate_bare/1000", post), at_most(0.20)});
  all.push_back({"... with stop support and the caller's end / asio::post",
                 ratio("hand_over/lockgate_stop_and_end/1000", post), at_most(0.40)});
  all.push_back({"register to deregister / asio::co_spawn of 4 steps",
                 ratio("life_cycle/lockgate_session", "life_cycle/asio_co_spawn/steps:4"),
                 at_most(0.30)});
  all.push_back({"a full life: 8 rows, a send, 2 timers / asio::co_spawn of as many",
                 ratio("life_cycle/lockgate_full", "life_cycle/asio_co_spawn_full"), at_most(1.0)});
  for (const std::string row :
       {"send/lockgate_now", "send/lockgate_any_provider", "send/lockgate_later",
        "send/c_surface_now", "hand_over/lockgate_bare/1000",
        "hand_over/lockgate_stop_and_end/1000", "life_cycle/lockgate_session",
        "life_cycle/lockgate_full"})
    all.push_back({"allocations, " + row, worst(row, allocations_per_item), at_most(0)});
}

}  // namespace

std::vector<gate> gates() {
  std::vector<gate> all;
  add_yardsticks(all);
  add_data_path(all);
  add_per_core(all);
  add_calls(all);
  add_scale(all);
  return all;
}

}  // namespace bench

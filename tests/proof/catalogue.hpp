// The list of scenarios: which entries of the fault catalogue each stands for, and how far it is
// searched.
#pragma once

#include "proof/scenarios.hpp"  // for lifecycle

#include <cstddef>      // for size_t
#include <string_view>  // for string_view
#include <vector>       // for vector

namespace proof {

struct entry {
  std::string_view name;
  std::string_view faults;  ///< the catalogue entries it is for
  lifecycle scenario;
};

inline std::vector<entry> catalogue() {
  std::vector<entry> all;
  const auto add = [&all](std::string_view name, std::string_view faults) -> lifecycle& {
    all.push_back({name, faults, lifecycle()});
    return all.back().scenario;
  };
  {
    lifecycle& s = add("registration", "F1 F2 F12 F14 F18 F20");
    s.policy = true;
    s.again = true;
    s.deregisterers = 2;
    s.rows.establish = {act::now, act::later, act::throws};
    s.stopper = true;
    s.outside_calls = 1;
  }
  {
    lifecycle& s = add("held calls", "F3 F4 F5");
    s.rows.establish = {act::now, act::later, act::later_twice, act::throws, act::later_throw};
    s.rows.establish_calls = 3;
    s.outside_calls = 1;
  }
  {
    lifecycle& s = add("held calls, in order", "F4 F5");
    s.rows.establish = {act::now, act::later, act::later_twice, act::later_throw};
    s.rows.establish_calls = 3;
    s.in_order = true;
  }
  {
    lifecycle& s = add("held calls and the end", "F4 F5 F13 F22");
    s.rows.establish = {act::now, act::later, act::later_throw, act::wait_stop, act::deregister};
    s.rows.establish_calls = 2;
    s.deregisterers = 2;
  }
  {
    lifecycle& s = add("establish that hangs", "F6 F13 F15");
    s.rows.establish = {act::wait_stop, act::overrun, act::stuck, act::deregister};
    s.rows.terminate = {act::now, act::later};
    s.rows.establish_calls = 1;
    s.deregisterers = 1;
    s.stopper = true;
    s.users = 1;
  }
  {
    lifecycle& s = add("deregister twice, and stop", "F13 F15 F22");
    s.rows.establish = {act::now, act::later, act::deregister};
    s.rows.terminate = {act::now, act::later, act::throws};
    s.deregisterers = 2;
    s.stopper = true;
    s.users = 1;
  }
  {
    lifecycle& s = add("activation", "F9 F39 F41");
    s.rows.active = {act::now,    act::later,       act::fail,
                     act::throws, act::later_throw, act::deregister};
    s.users = 2;
    s.second_use = true;
    s.rows.send = {act::now, act::later};
  }
  {
    lifecycle& s = add("activation and the end", "F9 F13 F24");
    s.rows.active = {act::now, act::later, act::wait_stop};
    s.rows.reach = {act::now, act::later};
    s.users = 1;
    s.deregisterers = 1;
    s.stopper = true;
  }
  {
    lifecycle& s = add("rows that overrun", "F6 F7 F26");
    s.rows.active = {act::now, act::overrun, act::stuck};
    s.rows.add = {act::now, act::overrun, act::stuck};
    s.rows.reach = {act::now, act::overrun, act::stuck};
    s.rows.send = {act::now, act::overrun, act::stuck};
    s.rows.dormant = {act::now, act::overrun, act::stuck};
    s.rows.terminate = {act::now, act::overrun, act::stuck};
    s.users = 1;
    s.deregisterers = 1;
  }
  {
    lifecycle& s = add("rows that fail", "F8 F10 F29");
    s.rows.active = {act::now, act::later_fail, act::later_throw};
    s.rows.add = {act::now, act::fail, act::throws, act::later_throw};
    s.rows.reach = {act::now, act::fail, act::throws, act::later_throw};
    s.rows.send = {act::now, act::fail, act::throws, act::later_throw};
    s.rows.dormant = {act::now, act::fail, act::throws, act::later_throw};
    s.rows.terminate = {act::now, act::throws, act::later_throw};
    s.users = 1;
    s.options.add_attempts = 2;
    s.deregisterers = 1;
  }
  {
    lifecycle& s = add("deregister in every row", "F15 F16 F19");
    s.rows.establish = {act::now, act::deregister};
    s.rows.active = {act::now, act::deregister};
    s.rows.add = {act::now, act::deregister};
    s.rows.reach = {act::now, act::deregister};
    s.rows.send = {act::now, act::deregister};
    s.rows.dormant = {act::now, act::deregister};
    s.rows.remove = {act::now, act::deregister};
    s.users = 2;
    s.closer = true;
    s.rows.terminate = {act::now, act::later};
  }
  {
    lifecycle& s = add("sends and dormancy", "F11 F39");
    s.rows.send = {act::now, act::later};
    s.rows.dormant = {act::now, act::later, act::fail};
    s.rows.remove = {act::now, act::later};
    s.users = 2;
    s.second_use = true;
  }
  {
    lifecycle& s = add("gathered sends and the end", "F11 F22 F43");
    s.rows.send = {act::now, act::later, act::fail};
    s.users = 2;
    s.forwards = true;
    s.second_use = true;
    s.deregisterers = 1;
  }
  for (const bool forwards : {false, true}) {
    lifecycle& s = add(forwards ? "order of gathered sends" : "order of sends", "F11 F43");
    s.rows.send = {act::now, act::accept_one, act::later_accept_one};
    s.users = 4;
    s.forwards = forwards;
  }
  {
    lifecycle& s = add("sends and every end", "F13 F22");
    s.rows.establish = {act::now, act::later};
    s.rows.active = {act::now, act::later};
    s.rows.send = {act::now, act::later};
    s.users = 2;
    s.deregisterers = 1;
    s.stopper = true;
    s.closer = true;
  }
  {
    lifecycle& s = add("ids", "F20 F40");
    s.rows.add = {act::now, act::later, act::fail};
    s.rows.remove = {act::now, act::later, act::fail};
    s.options.add_attempts = 2;
    s.users = 1;
    s.closer = true;
    s.deregisterers = 1;
  }
  {
    lifecycle& s = add("echo", "F10 F39 F44");
    s.rows.send = {act::now, act::later};
    s.rows.indicate_on_send = true;
    s.users = 1;
    s.receiver = true;
    s.closer = true;
  }
  {
    lifecycle& s = add("callers that give up", "F23 F24 F25 F35");
    s.rows.establish = {act::later};
    s.rows.active = {act::now, act::later};
    s.rows.reach = {act::later};
    s.rows.send = {act::later};
    s.users = 1;
    s.outside_calls = 1;
    s.cancel = true;
  }
  {
    lifecycle& s = add("handle dropped", "F16 F17 F49");
    s.rows.establish = {act::now, act::later};
    s.rows.active = {act::now, act::later};
    s.users = 2;
    s.drop_handle = true;
    s.rows.send = {act::now, act::later};
  }
  {
    lifecycle& s = add("spawned tasks", "F13 F23 F29");
    s.rows.establish = {act::now, act::later};
    s.rows.establish_spawns = 1;
    s.rows.task_throws = true;
    s.deregisterers = 1;
    s.users = 1;
  }
  {
    lifecycle& s = add("stop in every state", "F22 F51");
    s.rows.establish = {act::now, act::later};
    s.rows.active = {act::now, act::later};
    s.rows.send = {act::now, act::later};
    s.rows.dormant = {act::now, act::later};
    s.users = 1;
    s.stopper = true;
  }
  return all;
}

}  // namespace proof

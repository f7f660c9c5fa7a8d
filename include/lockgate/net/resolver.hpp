// The network seam: from names to addresses.
#pragma once

#include "lockgate/base/address.hpp"  // for ip_address
#include "lockgate/base/result.hpp"   // for result
#include "lockgate/coro/task.hpp"     // for task

#include <concepts>  // for same_as
#include <string>    // for string
#include <vector>    // for vector

namespace lockgate::inline v0 {

/// A network that looks names up without blocking anybody else.
///
/// `resolve(name)` completes with the addresses of a name, the preferred ones first, never with an
/// empty list; an address in text form is its own name. When stopped it ends at once, even if the
/// system is still asking.
template <class N>
concept resolving_network = requires(N& net, std::string name) {
  { net.resolve(name) } -> std::same_as<task<result<std::vector<ip_address>>>>;
};

}  // namespace lockgate::inline v0

// Every public type that may stand in a co_await expression is safe there on g++ 12.
#include "lockgate/base/cursor.hpp"
#include "lockgate/buffer/shared_lease.hpp"
#include "lockgate/net/datagram_socket.hpp"
#include "lockgate/provider.hpp"

#include <memory>  // for unique_ptr
#include <string>  // for string

using namespace lockgate;

namespace {

template <class... T>
constexpr bool all_safe = (await_safe<T> && ...);

struct by_hand {};
struct owns {
  std::string name;
};
static_assert(await_safe<by_hand> && !await_safe<owns>, "the trait notices what it is for");

// Values, options, handles, messages.
static_assert(all_safe<status, accepted, result<int>, result<std::string>, transport_id, ip_address,
                       socket_address, cursor, chain, lease, shared_lease, way_home,
                       slab_pool::filling, slab_statistics, copy_statistics, frame_statistics>);
static_assert(
    all_safe<outgoing, incoming, outgoing_datagram, received_datagram, peer_signal, instance,
             any_provider, dispatch_table, answer<void>, answer<status>, answer<accepted>>);
// What public functions return to be awaited, and the awaiters made from it.
template <class T, class... More>
constexpr bool operations_safe =
    (all_safe<T, More...> && ... && operation<More>) && operation<T> &&
    all_safe<decltype(std::declval<T&>().bind(std::declval<const task_context&>())),
             decltype(std::declval<More&>().bind(std::declval<const task_context&>()))...>;

struct foreign {
  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  std::string await_resume();
};
using timed = decltype(with_timeout(std::declval<task<std::string>>(), duration()));
using timed_void = decltype(with_deadline(std::declval<task<>>(), time_point()));
using stoppable = decltype(cancellable(foreign(), [](foreign&) {}));
using unstoppable = decltype(uninterruptible(foreign()));
static_assert(
    operations_safe<sleep_for, sleep_until, yield, this_context, wait_list::wait_operation, timed,
                    timed_void, stoppable, unstoppable, instance::call_operation,
                    instance::id_operation, instance::signal_operation>);
static_assert(all_safe<task<>, task<std::string>, task<std::unique_ptr<int>>>);

}  // namespace

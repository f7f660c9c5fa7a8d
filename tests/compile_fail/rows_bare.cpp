// expect-error: lockgate provider: establish_session returns an awaitable that cannot be stopped; return lockgate::task, or wrap it: lockgate::cancellable\(x, cancel_function\) or lockgate::uninterruptible\(x\)
// expect-error: lockgate provider: terminate_session returns an awaitable that cannot be stopped; return lockgate::task, or wrap it
// expect-error: lockgate provider: transition_active returns an awaitable that cannot be stopped; return lockgate::task, or wrap it
// expect-error: lockgate provider: reach_transport_id returns an awaitable that cannot be stopped; return lockgate::task, or wrap it
// expect-error: lockgate provider: send_buffers returns an awaitable that cannot be stopped; return lockgate::task, or wrap it
// max-lines: 60
#include "lockgate/provider/check_provider.hpp"

template <class T>
struct awaiter {
  bool await_ready();
  void await_suspend(std::coroutine_handle<>);
  T await_resume();
};
template <class T>
struct by_member {
  awaiter<T> operator co_await();
};
template <class T>
struct by_function {};
template <class T>
awaiter<T> operator co_await(by_function<T>&&);

class relay {
 public:
  awaiter<void> establish_session(lockgate::instance);
  by_member<void> terminate_session(lockgate::termination_reason);
  by_function<lockgate::status> transition_active();
  awaiter<lockgate::status> reach_transport_id(lockgate::transport_id);
  by_member<lockgate::accepted> send_buffers(std::span<const lockgate::outgoing>);
};
template void lockgate::check_provider<relay>();

// Starting a lockgate task from Asio code, with any completion token.
#pragma once

#include "lockgate/asio/detail/run_list.hpp"  // for run_item, run_list
#include "lockgate/coro/inbox.hpp"            // for posted_item
#include "lockgate/coro/operation.hpp"        // for task_context
#include "lockgate/coro/ready_item.hpp"       // for ready_item
#include "lockgate/coro/stop.hpp"             // for stop_state
#include "lockgate/coro/task.hpp"             // for task, task_completion

#include <asio/associated_allocator.hpp>          // for get_associated_allocator
#include <asio/associated_cancellation_slot.hpp>  // for get_associated_cancellation_slot
#include <asio/associated_executor.hpp>           // for get_associated_executor
#include <asio/async_result.hpp>                  // for async_initiate
#include <asio/cancellation_type.hpp>             // for cancellation_type
#include <asio/executor_work_guard.hpp>           // for make_work_guard
#include <asio/post.hpp>                          // for post

#include <exception>    // for exception_ptr, make_exception_ptr
#include <new>          // for bad_alloc
#include <tuple>        // for tuple, apply
#include <type_traits>  // for is_void_v, is_default_constructible_v
#include <utility>      // for move, forward

namespace lockgate::inline v0 {

namespace detail {

template <class T>
struct run_signature {
  using type = void(std::exception_ptr, T);
};
template <>
struct run_signature<void> {
  using type = void(std::exception_ptr);
};

/// The value that goes with an exception.
template <class T>
T no_answer() {
  if constexpr (std::is_default_constructible_v<T>) return T();
  else return T(errc::canceled);
}

/// A handler and its arguments, to be called on the handler's own executor.
template <class Handler, class Arguments>
class run_outcome {
 public:
  using allocator_type = asio::associated_allocator_t<Handler>;
  run_outcome(Handler&& handler, Arguments&& arguments)
      : handler_(std::move(handler)), arguments_(std::move(arguments)) {}
  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return asio::get_associated_allocator(handler_);
  }
  void operator()() { std::apply(std::move(handler_), std::move(arguments_)); }

 private:
  Handler handler_;
  Arguments arguments_;
};

/// A task started from outside: crosses over to its network's thread, runs, and tells the handler.
template <class T, class Executor, class Handler>
class run final : run_item, posted_item, ready_item, task_completion {
  using guard = decltype(asio::make_work_guard(std::declval<const Handler&>(),
                                               std::declval<const Executor&>()));

 public:
  run(scheduler& home, run_list& all, const Executor& executor, task<T>&& work, Handler&& handler)
      : run_item([](run_item& self) noexcept { delete static_cast<run*>(&self); }),
        posted_item([](posted_item& self) noexcept { static_cast<run&>(self).start(); },
                    [](posted_item& self) noexcept { delete static_cast<run*>(&self); }),
        ready_item([](ready_item& self) noexcept { static_cast<run&>(self).finish(); }),
        task_completion([](task_completion& self) noexcept {
          auto& me = static_cast<run&>(self);
          me.context_.home->schedule(me);  // the task is not destroyed in its own last suspension
        }),
        all_(all), context_{&home, &stop_, nullptr}, network_work_(executor),
        handler_work_(asio::make_work_guard(handler, executor)), work_(std::move(work)),
        handler_(std::move(handler)) {
    if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected())
      slot.assign([this](asio::cancellation_type type) {
        if (type != asio::cancellation_type::none) stop_.request_stop();
      });
  }
  void launch() noexcept { context_.home->post(static_cast<posted_item&>(*this)); }

 private:
  void start() noexcept {
    all_.push_back(*this);
    if (work_.valid()) work_.start(context_, *this);
    else context_.home->schedule(*this);
  }
  void finish() noexcept {
    if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected())
      slot.clear();
    if constexpr (std::is_void_v<T>) {
      deliver(std::tuple<std::exception_ptr>(exception()));
    } else {
      const std::exception_ptr thrown = exception();
      if (!work_.valid() || thrown)
        deliver(std::tuple<std::exception_ptr, T>(thrown, no_answer<T>()));
      else deliver(std::tuple<std::exception_ptr, T>(thrown, work_.take()));
    }
  }
  [[nodiscard]] std::exception_ptr exception() const noexcept {
    if (!work_.valid()) return std::make_exception_ptr(std::bad_alloc());
    return work_.exception();
  }
  template <class Arguments>
  void deliver(Arguments arguments) {
    const auto executor = asio::get_associated_executor(handler_, network_work_.get_executor());
    const guard working = std::move(handler_work_);
    run_outcome<Handler, Arguments> outcome(std::move(handler_), std::move(arguments));
    delete this;
    asio::post(executor, std::move(outcome));
  }

  run_list& all_;
  stop_state stop_;
  task_context context_;
  asio::executor_work_guard<Executor> network_work_;
  guard handler_work_;
  task<T> work_;
  Handler handler_;
};

}  // namespace detail

/// Runs `work` on `network` and completes `token` with its result.
///
/// Callable on any thread. The handler's signature is `void(std::exception_ptr, T)`, or
/// `void(std::exception_ptr)` for a task of nothing.
/// Completes: through the handler's executor, never within this call.
/// Cancellation: the handler's cancellation slot stops the task; emit on the network's thread.
/// Lifetime: a network that is destroyed first destroys the task and the handler, uncalled.
template <class Network, class T, class Token>
auto async_run(Network& network, task<T> work, Token&& token) {
  using executor = decltype(network.context().get_executor());
  return asio::async_initiate<Token, typename detail::run_signature<T>::type>(
      [&network](auto&& handler, task<T> started) {
        using handler_type = std::decay_t<decltype(handler)>;
        auto* running = new detail::run<T, executor, handler_type>(
            network.home(), network.runs(), network.context().get_executor(), std::move(started),
            std::forward<decltype(handler)>(handler));
        running->launch();
      },
      token, std::move(work));
}

}  // namespace lockgate::inline v0

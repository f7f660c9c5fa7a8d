// The completion token that makes any Asio operation awaitable in a lockgate task.
#pragma once

#include "lockgate/asio/system_error.hpp"  // for from_asio
#include "lockgate/base/exception.hpp"     // for rethrow_if
#include "lockgate/base/result.hpp"        // for result
#include "lockgate/base/status.hpp"        // for status
#include "lockgate/coro/frame_memory.hpp"  // for frame_cache
#include "lockgate/coro/inbox.hpp"         // for posted_item
#include "lockgate/coro/operation.hpp"     // for task_context, resumption
#include "lockgate/coro/stop.hpp"          // for stop_callback

#include <asio/async_result.hpp>         // for async_result
#include <asio/cancellation_signal.hpp>  // for cancellation_signal
#include <asio/error.hpp>                // for operation_aborted

#include <array>         // for array
#include <atomic>        // for atomic
#include <coroutine>     // for coroutine_handle
#include <cstddef>       // for byte, size_t, max_align_t
#include <exception>     // for exception_ptr
#include <new>           // for operator new, bad_alloc
#include <optional>      // for optional
#include <system_error>  // for error_code, system_error
#include <thread>        // for this_thread::get_id
#include <tuple>         // for tuple, apply
#include <type_traits>   // for decay_t, is_same_v
#include <utility>       // for move, forward, exchange

namespace lockgate::inline v0 {

/// The type of `as_operation`.
struct as_operation_t {};

/// Makes an Asio operation something that a task can await:
/// `auto n = co_await socket.async_read_some(buffer, as_operation);`
///
/// Requires: the I/O object may be used on the task's thread.
/// Completes: with a `status` where Asio's handler takes an `error_code`, with a `result<T>` where
///            it takes an `error_code` and a `T`, otherwise with the value itself; on the task's
///            thread, through its ready queue, wherever Asio calls the handler.
/// Cancellation: a stop cancels the operation and awaits its end, which is `errc::canceled`, or
///               success when the operation had succeeded already.
/// Lifetime: the I/O object outlives the operation. A task that is destroyed meanwhile cancels it;
///           an `io_context` that is destroyed meanwhile leaves the task suspended for good.
/// Cost: one recycled block; no allocation in a steady state.
inline constexpr as_operation_t as_operation{};

namespace detail {

/// What a handler's arguments become. `stopped` tells that the task had asked for cancellation.
template <class... Args>
struct asio_answer {
  using type = std::tuple<Args...>;
  static type make(bool, Args... args) { return type(std::move(args)...); }
};
template <>
struct asio_answer<> {
  using type = void;
  static void make(bool) noexcept {}
};
template <class T>
struct asio_answer<T> {
  using type = T;
  static T make(bool, T value) { return value; }
};
inline status status_of(const std::error_code& error) noexcept {
  if (error == asio::error::operation_aborted) return errc::canceled;
  return from_asio(error);
}
template <>
struct asio_answer<std::error_code> {
  using type = status;
  static status make(bool, std::error_code error) noexcept { return status_of(error); }
};
template <class T, class... More>
struct asio_answer<std::error_code, T, More...> {
  using value = std::conditional_t<sizeof...(More) == 0, T, std::tuple<T, More...>>;
  using type = result<value>;
  static type make(bool, std::error_code error, T first, More... more) {
    if (error) return status_of(error);
    return value(std::move(first), std::move(more)...);
  }
};
template <>
struct asio_answer<std::exception_ptr> {
  using type = void;
  static void make(bool, const std::exception_ptr& thrown) { rethrow_if(thrown); }
};
template <class T>
struct asio_answer<std::exception_ptr, T> {
  using type = T;
  static T make(bool stopped, const std::exception_ptr& thrown, T value) {
    if constexpr (std::is_constructible_v<T, errc>)
      if (thrown && stopped) return T(errc::canceled);
    rethrow_if(thrown);
    return value;
  }
};

/// What a pending operation needs, shared by the awaiting task and Asio's handler, either of which
/// may go first. Claimed once: by the completion, or by the task's end.
class asio_block : posted_item {
 public:
  using complete_function = void (*)(void* awaiter) noexcept;
  using destroy_function = void (*)(asio_block& self) noexcept;

  asio_block(void* awaiter, complete_function on_complete, destroy_function on_last,
             scheduler& home) noexcept
      : posted_item([](posted_item& self) noexcept { static_cast<asio_block&>(self).arrive(); },
                    [](posted_item& self) noexcept { static_cast<asio_block&>(self).release(); }),
        awaiter_(awaiter), complete_(on_complete), destroy_(on_last), home_(home) {}
  static void* operator new(std::size_t size) noexcept { return frame_cache::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    frame_cache::release(memory, size);
  }

  /// The task's end: the operation is canceled, if it is still under way, and finds nobody.
  void abandon() noexcept {
    const bool under_way = users_.load(std::memory_order_acquire) > 1;
    if (std::exchange(awaiter_, nullptr) && under_way)
      cancellation.emit(asio::cancellation_type::terminal);
    release();
  }
  /// Tells the awaiter, on its own thread.
  void complete() noexcept {
    if (is_home()) return claim();
    acquire();
    home_.post(static_cast<posted_item&>(*this));
  }

  void acquire() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_(*this);
  }

  asio::cancellation_signal cancellation;

  [[nodiscard]] void* allocate(std::size_t size) {
    if (!memory_used_ && size <= memory_.size()) {
      memory_used_ = true;
      return memory_.data();
    }
    return ::operator new(size);
  }
  void deallocate(void* memory) noexcept {
    if (memory == memory_.data()) memory_used_ = false;
    else ::operator delete(memory);
  }

 private:
  [[nodiscard]] bool is_home() const noexcept { return std::this_thread::get_id() == thread_; }
  void claim() noexcept {
    if (void* awaiter = std::exchange(awaiter_, nullptr)) complete_(awaiter);
  }
  void arrive() noexcept {
    claim();
    release();
  }

  void* awaiter_;
  complete_function complete_;
  destroy_function destroy_;
  scheduler& home_;
  std::thread::id thread_ = std::this_thread::get_id();
  std::atomic<int> users_ = 1;
  bool memory_used_ = false;
  alignas(std::max_align_t) std::array<std::byte, 512> memory_;
};

/// The block of an operation whose handler takes `Stored`.
template <class Stored>
class asio_answer_block final : public asio_block {
 public:
  asio_answer_block(void* awaiter, complete_function on_complete, scheduler& home) noexcept
      : asio_block(
            awaiter, on_complete,
            [](asio_block& self) noexcept { delete static_cast<asio_answer_block*>(&self); },
            home) {}
  std::optional<Stored> answer;
};

/// A counted reference to a block.
class asio_block_user {
 public:
  explicit asio_block_user(asio_block& block) noexcept : block_(&block) { block.acquire(); }
  asio_block_user(const asio_block_user& other) noexcept : block_(other.block_) {
    if (block_) block_->acquire();
  }
  asio_block_user(asio_block_user&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)) {}
  asio_block_user& operator=(asio_block_user other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~asio_block_user() {
    if (block_) block_->release();
  }
  [[nodiscard]] asio_block& operator*() const noexcept { return *block_; }
  [[nodiscard]] asio_block* operator->() const noexcept { return block_; }

 private:
  asio_block* block_;
};

/// Asio's allocator over the block's memory; keeps the block alive.
template <class T>
class asio_block_allocator {
 public:
  using value_type = T;
  explicit asio_block_allocator(asio_block_user block) noexcept : block_(std::move(block)) {}
  template <class U>
  asio_block_allocator(const asio_block_allocator<U>& other) noexcept : block_(other.block_) {}
  [[nodiscard]] T* allocate(std::size_t count) const {
    return static_cast<T*>(block_->allocate(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) const noexcept { block_->deallocate(memory); }
  template <class U>
  friend bool operator==(const asio_block_allocator& a, const asio_block_allocator<U>& b) noexcept {
    return &*a.block_ == &*b.block_;
  }

 private:
  template <class U>
  friend class asio_block_allocator;
  asio_block_user block_;
};

template <class Initiation, class InitiationArgs, class... Args>
class asio_awaiter : stop_callback {
  using answer = asio_answer<std::decay_t<Args>...>;
  using block = asio_answer_block<std::tuple<std::decay_t<Args>...>>;

  class handler {
   public:
    using allocator_type = asio_block_allocator<void>;
    using cancellation_slot_type = asio::cancellation_slot;
    explicit handler(block& shared) noexcept : block_(shared) {}
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(block_); }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
      return block_->cancellation.slot();
    }
    template <class... Given>
    void operator()(Given&&... given) {
      static_cast<block&>(*block_).answer.emplace(std::forward<Given>(given)...);
      block_->complete();
    }

   private:
    asio_block_user block_;
  };

 public:
  asio_awaiter(Initiation&& initiation, InitiationArgs&& args, const task_context& context) noexcept
      : stop_callback(
            [](stop_callback& self) noexcept { static_cast<asio_awaiter&>(self).stop(); }),
        initiation_(std::move(initiation)), args_(std::move(args)), context_(context) {}
  asio_awaiter(const asio_awaiter&) = delete;
  ~asio_awaiter() {
    if (block_) block_->abandon();
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    block_ = new block(
        this,
        [](void* self) noexcept {
          auto& me = *static_cast<asio_awaiter*>(self);
          me.stop_callback::unlink();
          me.resumption_.resume();
        },
        *context_.home);
    if (!block_) out_of_memory("as_operation: no memory for a pending operation");
    resumption_.suspend(coroutine, *context_.home);
    asio_block_user starting(*block_);  // what follows may end this awaiter
    const bool stop_now = context_.stop->stop_requested();
    if (!stop_now) context_.stop->add(*this);
    std::apply(
        [&](auto&&... args) { std::move(initiation_)(handler(*block_), std::move(args)...); },
        std::move(args_));
    if (stop_now) starting->cancellation.emit(asio::cancellation_type::terminal);
  }
  typename answer::type await_resume() {
    return std::apply(
        [this](auto&&... args) {
          return answer::make(context_.stop->stop_requested(), std::move(args)...);
        },
        std::move(*block_->answer));
  }

 private:
  void stop() noexcept {
    const asio_block_user stopping(*block_);
    stopping->cancellation.emit(asio::cancellation_type::terminal);
  }

  Initiation initiation_;
  InitiationArgs args_;
  const task_context& context_;
  block* block_ = nullptr;
  resumption resumption_;
};

template <class Initiation, class InitiationArgs, class... Args>
class asio_operation {
 public:
  asio_operation(Initiation&& initiation, InitiationArgs&& args)
      : initiation_(std::move(initiation)), args_(std::move(args)) {}
  auto bind(const task_context& context) noexcept {
    return asio_awaiter<Initiation, InitiationArgs, Args...>(std::move(initiation_),
                                                             std::move(args_), context);
  }

 private:
  Initiation initiation_;
  InitiationArgs args_;
};

}  // namespace detail

}  // namespace lockgate::inline v0

template <class R, class... Args>
class asio::async_result<lockgate::as_operation_t, R(Args...)> {
 public:
  template <class Initiation, class... InitiationArgs>
  static auto initiate(Initiation&& initiation, lockgate::as_operation_t,
                       InitiationArgs&&... args) {
    using arguments = std::tuple<std::decay_t<InitiationArgs>...>;
    return lockgate::detail::asio_operation<std::decay_t<Initiation>, arguments, Args...>(
        std::decay_t<Initiation>(std::forward<Initiation>(initiation)),
        arguments(std::forward<InitiationArgs>(args)...));
  }
};

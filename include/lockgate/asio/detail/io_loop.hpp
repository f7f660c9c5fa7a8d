// The scheduler's turns inside an io_context: when to run, and when to wake up next.
#pragma once

#include "lockgate/asio/detail/handler_memory.hpp"  // for handler_memory, owned_handler
#include "lockgate/base/clock.hpp"                  // for time_point, duration, never
#include "lockgate/base/intrusive_list.hpp"         // for intrusive_list
#include "lockgate/coro/scheduler.hpp"              // for scheduler, host_loop

#include <asio/io_context.hpp>    // for io_context
#include <asio/post.hpp>          // for post
#include <asio/steady_timer.hpp>  // for steady_timer

#include <cstddef>       // for size_t
#include <memory>        // for enable_shared_from_this
#include <system_error>  // for error_code
#include <utility>       // for exchange

namespace lockgate::inline v0::detail {

/// Something to poll before the loop sleeps. `poll` says whether it found work; `wait` begins an
/// ordinary wait instead.
class polled_item : public list_link<polled_item> {
 public:
  using poll_function = bool (*)(polled_item&) noexcept;
  using wait_function = void (*)(polled_item&) noexcept;
  polled_item(poll_function poll, wait_function wait) noexcept : poll_(poll), wait_(wait) {}

 private:
  friend class io_loop;
  poll_function poll_;
  wait_function wait_;
};

/// Runs a scheduler inside an `io_context`.
///
/// Handlers share it, so that it outlives the network they belonged to; after `close()` they find
/// nothing to do.
class io_loop final : public host_loop, public std::enable_shared_from_this<io_loop> {
 public:
  /// Turns of the scheduler before other handlers of the `io_context` get their chance.
  static constexpr std::size_t turns_at_a_time = 4;

  io_loop(asio::io_context& context, scheduler& home) noexcept
      : context_(context), home_(&home), timer_(context) {
    home.set_host(this);
  }
  // NOLINTNEXTLINE(bugprone-exception-escape): a steady timer's cancel never fails
  void close() noexcept {
    if (!home_) return;
    home_->set_host(nullptr);
    home_ = nullptr;
    timer_.cancel();
  }

  void work_appeared() noexcept override {
    if (!in_turn_) post_turn();
  }
  void wake() noexcept override {
    asio::post(context_, [self = shared_from_this()] { self->turn(); });
  }

  /// Runs `f` from an Asio handler, and then what it made ready.
  template <class F>
  void enter(F f) noexcept {
    in_turn_ = true;
    f();
    turn();
  }

  /// Polls `item` for `how_long` after the last success before the loop sleeps.
  void busy_poll(polled_item& item, duration how_long) noexcept {
    busy_poll_ = how_long;
    has_succeeded_ = true;
    if (!item.is_linked()) polled_.push_back(item);
    if (!in_turn_) post_turn();
  }

  [[nodiscard]] asio::io_context& context() noexcept { return context_; }
  /// Null after `close()`.
  [[nodiscard]] scheduler* home() noexcept { return home_; }

 private:
  void on_deadline() noexcept {
    if (!home_) return;
    in_turn_ = true;
    home_->collect();
    turn();
  }
  void turn() noexcept {
    if (!home_) return;
    in_turn_ = true;
    bool idle = home_->run_turns(turns_at_a_time);
    if (idle && !polled_.empty()) idle = poll();
    in_turn_ = false;
    if (!idle) post_turn();
    arm_timer();
  }

  /// True when nothing came and everybody waits in the ordinary way; false when the `io_context`
  /// should have its chance before the next poll.
  bool poll() noexcept {
    for (std::size_t successes = 0; poll_once(); ++successes) {
      has_succeeded_ = true;
      if (!home_->run_turns(turns_at_a_time) || successes == successes_at_a_time) return false;
    }
    if (polled_.empty()) return true;
    const time_point at = home_->now();  // not read as long as something is found
    if (std::exchange(has_succeeded_, false)) last_success_ = at;
    if (at - last_success_ <= busy_poll_) return false;
    while (!polled_.empty()) {
      polled_item& item = polled_.pop_front();
      item.wait_(item);
    }
    return true;
  }
  /// Polls the items in turn until one has found something: that one goes, and next time those come
  /// first that were not polled.
  bool poll_once() noexcept {
    bool found = false;
    intrusive_list<polled_item> round;
    round.splice_back(polled_);
    while (!found && !round.empty()) {
      polled_item& item = round.pop_front();
      found = item.poll_(item);
      if (!found) polled_.push_back(item);
    }
    round.splice_back(polled_);
    polled_.splice_back(round);
    return found;
  }

  void post_turn() noexcept {
    if (std::exchange(turn_posted_, true)) return;
    asio::post(context_, owned_handler(shared_from_this(), turn_memory_, [](io_loop& self) {
                 self.turn_posted_ = false;
                 self.turn();
               }));
  }

  /// A timer that is set too early only wakes the loop once more, so it is moved forward only.
  // NOLINTNEXTLINE(bugprone-exception-escape): nor does its wait, whose memory is at hand
  void arm_timer() noexcept {
    const time_point next = home_->next_deadline();
    if (next == never) {
      if (std::exchange(armed_, never) != never) timer_.cancel();
      return;
    }
    if (next >= armed_) return;
    armed_ = next;
    timer_.expires_after(next - home_->now());
    timer_.async_wait(owned_handler(shared_from_this(), timer_memory_,
                                    [](io_loop& self, const std::error_code& error) {
                                      if (error) return;  // moved, or canceled
                                      self.armed_ = never;
                                      self.on_deadline();
                                    }));
  }

  /// Successful polls in a row before other handlers of the `io_context` get their chance.
  static constexpr std::size_t successes_at_a_time = 64;

  asio::io_context& context_;
  scheduler* home_;
  bool in_turn_ = false;
  bool turn_posted_ = false;
  time_point armed_ = never;
  duration busy_poll_{};
  time_point last_success_{};
  bool has_succeeded_ = false;  // since the clock was read
  intrusive_list<polled_item> polled_;
  handler_memory turn_memory_;
  handler_memory timer_memory_;
  asio::steady_timer timer_;
};

}  // namespace lockgate::inline v0::detail

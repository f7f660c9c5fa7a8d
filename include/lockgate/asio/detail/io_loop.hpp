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

/// Something worth another look before the loop sleeps. `look` says whether it found work;
/// `give_up` begins an ordinary wait instead.
class relook_item : public list_link<relook_item> {
 public:
  using look_function = bool (*)(relook_item&) noexcept;
  using give_up_function = void (*)(relook_item&) noexcept;
  relook_item(look_function look, give_up_function give_up) noexcept
      : look_(look), give_up_(give_up) {}

 private:
  friend class io_loop;
  look_function look_;
  give_up_function give_up_;
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

  /// Looks at `item` again for `how_long` after the last success before the loop sleeps.
  void look_again(relook_item& item, duration how_long) noexcept {
    relook_for_ = how_long;
    begins_to_look_ = true;
    if (!item.is_linked()) relooks_.push_back(item);
    if (!in_turn_) post_turn();
  }

  [[nodiscard]] asio::io_context& context() noexcept { return context_; }
  /// Null after `close()`.
  [[nodiscard]] scheduler* home() noexcept { return home_; }

 private:
  void deadline_came() noexcept {
    if (!home_) return;
    in_turn_ = true;
    home_->collect();
    turn();
  }
  void turn() noexcept {
    if (!home_) return;
    in_turn_ = true;
    bool idle = home_->run_turns(turns_at_a_time);
    if (idle && !relooks_.empty()) idle = relook();
    in_turn_ = false;
    if (!idle) post_turn();
    arm_timer();
  }

  /// True when nothing came and everybody waits in the ordinary way; false when the `io_context`
  /// should have its chance before looking on.
  bool relook() noexcept {
    for (std::size_t finds = 0; look_once(); ++finds) {
      begins_to_look_ = true;
      if (!home_->run_turns(turns_at_a_time) || finds == most_finds) return false;
    }
    if (relooks_.empty()) return true;
    const time_point at = home_->now();  // not read as long as something is found
    if (std::exchange(begins_to_look_, false)) last_success_ = at;
    if (at - last_success_ <= relook_for_) return false;
    while (!relooks_.empty()) {
      relook_item& item = relooks_.pop_front();
      item.give_up_(item);
    }
    return true;
  }
  /// Looks at the items in turn until one has found something: that one goes, and next time those
  /// come first that were not looked at.
  bool look_once() noexcept {
    bool found = false;
    intrusive_list<relook_item> round;
    round.splice_back(relooks_);
    while (!found && !round.empty()) {
      relook_item& item = round.pop_front();
      found = item.look_(item);
      if (!found) relooks_.push_back(item);
    }
    round.splice_back(relooks_);
    relooks_.splice_back(round);
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
                                      self.deadline_came();
                                    }));
  }

  /// Finds in a row after which other handlers of the `io_context` get their chance.
  static constexpr std::size_t most_finds = 64;

  asio::io_context& context_;
  scheduler* home_;
  bool in_turn_ = false;
  bool turn_posted_ = false;
  time_point armed_ = never;
  duration relook_for_{};
  time_point last_success_{};
  bool begins_to_look_ = false;
  intrusive_list<relook_item> relooks_;
  handler_memory turn_memory_;
  handler_memory timer_memory_;
  asio::steady_timer timer_;
};

}  // namespace lockgate::inline v0::detail

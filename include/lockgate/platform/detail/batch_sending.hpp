// How an application's batch is sent: with as few row calls as possible.
#pragma once

#include "lockgate/base/config.hpp"                          // for LOCKGATE_INLINE
#include "lockgate/coro/task.hpp"                            // for task
#include "lockgate/platform/detail/endpoint_delivery.hpp"    // for endpoint_state
#include "lockgate/platform/detail/endpoint_operations.hpp"  // for send_operation, check_size
#include "lockgate/platform/detail/path_sending.hpp"         // for send_row, answer_wait
#include "lockgate/platform/endpoint.hpp"                    // for endpoint, message_to

#include <algorithm>  // for all_of
#include <array>      // for array
#include <cstddef>    // for size_t
#include <memory>     // for unique_ptr
#include <new>        // for nothrow
#include <optional>   // for optional
#include <span>       // for span
#include <utility>    // for in_place

namespace lockgate::inline v0::detail {

/// Messages to open paths of one instance that go with one row call. It outlives its sender: the
/// row may answer when that is gone.
class batch_run final : ready_item {
  struct path_finder {
    path* const* paths;
    path& operator()(std::size_t i) const noexcept { return *paths[i]; }
  };

 public:
  struct sender_gone {
    void operator()(batch_run* run) const noexcept { run->abandon(); }
  };
  /// The sender's hold on it.
  using handle = std::unique_ptr<batch_run, sender_gone>;

  explicit batch_run(scheduler& home) noexcept
      : ready_item([](ready_item& self) noexcept {
          auto& me = static_cast<batch_run&>(self);
          static_cast<void>(me.settle());
          delete &me;
        }),
        home_(home) {}
  static void* operator new(std::size_t size, std::nothrow_t) noexcept {
    return frame_cache::allocate(size);
  }
  static void operator delete(void* p, std::size_t size) noexcept { frame_cache::release(p, size); }

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  /// Takes another message. False when it is full, or the path not open to the same instance.
  [[nodiscard]] bool add(path& to, const chain& payload) noexcept {
    if (count_ == paths_.size() || !to.lane_is_open()) return false;
    if (count_ > 0 && to.route() != paths_[0]->route()) return false;
    to.write_message(messages_[count_], payload);
    paths_[count_++] = &to;
    return true;
  }
  /// What is in the outbox for a later path may be sent meanwhile, and cost an earlier one its
  /// route.
  [[nodiscard]] bool is_open() const noexcept {
    return std::all_of(paths_.begin(), paths_.begin() + count_,
                       [](path* p) { return p->lane_is_open(); });
  }
  void clear() noexcept { count_ = 0; }

  /// Offers the messages. Nothing if `answer()` is to be awaited. Requires: `is_open()`.
  [[nodiscard]] std::optional<accepted> start() noexcept {
    const std::optional<accepted> settled =
        row_.start(*paths_[0]->route(), messages(), *sender_, path_finder{paths_.data()});
    is_outstanding_ = !settled;
    if (is_outstanding_) mark_paths(true);
    return settled;
  }
  /// Waits for the answer. Cancellation: none; the provider may be reading the messages.
  [[nodiscard]] answer_wait::operation answer() noexcept { return sender_->answer(); }
  /// What became of messages whose answer came later.
  accepted settle() noexcept {
    is_outstanding_ = false;
    mark_paths(false);
    return row_.settle(path_finder{paths_.data()},
                       [this](std::size_t) { return sender_.has_value(); });
  }

 private:
  [[nodiscard]] std::span<const outgoing> messages() const noexcept {
    return {messages_.data(), count_};
  }
  void mark_paths(bool wait_for_row) noexcept {
    for (std::size_t i = 0; i < count_; ++i) paths_[i]->row_outstanding(wait_for_row);
  }
  void abandon() noexcept {
    if (!is_outstanding_) {
      delete this;
      return;
    }
    sender_.reset();  // it may be about to go on
    row_.hand_over(messages(), *this);
    if (row_.is_answered()) home_.schedule(*this);
  }

  scheduler& home_;
  std::array<outgoing, path::batch_size> messages_;
  std::array<path*, path::batch_size> paths_{};
  std::size_t count_ = 0;
  bool is_outstanding_ = false;
  send_row row_;
  std::optional<answer_wait> sender_{std::in_place};
};

/// Sends a batch: messages in a row whose paths are open go with one row call, the rest one by one.
LOCKGATE_INLINE task<accepted> send_batch(endpoint_state* from,
                                          std::span<const message_to> messages) {
  if (!from) co_return accepted(errc::closed);
  const batch_run::handle run(new (std::nothrow) batch_run(from->platform().home));
  if (!run) co_return accepted(errc::no_memory);
  std::size_t done = 0;
  while (done < messages.size()) {
    if (from->is_closed()) co_return accepted(done, errc::closed);
    run->clear();
    for (const message_to& m : messages.subspan(done)) {
      const status bad = check_size(*from, m.payload.size());
      path* const to = bad.ok() ? from->find_path(m.to) : nullptr;
      if (to && run->add(*to, m.payload)) continue;
      if (run->size() == 0 && !bad.ok()) co_return accepted(done, bad);
      if (run->size() == 0 && !to) co_return accepted(done, errc::no_memory);
      break;
    }
    if (run->size() > 1) {
      if (!run->is_open()) continue;
      std::optional<accepted> sent = run->start();
      if (!sent) {
        co_await run->answer();
        sent = run->settle();
      }
      done += sent->count;
      if (!sent->why.ok()) co_return accepted(done, sent->why);
      continue;
    }
    const message_to& m = messages[done];
    const status one = co_await endpoint::send_operation(from, m.to, m.payload);
    if (!one.ok()) co_return accepted(done, one);
    ++done;
  }
  co_return accepted(done);
}

}  // namespace lockgate::inline v0::detail

namespace lockgate::inline v0 {

LOCKGATE_INLINE task<accepted> endpoint::send_to(std::span<const message_to> messages) {
  return detail::send_batch(state_, messages);
}

}  // namespace lockgate::inline v0

// How an instance's outbox takes messages, and hands them over when the turn ends.
#pragma once

#include "lockgate/base/config.hpp"                   // for LOCKGATE_INLINE
#include "lockgate/platform/detail/outbox.hpp"        // for outbox
#include "lockgate/platform/detail/path.hpp"          // for path
#include "lockgate/platform/detail/path_sending.hpp"  // for send_row's definitions
#include "lockgate/platform/detail/session.hpp"       // for session

#include <algorithm>  // for min
#include <cstddef>    // for size_t
#include <optional>   // for optional
#include <span>       // for span
#include <utility>    // for exchange, move, swap

namespace lockgate::inline v0::detail {

LOCKGATE_INLINE status outbox::make_room() noexcept {
  if (gathering_.count == batch_size) flush();
  if (gathering_.count == 0) {
    if (!gathering_.reserve()) return errc::no_memory;
    owner_.platform().home.at_turn_end(*this);
  } else if (gathering_.count == batch_size) {
    return errc::queue_full;
  }
  return {};
}

LOCKGATE_INLINE void outbox::add(path& to, lease&& memory) noexcept {
  if (gathering_.extend(to, memory)) return memory.reset();
  to.write_message(gathering_.messages[gathering_.count], chain(memory.bytes()));
  gathering_.keep(to, std::move(memory));
  gathering_.is_extensible = owner_.provider().sends_trains();
  to.entered_outbox();
}

LOCKGATE_INLINE std::size_t outbox::add(path& to, std::span<incoming> messages) noexcept {
  const std::size_t taken = std::min(messages.size(), batch_size - gathering_.count);
  for (incoming& message : messages.first(taken)) add(to, std::move(message).take_lease());
  return taken;
}

LOCKGATE_INLINE void outbox::flush() noexcept {
  if (gathering_.count == 0 || in_flight_.count > 0) return;
  std::swap(gathering_, in_flight_);
  done_ = run_ = 0;
  send();
}

/// Closes the paths of what is not answered for, or opens them again.
LOCKGATE_INLINE void outbox::row_outstanding(bool begins) noexcept {
  for (std::size_t i = run_; i < in_flight_.run_count; ++i)
    if (path* const to = in_flight_.runs[i].to) to->row_outstanding(begins);
}

LOCKGATE_INLINE void outbox::send() noexcept {
  for (;;) {
    give_back(gathering_, 0, 0);  // the later ones first: each goes to the front of its path
    give_back(in_flight_, run_, done_);
    const std::size_t count = next_offer();
    if (count == 0) break;
    const std::optional<accepted> answer =
        row_.start(owner_, {&in_flight_.messages[done_], count}, *this, path_from_here());
    if (!answer) return row_outstanding(true);
    note(*answer);
  }
  in_flight_.clear();
  if (gathering_.count == 0) std::swap(gathering_, in_flight_);  // the memory that is in the cache
}

/// What is for a path that has lost its route goes back to the path, which looks for another one
/// (U23). `first_run` and `first` are where the batch begins.
LOCKGATE_INLINE void outbox::give_back(batch& of, std::size_t first_run,
                                       std::size_t first) noexcept {
  for (std::size_t i = of.run_count; i-- > first_run;) {
    path* const to = of.runs[i].to;
    if (!to || (to->route() == &owner_ && owner_.state() == session_state::active)) continue;
    of.runs[i].to = nullptr;
    const std::size_t begin = i == first_run ? first : of.runs[i - 1].end;
    for (std::size_t m = of.runs[i].end; m-- > begin;)
      to->take_back(of.messages[m], of.runs[i].memory);
    to->left_outbox(static_cast<unsigned>(of.runs[i].end - begin));
  }
}

/// Skips what was given back. The number of messages that may be offered together.
LOCKGATE_INLINE std::size_t outbox::next_offer() noexcept {
  while (run_ < in_flight_.run_count && !in_flight_.runs[run_].to)
    done_ = in_flight_.runs[run_++].end;
  std::size_t end = run_;
  while (end < in_flight_.run_count && in_flight_.runs[end].to) ++end;
  return end == run_ ? 0 : in_flight_.runs[end - 1].end - done_;
}

LOCKGATE_INLINE void outbox::later_answer_came() noexcept {
  const session::pin alive(owner_);
  row_outstanding(false);
  note(row_.settle(path_from_here(), [](std::size_t) { return true; }));
  send();
  flush();
}

/// Notes the answer to everything from `done_` on; a refused message is dropped and counted.
LOCKGATE_INLINE void outbox::note(const accepted& answer) noexcept {
  left(done_ + answer.count);
  if (!answer.why.ok()) drop_next();
}

/// The messages up to `end` have been answered for.
LOCKGATE_INLINE void outbox::left(std::size_t end) noexcept {
  while (done_ < end) {
    const run& current = in_flight_.runs[run_];
    const std::size_t to = std::min(current.end, end);
    if (to == current.end) ++run_;
    current.to->left_outbox(static_cast<unsigned>(to - std::exchange(done_, to)));
  }
}

LOCKGATE_INLINE void outbox::drop_next() noexcept {
  owner_.trace().drop(drop_cause::send_failed, message_count({&in_flight_.messages[done_], 1}));
  left(done_ + 1);
}

}  // namespace lockgate::inline v0::detail

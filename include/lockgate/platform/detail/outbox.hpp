// Messages handed over for good, collected until the turn ends and sent with one row call.
#pragma once

#include "lockgate/base/accepted.hpp"             // for accepted
#include "lockgate/base/status.hpp"               // for status
#include "lockgate/buffer/lease.hpp"              // for lease
#include "lockgate/buffer/train.hpp"              // for longest_train, largest_train
#include "lockgate/coro/scheduler.hpp"            // for turn_end_item
#include "lockgate/platform/detail/send_row.hpp"  // for send_row
#include "lockgate/provider/message.hpp"          // for outgoing, incoming

#include <algorithm>  // for min
#include <cstddef>    // for size_t
#include <memory>     // for unique_ptr
#include <new>        // for nothrow
#include <span>       // for span
#include <utility>    // for move

namespace lockgate::inline v0::detail {

class path;
class session;

/// The outbox of one instance: received messages that the application forwards.
///
/// Where the provider sends trains, messages of one size that lie end to end become one again.
///
/// Guarantees: messages of one path keep their order, also with those sent otherwise.
/// Cost: one call of send_buffers per turn, however many paths and messages; no allocation once
/// warm.
class outbox final : turn_end_item, ready_item {
 public:
  explicit outbox(session& owner) noexcept
      : turn_end_item([](turn_end_item& self) noexcept { static_cast<outbox&>(self).flush(); }),
        ready_item(
            [](ready_item& self) noexcept { static_cast<outbox&>(self).later_answer_came(); }),
        owner_(owner) {}

  /// Sees to it that one more message can be added; a full batch is handed over for that.
  /// Errors: queue_full, no_memory.
  [[nodiscard]] status make_room() noexcept;
  /// Takes a message over. Requires: `make_room()`.
  void add(path& to, lease&& memory) noexcept;
  /// Takes as many messages over as there is room for. Requires: `make_room()`.
  [[nodiscard]] std::size_t add(path& to, std::span<incoming> messages) noexcept;
  /// Hands everything over now.
  void flush() noexcept;
  [[nodiscard]] bool is_busy() const noexcept { return row_.is_busy() || gathering_.count > 0; }

  /// Messages and trains in one row call; a full batch does not wait for the end of the turn.
  static constexpr std::size_t batch_size = 512;

 private:
  /// Messages in a row to one path that lie in the same memory, as the segments of a train do: one
  /// lease keeps it for all of them.
  struct run {
    path* to = nullptr;  // null once they were given back
    lease memory;
    std::size_t end = 0;  // the position behind its last message or train
  };
  struct batch {
    std::unique_ptr<outgoing[]> messages;  // with room for batch_size, once needed
    std::unique_ptr<run[]> runs;
    std::size_t count = 0;
    std::size_t run_count = 0;
    bool is_extensible = false;  // the last message may become a train, or a longer one

    [[nodiscard]] bool reserve() noexcept {
      if (!messages) messages.reset(new (std::nothrow) outgoing[batch_size]);
      if (!runs) runs.reset(new (std::nothrow) run[batch_size]);
      return messages && runs;
    }
    /// Adds a message to the train at the end, if it lies behind it in memory.
    [[nodiscard]] bool extend(const path& to, const lease& memory) noexcept {
      if (!is_extensible) return false;
      const run& last = runs[run_count - 1];
      outgoing& train = messages[count - 1];
      const bytes_view before = train.payload.part(0), next = memory.bytes();
      const std::size_t segment_size = train.segment_size == 0 ? before.size() : train.segment_size;
      const std::size_t size = before.size() + next.size();
      if (last.to != &to || last.memory.owner() != memory.owner() ||
          before.data() + before.size() != next.data() || next.size() > segment_size ||
          size > std::min(largest_train, longest_train * segment_size))
        return false;
      train.payload = chain(bytes_view(before.data(), size));
      train.segment_size = segment_size;
      is_extensible = next.size() == segment_size;  // only the last message may be shorter
      return true;
    }
    /// Keeps the memory of the message that was written last.
    void keep(path& to, lease&& memory) noexcept {
      if (run_count > 0) {
        run& last = runs[run_count - 1];
        if (last.to == &to && last.memory.owner() == memory.owner()) {
          last.end = ++count;
          memory.reset();
          return;
        }
      }
      run& begun = runs[run_count++];
      begun.to = &to;
      begun.memory = std::move(memory);
      begun.end = ++count;
    }
    void clear() noexcept {
      for (std::size_t i = 0; i < run_count; ++i) runs[i].memory.reset();
      count = run_count = 0;
      is_extensible = false;
    }
  };
  void row_outstanding(bool begins) noexcept;
  void send() noexcept;
  void give_back(batch& of, std::size_t first_run, std::size_t first) noexcept;
  [[nodiscard]] std::size_t next_offer() noexcept;
  void note(const accepted& answer) noexcept;
  void left(std::size_t end) noexcept;
  void drop_next() noexcept;
  /// Finds the path of a message by its place behind `done_`.
  [[nodiscard]] auto path_from_here() const noexcept {
    return [this](std::size_t i) -> path& {
      std::size_t at = run_;
      while (in_flight_.runs[at].end <= done_ + i) ++at;
      return *in_flight_.runs[at].to;
    };
  }
  void later_answer_came() noexcept;

  session& owner_;
  batch gathering_;
  batch in_flight_;
  std::size_t done_ = 0;  // messages of in_flight_
  std::size_t run_ = 0;   // the run that the next one belongs to
  send_row row_;
};

}  // namespace lockgate::inline v0::detail

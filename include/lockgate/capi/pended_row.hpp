// One call of a C callback, from its start until the platform has its result (G24 to G29).
#pragma once

#include "lockgate/base/transport_id.hpp"   // for transport_id
#include "lockgate/buffer/chain.hpp"        // for chain
#include "lockgate/capi/cpnatfwt.h"         // for CPNATFWT_BUFFER, CPNATFWT_TRANSPORT_ID
#include "lockgate/capi/host.hpp"           // for host
#include "lockgate/capi/hresult.hpp"        // for pending
#include "lockgate/capi/instance_gate.hpp"  // for instance_gate
#include "lockgate/capi/slot_table.hpp"     // for slot_table, slot_handle
#include "lockgate/coro/operation.hpp"      // for resumption, task_context

#include <array>      // for array
#include <atomic>     // for atomic
#include <coroutine>  // for coroutine_handle
#include <cstddef>    // for size_t, byte
#include <cstdint>    // for uint32_t, uint64_t
#include <utility>    // for exchange
#include <vector>     // for vector

namespace lockgate::inline v0::capi::detail {

/// What a callback is lent as a transport id.
class lent_id {
 public:
  CPNATFWT_TRANSPORT_ID* lend(const transport_id& id) noexcept {
    id_ = id;
    form_ = {transport_id::size,
             reinterpret_cast<BYTE*>(const_cast<std::byte*>(id_.bytes().data()))};
    return &form_;
  }

 private:
  transport_id id_;
  CPNATFWT_TRANSPORT_ID form_{};
};

/// A slot for one call: the completion context stands for it and the call's generation, so that a
/// completion which is late or repeated finds that its call is over.
///
/// The completing thread claims the call through one atomic word. All else belongs to the
/// platform's thread, but for the result, which travels with the claim.
class pended_row final : posted_item {
 public:
  explicit pended_row(std::size_t index) noexcept
      : posted_item([](posted_item& self) noexcept { static_cast<pended_row&>(self).arrive(); },
                    [](posted_item&) noexcept {}),
        index_(index) {}

  [[nodiscard]] void* context() const noexcept { return slot_handle(index_, generation_).value(); }
  [[nodiscard]] bool has_arrived() const noexcept { return arrived_; }
  [[nodiscard]] HRESULT take_result() noexcept {
    taken_ = true;
    return result_;
  }
  /// What the callback is lent until the call is over. Null without memory for the chain.
  lent_id local, remote;
  [[nodiscard]] CPNATFWT_BUFFER* lend(const chain& payload) noexcept {
    const std::size_t count = payload.part_count();
    CPNATFWT_BUFFER* parts = few_.data();
    if (count > few_.size()) {
      if (!lockgate::detail::without_throwing([&] { many_.resize(count); }).ok()) return nullptr;
      parts = many_.data();
    }
    for (std::size_t i = 0; i < count; ++i) {
      const bytes_view bytes = payload.part(i);
      parts[i] = {i + 1 < count ? parts + i + 1 : nullptr, static_cast<ULONG>(bytes.size()),
                  reinterpret_cast<BYTE*>(const_cast<std::byte*>(bytes.data()))};
    }
    return parts;
  }
  /// The call is an activation: its success opens the gate inside the completion call, on the
  /// provider's thread.
  void is_activation(instance_gate& gate, std::uint64_t ticket) noexcept {
    gate_ = &gate;
    ticket_ = ticket;
  }

  /// CPNATFWT_PLATFORM_COMPLETION_ROUTINE.
  static VOID CALLBACK complete(PVOID context, HRESULT result) noexcept;

  class completion_operation;
  /// Waits for the completion; a stop request does not end it, only the provider does.
  [[nodiscard]] completion_operation completion() noexcept;

 private:
  friend class row_pool;
  enum : std::uint64_t { idle, open, claimed };
  static constexpr std::uint64_t word(std::uint32_t generation, std::uint64_t state) noexcept {
    return std::uint64_t{generation} << 2 | state;
  }
  bool leave_open(std::uint32_t generation, std::uint64_t next) noexcept {
    std::uint64_t expected = word(generation, open);
    return word_.compare_exchange_strong(expected, next, std::memory_order_acq_rel,
                                         std::memory_order_relaxed);
  }
  void arrive() noexcept;

  std::size_t index_;
  std::uint32_t generation_ = 1;
  std::atomic<std::uint64_t> word_{word(1, idle)};
  HRESULT result_ = S_OK;
  bool arrived_ = false;
  bool taken_ = false;
  bool given_up_ = false;
  instance_gate* gate_ = nullptr;
  std::uint64_t ticket_ = 0;
  std::coroutine_handle<> waiting_;
  resumption way_back_;
  scheduler* home_ = nullptr;
  pended_row* next_free_ = nullptr;
  std::array<CPNATFWT_BUFFER, 4> few_{};
  std::vector<CPNATFWT_BUFFER> many_;
};

/// All slots, and those that are free. Only `find` may be called off the platform's thread.
class row_pool {
 public:
  static row_pool& get() {
    static row_pool& only = *new row_pool;
    return only;
  }
  [[nodiscard]] pended_row* find(std::size_t index) const noexcept { return slots_.find(index); }
  /// A slot for a new call. Null without memory. Cost: no allocation in a steady state.
  [[nodiscard]] pended_row* open() noexcept {
    pended_row* row = free_ ? std::exchange(free_, free_->next_free_) : slots_.add();
    if (!row) return nullptr;
    row->arrived_ = row->taken_ = row->given_up_ = false;
    row->gate_ = nullptr;
    row->word_.store(pended_row::word(row->generation_, pended_row::open),
                     std::memory_order_release);
    return row;
  }
  /// The platform needs the call no longer.
  void close(pended_row& row) noexcept {
    const std::uint32_t next = slot_handle::next(row.generation_);
    if (!row.leave_open(row.generation_, pended_row::word(next, pended_row::idle))) {
      row.given_up_ = true;
      if (row.arrived_) recycle(row);
      return;  // otherwise its completion is on the way
    }
    row.generation_ = next;
    free_row(row);
  }
  void recycle(pended_row& row) noexcept {
    if (!row.taken_) host::get().ignored_completions.fetch_add(1, std::memory_order_relaxed);
    row.generation_ = slot_handle::next(row.generation_);
    row.word_.store(pended_row::word(row.generation_, pended_row::idle), std::memory_order_release);
    free_row(row);
  }

 private:
  row_pool() = default;
  void free_row(pended_row& row) noexcept {
    row.waiting_ = {};
    row.way_back_.unlink();
    row.next_free_ = std::exchange(free_, &row);
  }
  slot_table<pended_row> slots_;
  pended_row* free_ = nullptr;
};

/// The platform's hold on a call.
class row_hold {
 public:
  row_hold() noexcept : row_(row_pool::get().open()) {}
  row_hold(row_hold&& other) noexcept : row_(std::exchange(other.row_, nullptr)) {}
  row_hold& operator=(row_hold&& other) noexcept {
    std::swap(row_, other.row_);
    return *this;
  }
  ~row_hold() {
    if (row_) row_pool::get().close(*row_);
  }
  [[nodiscard]] explicit operator bool() const noexcept { return row_ != nullptr; }
  pended_row* operator->() const noexcept { return row_; }

 private:
  pended_row* row_;
};

inline VOID CALLBACK pended_row::complete(PVOID context, HRESULT result) noexcept {
  const slot_handle of(context);
  pended_row* const row = row_pool::get().find(of.index());
  if (!row || !row->leave_open(of.generation(), word(of.generation(), claimed))) {
    host::get().ignored_completions.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  row->result_ = result == pending ? E_FAIL : result;  // "not yet" is no result
  if (row->gate_ && SUCCEEDED(row->result_)) row->gate_->open(row->ticket_);
  if (host::get().on_platform_thread()) row->arrive();
  else host::get().post(*row);
}

/// A completed activation takes effect at once, so that what the provider indicates right after it
/// is accepted (U6); it runs no code of the provider. Other completions may lead to the next
/// callback, which must not begin inside this call.
inline void pended_row::arrive() noexcept {
  arrived_ = true;
  if (given_up_) return row_pool::get().recycle(*this);
  if (gate_ && FAILED(result_)) gate_->close();
  const std::coroutine_handle<> waiting = std::exchange(waiting_, {});
  if (!waiting) return;
  if (gate_) home_->resume(waiting);
  else way_back_.resume();
}

class pended_row::completion_operation {
 public:
  explicit completion_operation(pended_row& row) noexcept : row_(row) {}
  class awaiter {
   public:
    awaiter(pended_row& row, const task_context& context) noexcept : row_(row), context_(context) {}
    bool await_ready() const noexcept { return row_.arrived_; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
      row_.waiting_ = coroutine;
      row_.home_ = context_.home;
      row_.way_back_.suspend(coroutine, *context_.home);
    }
    HRESULT await_resume() const noexcept { return row_.take_result(); }

   private:
    pended_row& row_;
    const task_context& context_;
  };
  awaiter bind(const task_context& context) noexcept { return awaiter(row_, context); }

 private:
  pended_row& row_;
};

inline pended_row::completion_operation pended_row::completion() noexcept {
  return completion_operation(*this);
}

}  // namespace lockgate::inline v0::capi::detail

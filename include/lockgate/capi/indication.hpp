// A message on its way from a C provider to the application.
#pragma once

#include "lockgate/buffer/lease.hpp"        // for lease, lease_owner, copies_made
#include "lockgate/capi/blocking_call.hpp"  // for blocking_call
#include "lockgate/capi/c_instance.hpp"     // for c_instance
#include "lockgate/capi/cpnatfwt.h"         // for CPNATFWT_BUFFER
#include "lockgate/capi/hresult.hpp"        // for to_hresult
#include "lockgate/coro/inbox.hpp"          // for posted_item
#include "lockgate/coro/ready_item.hpp"     // for ready_item
#include "lockgate/provider/message.hpp"    // for incoming

#include <array>    // for array
#include <bit>      // for has_single_bit
#include <cstddef>  // for byte, size_t
#include <cstring>  // for memcpy
#include <new>      // for nothrow, operator new
#include <span>     // for span
#include <utility>  // for move
#include <vector>   // for vector

namespace lockgate::inline v0::capi::detail {

/// The arguments of Indicate, checked.
class indicated {
 public:
  indicated(const CPNATFWT_TRANSPORT_ID* local_id, const CPNATFWT_TRANSPORT_ID* remote_id,
            const CPNATFWT_BUFFER* chain) noexcept
      : chain_(chain) {
    valid_ = read(local_id, local) && read(remote_id, remote);
    // A chain that leads back into itself comes to a part that was the last of 2, 4, 8... parts.
    const CPNATFWT_BUFFER* landmark = nullptr;
    std::size_t count = 0;
    for (const CPNATFWT_BUFFER* part = chain; part && valid_; part = part->next) {
      if (part == landmark || (part->size > 0 && !part->buffer)) valid_ = false;
      size_ += part->size;
      parts_ += part->size > 0;
      if (std::has_single_bit(++count)) landmark = part;
    }
  }
  /// Two ids and at least one byte.
  [[nodiscard]] bool is_valid() const noexcept { return valid_ && size_ > 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t part_count() const noexcept { return parts_; }
  /// Calls `visit(span)` for each part that is not empty.
  template <class F>
  void for_each_part(F visit) const {
    for (const CPNATFWT_BUFFER* part = chain_; part; part = part->next)
      if (part->size > 0) visit(std::span(reinterpret_cast<std::byte*>(part->buffer), part->size));
  }

  transport_id local, remote;

 private:
  static bool read(const CPNATFWT_TRANSPORT_ID* from, transport_id& to) noexcept {
    if (!from || !from->transportId || from->size != transport_id::size) return false;
    std::array<std::byte, transport_id::size> bytes{};
    std::memcpy(bytes.data(), from->transportId, bytes.size());
    to = transport_id(bytes);
    return true;
  }
  const CPNATFWT_BUFFER* chain_;
  std::size_t size_ = 0;
  std::size_t parts_ = 0;
  bool valid_ = false;
};

/// A message whose memory stays the provider's until its completion routine is called: when the
/// last lease on it has ended, in a step of its own.
class indication final : posted_item, ready_item, lease_owner {
 public:
  indication(c_instance& from, const indicated& what, void* context,
             CPNATFWT_PROVIDER_COMPLETION_ROUTINE routine) noexcept
      : posted_item([](posted_item& self) noexcept { static_cast<indication&>(self).arrive(); },
                    [](posted_item&) noexcept {}),
        ready_item([](ready_item& self) noexcept { static_cast<indication&>(self).complete(); }),
        lease_owner(on_release, what.size()), from_(from), what_(what), context_(context),
        routine_(routine) {}

  /// Hands the message up from another thread, or after the callback that runs. `pending` is owed.
  void hand_over() noexcept { host::get().post(*this); }
  /// Hands it up now. `pending` if the routine will be called; otherwise this is gone.
  HRESULT hand_up_now() noexcept {
    inside_call_ = true;
    result_ = to_hresult(hand_up());
    inside_call_ = false;
    if (leases() > 0) return pending;
    const HRESULT result = result_;
    go();
    return result;
  }
  /// Whether a lease is on memory that this instance lent.
  [[nodiscard]] static bool lent(const lease_owner* owner, const c_instance& by) noexcept {
    return owner && owner->is_released_by(on_release) &&
           &static_cast<const indication*>(owner)->from_ == &by;
  }

 private:
  static void on_release(lease_owner& self) noexcept { static_cast<indication&>(self).released(); }
  status hand_up() noexcept {
    if (from_.gate.look().has_ended()) return errc::terminated;
    if (what_.part_count() == 1) {
      lease payload;
      what_.for_each_part([&](std::span<std::byte> part) { payload = lease(*this, part); });
      return from_.native.indicate(incoming(what_.local, what_.remote, std::move(payload)));
    }
    std::vector<lease> parts;
    const status made = lockgate::detail::without_throwing([&] {
      parts.reserve(what_.part_count());
      what_.for_each_part([&](std::span<std::byte> part) { parts.push_back(lease(*this, part)); });
    });
    if (!made.ok()) return made;
    return from_.native.indicate(incoming(what_.local, what_.remote, std::move(parts)));
  }
  void arrive() noexcept {
    inside_call_ = true;
    result_ = to_hresult(hand_up());
    inside_call_ = false;
    if (leases() == 0) complete();
  }
  void released() noexcept {
    if (inside_call_) return;
    if (from_.gate.look().has_ended()) result_ = CPNATFWT_E_ABORTED;
    host::get().home().schedule(*this);
  }
  void complete() noexcept {
    routine_(context_, result_);
    go();
  }
  void go() noexcept {
    c_instance& from = from_;
    delete this;
    from.leave();
  }

  c_instance& from_;
  indicated what_;
  void* context_;
  CPNATFWT_PROVIDER_COMPLETION_ROUTINE routine_;
  bool inside_call_ = false;
  HRESULT result_ = S_OK;
};

/// A copy of a message in memory of its own, counted in `copies_made`: what Indicate without a
/// completion routine hands up. Without memory the message is empty.
[[nodiscard]] inline incoming copy_of(const indicated& what) noexcept {
  auto* const memory = new (std::nothrow) std::byte[what.size()];
  if (!memory) return {};
  lease copy = lease::wrap(
      {memory, what.size()}, [](void* m) noexcept { delete[] static_cast<std::byte*>(m); }, memory);
  if (!copy.has_memory()) {
    delete[] memory;
    return {};
  }
  std::byte* out = memory;
  what.for_each_part([&out](std::span<const std::byte> part) {
    std::memcpy(out, part.data(), part.size());
    out += part.size();
  });
  ++copies_made.copies;
  copies_made.bytes += what.size();
  return incoming(what.local, what.remote, std::move(copy));
}

/// A copied message whose outcome a thread waits for.
class blocking_indication final : posted_item {
 public:
  blocking_indication(c_instance& from, incoming&& message) noexcept
      : posted_item(
            [](posted_item& self) noexcept {
              auto& me = static_cast<blocking_indication&>(self);
              const status delivered = me.from_.gate.look().has_ended()
                                           ? status(errc::terminated)
                                           : me.from_.native.indicate(std::move(me.message_));
              me.message_ = incoming();
              me.from_.leave();
              me.done_.finish(to_hresult(delivered));
            },
            [](posted_item&) noexcept {}),
        from_(from), message_(std::move(message)) {}
  HRESULT hand_over_and_wait() noexcept {
    host::get().post(*this);
    return done_.wait();
  }

 private:
  c_instance& from_;
  incoming message_;
  blocking_call done_;
};

/// The session has ended: messages that the application has not read yet move to memory of their
/// own, so that the provider's comes back.
inline void return_queued_messages(const c_instance& of) noexcept {
  host::get().platform().compact_queued([&of](const incoming& message) {
    for (std::size_t i = 0; i < message.part_count(); ++i)
      if (indication::lent(message.part(i).owner(), of)) return true;
    return false;
  });
}

}  // namespace lockgate::inline v0::capi::detail
